import type { Dice } from './dice.ts';
import type { GrpcWire } from './grpc-wire.ts';
import type { HttpWire } from './http-wire.ts';
import type { SocketWire } from './socket-wire.ts';
import type { Surface, World } from './surface.ts';
import type { Ending, Seen } from './wire-codes.ts';

/** Ways to a running server. */
export interface Wires {
  readonly grpc: GrpcWire;
  readonly http: HttpWire;
  readonly sockets: SocketWire;
  readonly grpcPort: number;
  readonly httpPort: number;
}

/** What inputs are made of, besides dice. */
export interface Material {
  readonly surface: Surface;
  readonly world: World;
}

/** One input. */
export interface Input {
  /** For a person who looks into it. */
  readonly what: string;
  /** How it may end. */
  readonly endings: readonly Ending[];
  send(wires: Wires): Promise<Seen>;
}

/** Inputs of one making. */
export interface Kind {
  readonly name: string;
  readonly about: string;
  /** Its part of all inputs, relative to the others'. */
  readonly share: number;
  make(dice: Dice, material: Material): Input;
}

/** How long an input may take: longer than the service's own deadline, so that what is longer hangs. */
export const INPUT_TIMEOUT_MS = 10_000;

/** How a request for a record or a migration may end that was understood, or was not. */
export const RPC_ENDINGS: readonly Ending[] = [
  'OK',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'ABORTED',
  'FAILED_PRECONDITION',
];

/** The operations' service has a method, and fields of others, that nobody is offered. */
export function endingsAt(path: string, endings: readonly Ending[]): readonly Ending[] {
  return path.startsWith('/google.longrunning.Operations/') ? [...endings, 'UNIMPLEMENTED'] : endings;
}
