import { DomainError, invalidField } from '../domain/errors.ts';
import type { Key, KeyValue } from '../domain/key.ts';
import type { Index, Row, Value } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { Change, Records, Stored, Written } from '../stores/record-store.ts';
import type { PageTokens } from './page-token.ts';

/** A record that exists, with its version as callers see it. */
export interface Found extends Stored {
  readonly row: Row;
}

/** A listing within one parent. */
export interface ListRecords {
  /** The values of the parent's key columns. */
  readonly parent: readonly KeyValue[];
  /** As the caller gave it: 0 means {@link DEFAULT_PAGE_SIZE}, more than {@link MAX_PAGE_SIZE} means that. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
  /**
   * Asked for each record in turn, once: whether it still fits into the answer. The page ends before the first that
   * does not, but never before the first of all. Default: all fit.
   */
  readonly fits?: (record: Found) => boolean;
}

/** A lookup of records by the values of an index. */
export interface LookupRecords extends Omit<ListRecords, 'parent'> {
  readonly index: Index;
  /** The values of its columns, in its order. */
  readonly values: readonly Value[];
}

/** One page of a listing. */
export interface RecordPage {
  /** In key order. */
  readonly records: readonly Found[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /** The greatest version on the page, and no less than the caller's: the parent's floor for later calls. 0: none. */
  readonly version: bigint;
}

/** A new record. */
export interface CreateRecord {
  readonly key: Key;
  readonly row: Row;
  /** The columns that the caller set; the others get their defaults. */
  readonly columns: readonly number[];
}

/** A change of a record. */
export interface UpdateRecord {
  readonly key: Key;
  readonly row: Row;
  /** The columns of the mask. */
  readonly columns: readonly number[];
  /** The etag that the record must have; empty: any. */
  readonly etag: string;
  /** What is created if there is no such record, whatever the mask; asked only then. Null: nothing. */
  readonly ifMissing: (() => Omit<CreateRecord, 'key'>) | null;
}

/** The removal of a record. */
export interface DeleteRecord {
  readonly key: Key;
  /** The etag that the record must have; empty: any. */
  readonly etag: string;
  /** Whether it is well that there was no such record. */
  readonly allowMissing: boolean;
}

/**
 * The use cases of one resource's records. It does not know how many stores there are.
 *
 * Errors: `not_found`/RECORD_NOT_FOUND and `already_exists`/RECORD_ALREADY_EXISTS with `version` in their metadata,
 * `aborted`/ETAG_MISMATCH, `invalid_argument` naming the request's field, and whatever {@link Records} throws.
 */
export interface RecordService {
  get(key: Key, call: Call): Promise<Found>;
  list(request: ListRecords, call: Call): Promise<RecordPage>;
  /** The records with these values, of all parents; the page's version is the greatest of its records'. */
  lookup(request: LookupRecords, call: Call): Promise<RecordPage>;
  create(request: CreateRecord, call: Call): Promise<Found>;
  update(request: UpdateRecord, call: Call): Promise<Found>;
  /** Returns the version of the absence. */
  delete(request: DeleteRecord, call: Call): Promise<bigint>;
}

/** What {@link createRecordService} needs. */
export interface RecordServiceOptions {
  readonly records: Records;
  readonly pageTokens: PageTokens;
  /** The etag of a record's content, the same in either store. */
  readonly etagOf: (row: Row) => string;
}

/** The size of a page whose size the caller did not say. */
export const DEFAULT_PAGE_SIZE = 50;
/** The largest page: larger ones hold a store's connection, and the answer, too long. */
export const MAX_PAGE_SIZE = 1000;
/** How often an update that may create goes from "there is none" to "there is one" and back before it gives up. */
const MAX_UPSERT_TURNS = 3;

/** Creates the use cases of one resource. */
export function createRecordService(options: RecordServiceOptions): RecordService {
  const { records, pageTokens, etagOf } = options;
  const accepting = (etag: string): Pick<Change, 'accepts'> =>
    etag === '' ? {} : { accepts: (current) => etagOf(current) === etag };

  const get = async (key: Key, call: Call): Promise<Found> => {
    const [stored] = await records.getMany([key], call);
    if (isFound(stored)) return stored;
    throw recordNotFound(stored?.version ?? 0n);
  };

  const list = async (request: ListRecords, call: Call): Promise<RecordPage> => {
    const { parent, pageToken } = request;
    const size = pageSize(request.pageSize);
    const after = pageToken === '' ? null : pageTokens.open(pageToken, { parent });
    const found = (await records.list({ parent, after, limit: size + 1 }, call)).filter(isFound);
    return pageOf(found, { size, fits: request.fits }, call, (last) => pageTokens.seal(last, { parent }));
  };

  const lookup = async (request: LookupRecords, call: Call): Promise<RecordPage> => {
    const { index, values, pageToken } = request;
    const size = pageSize(request.pageSize);
    const binding = { parent: [], request: lookupBinding(index, values) };
    const after = pageToken === '' ? null : pageTokens.open(pageToken, binding);
    const found = (await records.lookup({ index, values, after, limit: size + 1 }, call)).filter(isFound);
    return pageOf(found, { size, fits: request.fits }, call, (last) => pageTokens.seal(last, binding));
  };

  const create = async (request: CreateRecord, call: Call): Promise<Found> => {
    const { key, row, columns } = request;
    const written = await records.write({ key, kind: 'create', row, columns }, call);
    return foundOrThrow(written);
  };

  const update = async (request: UpdateRecord, call: Call): Promise<Found> => {
    const { key, row, columns, etag, ifMissing } = request;
    const change: Change = { key, kind: 'update', row, columns, ...accepting(etag) };
    let written = await records.write(change, call);
    for (let turn = 0; turn < MAX_UPSERT_TURNS && written.outcome === 'not_found' && ifMissing !== null; turn++) {
      // An etag was given, so there was a record: it is gone, which is a change that the caller has not seen.
      if (etag !== '') throw etagMismatch(written.stored.version);
      const created = await records.write({ ...ifMissing(), key, kind: 'create' }, call);
      if (created.outcome !== 'already_exists') return foundOrThrow(created);
      written = await records.write(change, call);
    }
    return foundOrThrow(written);
  };

  const remove = async (request: DeleteRecord, call: Call): Promise<bigint> => {
    const { key, etag } = request;
    const written = await records.write({ key, kind: 'delete', row: null, columns: [], ...accepting(etag) }, call);
    const absent = written.outcome === 'written' || (written.outcome === 'not_found' && request.allowMissing);
    if (!absent) throw refusal(written);
    return written.stored.version;
  };

  return { get, list, lookup, create, update, delete: remove };
}

function isFound(stored: Stored | undefined): stored is Found {
  return stored !== undefined && stored.row !== null;
}

function pageSize(given: number): number {
  if (given < 0) throw invalidField('page_size', 'must not be negative');
  return given === 0 ? DEFAULT_PAGE_SIZE : Math.min(given, MAX_PAGE_SIZE);
}

/** What a page token of a lookup is bound to. */
function lookupBinding({ name }: Index, values: readonly Value[]): string {
  const texts = values.map((value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value),
  );
  return JSON.stringify(['lookup', name, ...texts]);
}

function pageOf(
  found: readonly Found[],
  { size, fits }: { readonly size: number; readonly fits: ListRecords['fits'] },
  call: Call,
  seal: (last: Key) => string,
): RecordPage {
  const page = takePage(found, size, fits);
  const last = page.at(-1);
  return {
    records: page,
    nextPageToken: last === undefined || page.length === found.length ? '' : seal(last.key),
    version: page.reduce((greatest, { version }) => (version > greatest ? version : greatest), call.atLeast),
  };
}

function takePage(found: readonly Found[], size: number, fits: ListRecords['fits']): readonly Found[] {
  let end = 0;
  for (const record of found.slice(0, size)) {
    const fitting = fits?.(record) ?? true;
    if (!fitting && end > 0) break;
    end++;
  }
  return found.slice(0, end);
}

function foundOrThrow(written: Written): Found {
  const { outcome, stored } = written;
  if (outcome === 'written' && isFound(stored)) return stored;
  throw refusal(written);
}

function refusal(written: Written): DomainError {
  const { version } = written.stored;
  switch (written.outcome) {
    case 'not_found':
      return recordNotFound(version);
    case 'already_exists':
      return new DomainError({
        kind: 'already_exists',
        reason: 'RECORD_ALREADY_EXISTS',
        message: 'there is such a record already',
        metadata: { version: String(version) },
      });
    case 'etag_mismatch':
      return etagMismatch(version);
    case 'written':
    case 'control_changed':
      return new DomainError({ kind: 'internal', reason: 'INTERNAL', message: `a write ended as ${written.outcome}` });
  }
}

function recordNotFound(version: bigint): DomainError {
  return new DomainError({
    kind: 'not_found',
    reason: 'RECORD_NOT_FOUND',
    message: 'there is no such record',
    metadata: { version: String(version) },
  });
}

function etagMismatch(version: bigint): DomainError {
  return new DomainError({
    kind: 'aborted',
    reason: 'ETAG_MISMATCH',
    message: 'etag: the record has been changed since; read it again',
    metadata: { field: 'etag', version: String(version) },
  });
}
