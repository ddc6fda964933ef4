import { DomainError, invalidField } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { Row } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import { isRefused } from '../stores/judge-change.ts';
import { type Change, MAX_BATCH_CHANGES, type Records, type Stored, type Written } from '../stores/record-store.ts';
import {
  type Acceptance,
  acceptance,
  accepting,
  asked,
  type CreateRecord,
  type DeleteRecord,
  etagMismatch,
  type Found,
  isFound,
  recordNotFound,
  refusal,
  type UpdateRecord,
} from './record-service.ts';

/**
 * The use cases of several records at once: all of it is done, or none. Answers are in the order of what was asked.
 *
 * Errors: as {@link RecordService}'s, of the first record that can't be done; `index` in their metadata says which it is.
 */
export interface BatchService {
  /** The most records of a batch that writes. */
  readonly maxBatchSize: number;
  /** The records with these keys, which may be of different parents and more than once the same. */
  get(keys: readonly Key[], call: Call): Promise<readonly Found[]>;
  create(requests: readonly CreateRecord[], call: Call): Promise<readonly Found[]>;
  update(requests: readonly UpdateRecord[], call: Call): Promise<readonly Found[]>;
  /** Returns the version of the absences. `field`: what the caller's list is called. Default `requests`. */
  delete(requests: readonly DeleteRecord[], call: Call, field?: string): Promise<bigint>;
}

/** What {@link createBatchService} needs. */
export interface BatchServiceOptions {
  readonly records: Records;
  /** The etag of a record's content, the same in either store. */
  readonly etagOf: (row: Row) => string;
  /** The most records of a batch that writes. Default, and most: {@link MAX_BATCH_CHANGES}. */
  readonly maxBatchSize?: number;
}

/** The most records of one batch that is read (AIP-231): as many as of a page. */
export const MAX_BATCH_READS = 1000;
/** How often a batch of updates that may create begins again, as some records are there and others not, before it gives up. */
const MAX_UPSERT_TURNS = 3;

/** Creates the use cases of one resource. */
export function createBatchService({
  records,
  etagOf,
  maxBatchSize = MAX_BATCH_CHANGES,
}: BatchServiceOptions): BatchService {
  const write = async (changes: readonly Change[], call: Call, field = 'requests'): Promise<readonly Written[]> => {
    checkSize(changes.length, maxBatchSize, field);
    checkDifferent(changes, field);
    return await records.writeMany(changes, call);
  };

  const get = async (keys: readonly Key[], call: Call): Promise<readonly Found[]> => {
    checkSize(keys.length, MAX_BATCH_READS, 'names');
    const distinct = [...new Map(keys.map((key) => [key.id, key])).values()];
    const found = new Map<string, Stored>();
    for (let at = 0; at < distinct.length; at += records.maxKeys) {
      const some = await records.getMany(distinct.slice(at, at + records.maxKeys), call);
      for (const stored of some) found.set(stored.key.id, stored);
    }
    return keys.map((key, index) => {
      const stored = found.get(key.id);
      if (isFound(stored)) return stored;
      throw ofRecord(recordNotFound(stored?.version ?? 0n), index);
    });
  };

  const create = async (requests: readonly CreateRecord[], call: Call): Promise<readonly Found[]> => {
    const changes = requests.map((one): Change => {
      const { key, row, columns } = one;
      return { key, kind: 'create', row, columns, ...asked(one) };
    });
    return foundOrThrow(changes, await write(changes, call));
  };

  const update = async (requests: readonly UpdateRecord[], call: Call): Promise<readonly Found[]> => {
    const conditions = requests.map((request) => acceptance(request, etagOf));
    const updates = requests.map((one, i): Change => {
      const { key, row, columns } = one;
      const accepts = conditions[i]?.accepts;
      return { key, kind: 'update', row, columns, ...(accepts && { accepts }), ...asked(one) };
    });
    const mayTurn = (): boolean => turnsOf({ written, changes, requests, conditions });
    let changes: readonly Change[] = updates;
    let written = await write(changes, call);
    for (let turn = 0; turn < MAX_UPSERT_TURNS && mayTurn(); turn++) {
      changes = changes.map((change, i) => turned(change, written[i]?.outcome, updates[i], requests[i]) ?? change);
      written = await write(changes, call);
    }
    return foundOrThrow(changes, written);
  };

  const remove: BatchService['delete'] = async (requests, call, field) => {
    const changes = requests.map((one): Change => {
      const { key, etag, allowMissing: allowsMissing } = one;
      return { key, kind: 'delete', row: null, columns: [], allowsMissing, ...accepting(etag, etagOf), ...asked(one) };
    });
    const written = await write(changes, call, field);
    throwRefused(changes, written);
    return leastVersion(written.map(({ stored }) => stored));
  };

  return { maxBatchSize, get, create, update, delete: remove };
}

