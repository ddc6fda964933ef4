import { DomainError, invalidField } from '../domain/errors.ts';
import type { Key, KeyValue } from '../domain/key.ts';
import type { Index, Row, Value } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { Change, Records, Stored, Written } from '../stores/record-store.ts';
import type { WriteRequest } from '../stores/remembered-requests.ts';
import type { PageBinding, PageTokens } from './page-token.ts';

/** A record that exists, with its version as callers see it. */
export interface Found extends Stored {
  readonly row: Row;
}

/** A listing within one parent. */
export interface ListRecords {
  /** The values of the parent's key columns. */
  readonly parent: readonly KeyValue[];
  /** As the caller gave it: 0 means {@link DEFAULT_PAGE_SIZE}, more than the largest page means that. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
  /** Whether the greatest key comes first. Default: the least does. */
  readonly descending?: boolean;
  /**
   * Which records are listed. The page looks at no more than {@link MAX_FILTERED_ROWS} records, so it may hold fewer than asked for,
   * or none, and still have a token. Default: all.
   */
  readonly matches?: (row: Row) => boolean;
  /** What `matches` stands for, as text: a token of another order or text is refused. Default: empty. */
  readonly request?: string;
  /**
   * Asked for each record in turn, once: whether it still fits into the answer. The page ends before the first that
   * does not, but never before the first of all. Default: all fit.
   */
  readonly fits?: (record: Found) => boolean;
}

/** A lookup of records by the values of an index. */
export interface LookupRecords extends Pick<ListRecords, 'pageSize' | 'pageToken' | 'fits'> {
  readonly index: Index;
  /** The values of its columns, in its order. */
  readonly values: readonly Value[];
}

