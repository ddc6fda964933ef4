import type { Key } from '../domain/key.ts';
import type { Call } from '../stores/call.ts';
import type { Copy, Guard, RecordStore, Written, WrittenEntry } from '../stores/record-store.ts';

/** The outcome of touching some keys. */
export interface Touched {
  /** What was touched and must now be applied to the follower. */
  readonly copies: readonly Copy[];
  /** Keys that were not touched: the guard did not hold, or authority is being handed over. */
  readonly refused: readonly Key[];
  /** The write-ahead entry of all of it, if the authority has such a log: see {@link applyTouched}. */
  readonly entry?: WrittenEntry;
  /** Whether the control record is not the one expected any more: no later try can succeed. */
  readonly guardLost: boolean;
}

/**
 * Touches keys: each gets a newer version, and its content as read under its lock goes to the follower at that version
 * (docs/protocol.md, section 2). Applying is the caller's part, until it is done. `keys`: at most one touch batch, in any order.
 */
export async function touchKeys(
  authority: RecordStore,
  keys: readonly Key[],
  guard: Guard,
  call: Call,
): Promise<Touched> {
  const sorted = [...keys].sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const copies: Copy[] = [];
  const refused: Key[] = [];
  let guardLost = false;
  let logged: Written['entry'];
  for (const { outcome, stored, control, entry } of await authority.touchMany(sorted, guard, call)) {
    logged ??= entry;
    if (outcome !== 'control_changed') {
      copies.push(stored);
      continue;
    }
    refused.push(stored.key);
    guardLost ||= control.epoch !== guard.epoch || control.attach !== guard.attach;
  }
  return { copies, refused, guardLost, ...(logged && { entry: logged }) };
}

/** Carries what was touched to the follower: `apply` does it, and may throw; then the log's keeper has to. */
export async function applyTouched({ copies, entry }: Touched, apply: () => Promise<void>): Promise<void> {
  let isCarried = false;
  try {
    if (copies.length > 0) await apply();
    isCarried = true;
  } finally {
    if (isCarried) entry?.carried();
    else entry?.left();
  }
}
