import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import type { Config } from './config.ts';
import type { clientTls } from './security-schema.ts';
import { StartError } from './start-error.ts';

/** How the service checks another server and proves itself to it; PEM. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly verify: z.infer<typeof clientTls>['verify'];
}

/** For each of the other servers; absent: what the config says nothing of. */
export interface ClientTlsOfStores {
  readonly mysql?: ClientTls;
  readonly cassandra?: ClientTls;
  readonly riak?: ClientTls;
  /** The authorities for Unleash. */
  readonly unleashCa?: string;
}

/** Reads the files that the config names. Throws a StartError that names every one that can't be read. */
export async function readClientTls({ stores, unleash }: Config): Promise<ClientTlsOfStores> {
  const mistakes: string[] = [];
  const read = async (file: string | undefined, key: string): Promise<string | undefined> => {
    if (file === undefined) return undefined;
    return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      mistakes.push(`${key}: ${file} cannot be read (${error.code ?? 'unknown error'})`);
      return undefined;
    });
  };
  const readAll = async (tls: z.infer<typeof clientTls> | undefined, at: string): Promise<ClientTls | undefined> => {
    if (tls === undefined) return undefined;
    const [ca, cert, key] = await Promise.all([
      read(tls.caFile, `${at}.caFile`),
      read(tls.certFile, `${at}.certFile`),
      read(tls.keyFile, `${at}.keyFile`),
    ]);
    return { verify: tls.verify, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  };
  const [mysql, cassandra, riak, unleashCa] = await Promise.all([
    readAll(stores.mysql.tls, 'stores.mysql.tls'),
    readAll(stores.cassandra?.tls, 'stores.cassandra.tls'),
    readAll(stores.riak?.tls, 'stores.riak.tls'),
    read(unleash?.caFile, 'unleash.caFile'),
  ]);
  if (mistakes.length > 0) throw new StartError(mistakes);
  return {
    ...(mysql && { mysql }),
    ...(cassandra && { cassandra }),
    ...(riak && { riak }),
    ...(unleashCa && { unleashCa }),
  };
}