/** One page of a listing. */
export interface RecordPage {
  /** In the order asked for. */
  readonly records: readonly Found[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /**
   * The greatest version among the records that were looked at, and no less than the caller's: the parent's floor for later
   * calls. 0: none.
   */
  readonly version: bigint;
}

/** A change of one record, or a look at what it would do. */
interface RecordChange {
  readonly key: Key;
  /**
   * Whether nothing is written (AIP-163): the change is held against the record as the authority has it, and the answer is what
   * would be. Default false.
   */
  readonly validateOnly?: boolean;
}

/** A new record. */
export interface CreateRecord extends RecordChange {
  readonly row: Row;
  /** The columns that the caller set; the others get their defaults. */
  readonly columns: readonly number[];
  /** Makes it safe to ask again. */
  readonly request?: WriteRequest | undefined;
}

/** A change of a record. */
export interface UpdateRecord extends RecordChange {
  readonly row: Row;
  /** The columns of the mask. */
  readonly columns: readonly number[];
  /** The etag that the record must have; empty: any. */
  readonly etag: string;
  /** Throws, under the record's lock, if the record must not become this one. Default: it may become any. */
  readonly check?: (after: Row) => void;
  /** What is created if there is no such record, whatever the mask; asked only then. Null: nothing. */
  readonly ifMissing: (() => Omit<CreateRecord, 'key' | 'request'>) | null;
  /** Makes it safe to ask again. */
  readonly request?: WriteRequest | undefined;
}

/** The removal of a record. */
export interface DeleteRecord extends RecordChange {
  /** The etag that the record must have; empty: any. */
  readonly etag: string;
  /** Whether it is well that there was no such record. */
  readonly allowMissing: boolean;
  /** Makes it safe to ask again. */
  readonly request?: WriteRequest | undefined;
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
  /** The largest page. Default: {@link MAX_PAGE_SIZE}. */
  readonly maxPageSize?: number;
}

/** The size of a page whose size the caller did not say. */
export const DEFAULT_PAGE_SIZE = 50;
/** The largest page: larger ones hold a store's connection, and the answer, too long. */
export const MAX_PAGE_SIZE = 1000;
/** The most records that one page with a filter looks at: it bounds the time and the work of a filter that matches few. */
export const MAX_FILTERED_ROWS = 5_000;
/** Records that a page with a filter reads at once. */
const FILTER_READ_ROWS = 500;
/** How often an update that may create goes from "there is none" to "there is one" and back before it gives up. */
const MAX_UPSERT_TURNS = 3;

/** Creates the use cases of one resource. */
export function createRecordService(options: RecordServiceOptions): RecordService {
  const { records, pageTokens, etagOf, maxPageSize = MAX_PAGE_SIZE } = options;

  const get = async (key: Key, call: Call): Promise<Found> => {
    const [stored] = await records.getMany([key], call);
    if (isFound(stored)) return stored;
    throw recordNotFound(stored?.version ?? 0n);
  };

  const page = async (request: PageOf, binding: PageBinding, read: ReadOn, call: Call): Promise<RecordPage> => {
    const size = pageSize(request.pageSize, maxPageSize);
    const after = request.pageToken === '' ? null : pageTokens.open(request.pageToken, binding);
    const found = await readPage(read, { ...request, size }, after, call.atLeast);
    const nextPageToken = found.last === null ? '' : pageTokens.seal(found.last, binding);
    return { records: found.page, nextPageToken, version: found.version };
  };

  const list = async (request: ListRecords, call: Call): Promise<RecordPage> => {
    const { parent, descending = false } = request;
    const binding = { parent, request: requestText(request) };
    const read: ReadOn = (after, limit) => records.list({ parent, after, descending, limit }, call);
    return page(request, binding, read, call);
  };

  const lookup = async (request: LookupRecords, call: Call): Promise<RecordPage> => {
    const { index, values } = request;
    const binding = { parent: [], request: lookupText(index, values) };
    return page(request, binding, (after, limit) => records.lookup({ index, values, after, limit }, call), call);
  };

  const apply = (change: Change, validateOnly: boolean | undefined, call: Call): Promise<Verdict> =>
    validateOnly ? judge(records, change, call) : records.write(change, call);

  const create = async (request: CreateRecord, call: Call): Promise<Found> => {
    const { key, row, columns, validateOnly } = request;
    return foundOrThrow(await apply({ key, kind: 'create', row, columns, ...asked(request) }, validateOnly, call));
  };

  const update = async (request: UpdateRecord, call: Call): Promise<Found> => {
    const { key, row, columns, etag, ifMissing, validateOnly } = request;
    const { accepts, refused } = acceptance(request, etagOf);
    const change: Change = { key, kind: 'update', row, columns, ...(accepts && { accepts }), ...asked(request) };
    let written = await apply(change, validateOnly, call);
    for (let turn = 0; turn < MAX_UPSERT_TURNS && written.outcome === 'not_found' && ifMissing !== null; turn++) {
      // An etag was given, so there was a record: it is gone, which is a change that the caller has not seen.
      if (etag !== '') throw etagMismatch(written.stored.version);
      const created = await apply({ ...ifMissing(), key, kind: 'create', ...asked(request) }, validateOnly, call);
      if (created.outcome !== 'already_exists') return foundOrThrow(created);
      written = await apply(change, validateOnly, call);
    }
    if (written.outcome === 'etag_mismatch') throw refused() ?? refusal(written);
    return foundOrThrow(written);
  };

  const remove = async (request: DeleteRecord, call: Call): Promise<bigint> => {
    const { key, etag, validateOnly } = request;
    const change: Change = {
      key,
      kind: 'delete',
      row: null,
      columns: [],
      ...accepting(etag, etagOf),
      ...asked(request),
    };
    const written = await apply(change, validateOnly, call);
    const isDone = written.outcome === 'written' || written.outcome === 'repeated';
    const absent = isDone || (written.outcome === 'not_found' && request.allowMissing);
    if (!absent) throw refusal(written);
    return written.stored.version;
  };

  return { get, list, lookup, create, update, delete: remove };
}

/** The part of a change that says which etag the record must have; empty: any. */
export function accepting(etag: string, etagOf: RecordServiceOptions['etagOf']): Pick<Change, 'accepts'> {
  return etag === '' ? {} : { accepts: (current) => etagOf(current) === etag };
}

/** The part of a change that says which request asks for it. */
export function asked({ request }: { readonly request?: WriteRequest | undefined }): Pick<Change, 'request'> {
  return request === undefined ? {} : { request };
}

/** How a change ended, or would. */
type Verdict = Pick<Written, 'outcome' | 'stored'>;

/** What a change would come to, by the record as the authority has it now; nothing is written, and no new version made. */
async function judge(records: Records, change: Change, call: Call): Promise<Verdict> {
  const { key, kind, columns, accepts } = change;
  const [stored] = await records.getMany([key], { ...call, consistency: 'authority' });
  if (stored === undefined) throw new RangeError('a read of one key answered none');
  const { row: current } = stored;
  if (kind === 'create') return current === null ? written(stored, change.row) : { outcome: 'already_exists', stored };
  if (current === null) return { outcome: 'not_found', stored };
  if (accepts?.(current) === false) return { outcome: 'etag_mismatch', stored };
  return written(stored, withColumns(current, change.row, columns));
}

/** The record with the new values of these columns. */
function withColumns(current: Row, row: Row | null, columns: readonly number[]): Row {
  const after = [...current];
  for (const index of columns) after[index] = row?.[index] ?? null;
  return after;
}

/** The condition of an update. */
export interface Acceptance {
  /** Looked at under the record's lock; undefined: the record may be any. */
  readonly accepts: ((current: Row) => boolean) | undefined;
  /** What the check of the new record threw when it was last looked at; undefined: it did not. Why a write ended as `etag_mismatch`. */
  refused(): unknown;
}

/** Compiles the condition of an update: its etag, and the check of what the record would become. */
export function acceptance(
  { row, columns, etag, check }: UpdateRecord,
  etagOf: RecordServiceOptions['etagOf'],
): Acceptance {
  let thrown: unknown;
  const accepts = (current: Row): boolean => {
    thrown = undefined;
    if (etag !== '' && etagOf(current) !== etag) return false;
    try {
      check?.(withColumns(current, row, columns));
      return true;
    } catch (error) {
      thrown = error;
      return false;
    }
  };
  return {
    accepts: etag === '' && check === undefined ? undefined : accepts,
    refused: () => thrown,
  };
}

function written(stored: Stored, row: Row | null): Verdict {
  return { outcome: 'written', stored: { ...stored, row } };
}

/** Whether there is such a record. */
export function isFound(stored: Stored | undefined): stored is Found {
  return stored !== undefined && stored.row !== null;
}

function pageSize(given: number, most: number): number {
  if (given < 0) throw invalidField('page_size', 'must not be negative');
  return Math.min(given === 0 ? DEFAULT_PAGE_SIZE : given, most);
}

/** What a page token is bound to besides the parent; empty for a listing of everything, forwards. */
function requestText({ descending = false, request = '' }: ListRecords): string {
  return descending || request !== '' ? JSON.stringify([descending, request]) : '';
}

/** The same for a lookup. */
function lookupText({ name }: Index, values: readonly Value[]): string {
  const texts = values.map((value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value),
  );
  return JSON.stringify(['lookup', name, ...texts]);
}

/** Reads at most so many records, those that come after this key; null: from the start. */
type ReadOn = (after: Key | null, limit: number) => Promise<readonly Stored[]>;

/** What a page is asked for with, whatever it is of. */
type PageOf = Pick<ListRecords, 'pageSize' | 'pageToken' | 'matches' | 'fits'>;

/** A page on its way to be one. */
interface ReadPage {
  readonly page: readonly Found[];
  /** The record after which the next page begins; null: there is none. */
  readonly last: Key | null;
  readonly version: bigint;
}

/**
 * Without a filter one read is the page. With one, reads follow each other until the page is full, the parent ends, or enough
 * records were looked at; each of them may be answered by either store, as if it were a page of its own.
 */
async function readPage(
  read: ReadOn,
  { size, matches, fits }: Pick<ListRecords, 'matches' | 'fits'> & { readonly size: number },
  from: Key | null,
  atLeast: bigint,
): Promise<ReadPage> {
  const page: Found[] = [];
  let version = atLeast;
  let after = from;
  const most = matches === undefined ? 1 : MAX_FILTERED_ROWS / FILTER_READ_ROWS;
  const limit = matches === undefined ? size + 1 : FILTER_READ_ROWS;
  for (let reads = 0; reads < most; reads++) {
    // Whether there is one more is not worth another read: the next page may be empty.
    if (page.length >= size) break;
    const found = (await read(after, limit)).filter(isFound);
    for (const record of found) {
      const isMatch = matches?.(record.row) ?? true;
      // A record that doesn't fit begins the next page, but the first of all is always shown.
      if (isMatch && (page.length >= size || (fits?.(record) === false && page.length > 0))) {
        return { page, last: after, version };
      }
      if (isMatch) page.push(record);
      if (record.version > version) version = record.version;
      after = record.key;
    }
    if (found.length < limit) return { page, last: null, version };
  }
  return { page, last: after, version };
}

function foundOrThrow(written: Verdict): Found {
  const { outcome, stored } = written;
  if ((outcome === 'written' || outcome === 'repeated') && isFound(stored)) return stored;
  throw refusal(written);
}

/** The error of a write that was not made. */
export function refusal(written: Verdict): DomainError {
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
    case 'repeated':
      // The request made it; since then somebody has deleted it.
      return recordNotFound(version);
    case 'request_reused':
      return new DomainError({
        kind: 'invalid_argument',
        reason: 'REQUEST_ID_REUSED',
        message: 'request_id: another request with this id was done before; each needs an id of its own',
        metadata: { field: 'request_id', version: String(version) },
      });
    case 'written':
    case 'withheld':
    case 'control_changed':
      return new DomainError({ kind: 'internal', reason: 'INTERNAL', message: `a write ended as ${written.outcome}` });
  }
}

/** The error of a record that does not exist as of a version. */
export function recordNotFound(version: bigint): DomainError {
  return new DomainError({
    kind: 'not_found',
    reason: 'RECORD_NOT_FOUND',
    message: 'there is no such record',
    metadata: { version: String(version) },
  });
}

/** The error of a record that is not the one that was read. */
export function etagMismatch(version: bigint): DomainError {
  return new DomainError({
    kind: 'aborted',
    reason: 'ETAG_MISMATCH',
    message: 'etag: the record has been changed since; read it again',
    metadata: { field: 'etag', version: String(version) },
  });
}
