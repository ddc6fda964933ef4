import type { Clock } from '../domain/clock.ts';
import { internalCall } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { ControlRecord, ControlStore } from '../stores/control-store.ts';
import { attach } from './control-record.ts';
import type { ProtocolSettings } from './settings.ts';

/** What attaching needs. */
export interface AttachOptions {
  readonly control: ControlStore;
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
  const { control, log, instance, settings, clock } = options;
  const call = () => internalCall(clock, STEP_TIMEOUT_MS);
  const position = await log.position(call());
  const definitionHash = await log.definitionHash(call());
  const next = attach(record, await control.clock(call()), BigInt(settings.skewBoundMs * 1000));
  if (!(await control.compareAndSet(next, { instance, reason }, call()))) return false;
  const { resource, epoch, attach: number } = next;
  await log.writeCheckpoint({ resource, epoch, attach: number, position, definitionHash, begun: false }, call());
  return true;
}
