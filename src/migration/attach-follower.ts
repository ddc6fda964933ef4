import type { Clock } from '../domain/clock.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import { attach } from './control-record.ts';
import type { Registers } from './registers.ts';
import type { Roles } from './roles.ts';
import type { ProtocolSettings } from './settings.ts';

/** What attaching needs. */
export interface AttachOptions {
  readonly registers: Registers;
  /** Who is what while a record holds. */
  readonly rolesOf: (record: ControlRecord) => Roles;
  readonly log: ChangeLog;
  readonly instance: string;
  readonly settings: Pick<ProtocolSettings, 'skewBoundMs'>;
  readonly clock: Clock;
}

/** How long each call of an attach may take. */
const STEP_TIMEOUT_MS = 5_000;

/**
 * Attaches the follower (docs/protocol.md, section 3, step 0): `syncing`, a new attach number, a raised floor. The log's position
 * is read before the transaction that attaches, so that capture misses nothing after it. If this instance dies before
 * the checkpoint is written, there is none of this attach, and whoever controls next attaches again.
 * False: the record had changed.
 */
export async function attachFollower(options: AttachOptions, record: ControlRecord, reason: string): Promise<boolean> {
  const { registers, rolesOf, log, instance, settings, clock } = options;
  const call = () => internalCall(clock, STEP_TIMEOUT_MS);
  const position = await log.position(call());
  const definitionHash = await log.definitionHash(call());
  const now = await rolesOf(record).authority.clock(call());
  const next = attach(record, now, BigInt(settings.skewBoundMs * 1000));
  if (!(await registers.compareAndSet(next, { instance, reason }, call()))) return false;
  if (next.authority === 'target') await tellSource(options, next, reason, call());
  const { resource, epoch, attach: number } = next;
  await log.writeCheckpoint({ resource, epoch, attach: number, position, definitionHash, begun: false }, call());
  return true;
}

/**
 * A follower in MySQL takes copies of the attach alone that its own control record names (docs/protocol.md, section 3, step 0);
 * there it is the record that announced the epoch, which a source that lost its tail gets back. May be repeated.
 */
export async function tellSource(
  { registers, instance }: Pick<AttachOptions, 'registers' | 'instance'>,
  record: ControlRecord,
  reason: string,
  call: Call,
): Promise<void> {
  const { epoch, attach: number } = record;
  const told = (await registers.source.poll(call)).find(({ resource }) => resource === record.resource);
  if (told === undefined || told.epoch > epoch || (told.epoch === epoch && told.attach >= number)) return;
  const next: ControlRecord = told.epoch === epoch ? { ...told, attach: number } : { ...record, state: 'moved' };
  const why = { instance, reason, replaces: told.generation };
  await registers.source.compareAndSet({ ...next, generation: told.generation + 1 }, why, call);
}

/**
 * Whether the source, asked now, does not know of this epoch of the target, which can't have begun without it: a backup was
 * restored, or a failover lost its tail, while no instance was there to remember.
 */
export async function sourceHasForgotten(registers: Registers, record: ControlRecord, call: Call): Promise<boolean> {
  if (record.authority !== 'target') return false;
  const told = (await registers.source.poll(call)).find(({ resource }) => resource === record.resource);
  return told === undefined || told.epoch < record.epoch;
}
