import { createKeyCodec, type Key } from '../domain/key.ts';
import type { Call } from '../stores/call.ts';
import type { JobStore, Mismatch } from '../stores/job-store.ts';
import { type LookOptions, lookAgain } from './look.ts';

/** What looking at recorded mismatches needs. */
export interface MismatchOptions extends LookOptions {
  readonly jobs: JobStore;
}

/** Mismatches that are looked at together: one barrier, and one statement or few for each store. */
const PAGE = 500;

/** Looks once more at every open mismatch and closes those that are gone. `call`: for each page. */
export async function closeGoneMismatches(options: MismatchOptions, floor: bigint, call: () => Call): Promise<void> {
  let after = 0;
  for (;;) {
    const page = await listOpen(options, after, PAGE, call());
    if (page.length === 0) return;
    after = page.at(-1)?.id ?? after;
    const within = call();
    const { equal } = await lookAgain(options, keysOf(options, page), floor, within);
    if (equal.length > 0) await options.jobs.closeMismatches(options.resource.id, equal, within);
  }
}

/** Open mismatches with an id above `after`, oldest first. */
export async function listOpen(
  { jobs, resource }: MismatchOptions,
  after: number,
  limit: number,
  call: Call,
): Promise<readonly Mismatch[]> {
  return await jobs.listMismatches(resource.id, { after, limit, openOnly: true }, call);
}

/** The keys of mismatches. */
export function keysOf({ resource }: MismatchOptions, mismatches: readonly Mismatch[]): readonly Key[] {
  const codec = createKeyCodec(resource);
  return mismatches.map((mismatch) => codec.fromBytes(mismatch.key));
}
