/** `npm run dev`, as the documents say to start it, for the commands that need a service with records. */
import type { Reader } from './reader.ts';
import type { StayingProgram } from './terminal.ts';

const DEV_MS = 14 * 60_000;
/** Enough that a patient of the documents has some; the whole sample takes a minute more. */
const ROWS = 3_000;

/** What `npm run dev` has printed about itself. */
export interface DevServers {
  readonly program: StayingProgram;
  readonly unleash: string;
  readonly mysql: { readonly host: string; readonly port: number; readonly user: string; readonly password: string };
}

/** Starts it on these ports, and waits until it says what to try. */
export async function startDev(reader: Reader, grpcPort: number, httpPort: number): Promise<DevServers> {
  const program = reader.stay(`npm run dev -- --rows ${ROWS} --grpc-port ${grpcPort} --http-port ${httpPort}`);
  await program.until('up', () => program.output.includes('Ctrl-C stops everything'), DEV_MS);
  const [, unleash] = /^flags +(http:\/\/[\d.:]+)/m.exec(program.output) ?? [];
  const [, host, port, user, password] = /mysql -h (\S+) -P (\d+) -u (\S+) -p(\S+)/.exec(program.output) ?? [];
  if (unleash === undefined || host === undefined || user === undefined || password === undefined) {
    throw new Error(`npm run dev does not say where its servers are:\n${program.output}`);
  }
  return { program, unleash, mysql: { host, port: Number(port), user, password } };
}