/** The greatest version that a caller may send back for any of these records. */
export function leastVersion(records: readonly Pick<Stored, 'version'>[]): bigint {
  return records.reduce((least, { version }) => (version < least ? version : least), records[0]?.version ?? 0n);
}

/** A batch of updates after a try. All are in the order of the requests. */
interface UpdateTurn {
  readonly written: readonly Written[];
  readonly changes: readonly Change[];
  readonly requests: readonly UpdateRecord[];
  readonly conditions: readonly Acceptance[];
}

/**
 * Whether the refusals are all of records that may be created, or that were to be and are there now; false: there is none. Throws the
 * first that is of another kind.
 */
function turnsOf({ written, changes, requests, conditions }: UpdateTurn): boolean {
  let turns = false;
  for (const [index, one] of written.entries()) {
    if (one.outcome === 'withheld' || !isRefused(changes[index] as Change, one.outcome)) continue;
    const { etag = '', ifMissing = null } = requests[index] ?? {};
    const mayBeMade = one.outcome === 'not_found' && ifMissing !== null;
    // An etag was given, so there was a record: it is gone, which is a change that the caller has not seen.
    if (mayBeMade && etag !== '') throw ofRecord(etagMismatch(one.stored.version), index);
    if (!mayBeMade && changes[index]?.kind !== 'create') {
      const broken = one.outcome === 'etag_mismatch' ? conditions[index]?.refused() : undefined;
      throw ofRecord(broken ?? refusal(one), index);
    }
    turns = true;
  }
  return turns;
}

/** What is tried instead of a change that was refused; undefined: it was not. */
function turned(
  { key }: Change,
  outcome: Written['outcome'] | undefined,
  update: Change | undefined,
  request: UpdateRecord | undefined,
): Change | undefined {
  if (outcome === 'already_exists') return update;
  const created = outcome === 'not_found' ? request?.ifMissing?.() : undefined;
  return created && { ...created, key, kind: 'create', ...(request && asked(request)) };
}

function foundOrThrow(changes: readonly Change[], written: readonly Written[]): readonly Found[] {
  throwRefused(changes, written);
  return written.map((one, index) => {
    if (isFound(one.stored) && (one.outcome === 'written' || one.outcome === 'repeated')) return one.stored;
    throw ofRecord(refusal(one), index);
  });
}

/** The first record that was refused says why none was written. */
function throwRefused(changes: readonly Change[], written: readonly Written[]): void {
  for (const [index, one] of written.entries()) {
    const isTold = one.outcome !== 'withheld' && isRefused(changes[index] as Change, one.outcome);
    if (isTold) throw ofRecord(refusal(one), index);
  }
}

function ofRecord(error: unknown, index: number): unknown {
  if (!(error instanceof DomainError)) return error;
  const { kind, reason, message, metadata, violations, cause } = error;
  return new DomainError({ kind, reason, message, violations, cause, metadata: { ...metadata, index: String(index) } });
}

function checkSize(size: number, most: number, field: string): void {
  if (size === 0) throw invalidField(field, 'must not be empty');
  if (size > most) throw invalidField(field, `at most ${most} at once; ask again for the rest`);
}

function checkDifferent(changes: readonly Change[], field: string): void {
  const places = new Map<string, number>();
  for (const [index, { key }] of changes.entries()) {
    const other = places.get(key.id);
    if (other !== undefined) {
      throw new DomainError({
        kind: 'invalid_argument',
        reason: 'INVALID_FIELD',
        message: `names the same record as ${field}[${other}]`,
        metadata: { field: `${field}[${index}]`, index: String(index) },
      });
    }
    places.set(key.id, index);
  }
}
