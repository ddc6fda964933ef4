import type { AddressInfo, Server } from 'node:net';

/** Lets a server listen. Resolves with the port, which the system chooses if 0 was asked for; rejects if it is taken. */
export function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
