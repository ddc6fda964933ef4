import { DomainError, invalidField } from '../domain/errors.ts';
import type { Key, KeyValue } from '../domain/key.ts';
import type { Row } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { Change, Records, Stored, Written } from '../stores/record-store.ts';
import type { WriteRequest } from '../stores/remembered-requests.ts';
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
  /** Makes it safe to ask again. */
  readonly request?: WriteRequest | undefined;
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
  readonly ifMissing: (() => Omit<CreateRecord, 'key' | 'request'>) | null;
  /** Makes it safe to ask again. */
  readonly request?: WriteRequest | undefined;
}

/** The removal of a record. */
export interface DeleteRecord {
  readonly key: Key;
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
    const page = takePage(found, size, request.fits);
    const last = page.at(-1);
    return {
      records: page,
      nextPageToken: last === undefined || page.length === found.length ? '' : pageTokens.seal(last.key, { parent }),
      version: page.reduce((greatest, { version }) => (version > greatest ? version : greatest), call.atLeast),
    };
  };

  const create = async (request: CreateRecord, call: Call): Promise<Found> => {
    const { key, row, columns } = request;
    const written = await records.write({ key, kind: 'create', row, columns, ...asked(request) }, call);
    return foundOrThrow(written);
  };

  const update = async (request: UpdateRecord, call: Call): Promise<Found> => {
    const { key, row, columns, etag, ifMissing } = request;
    const change: Change = { key, kind: 'update', row, columns, ...accepting(etag), ...asked(request) };
    let written = await records.write(change, call);
    for (let turn = 0; turn < MAX_UPSERT_TURNS && written.outcome === 'not_found' && ifMissing !== null; turn++) {
      // An etag was given, so there was a record: it is gone, which is a change that the caller has not seen.
      if (etag !== '') throw etagMismatch(written.stored.version);
      const created = await records.write({ ...ifMissing(), key, kind: 'create', ...asked(request) }, call);
      if (created.outcome !== 'already_exists') return foundOrThrow(created);
      written = await records.write(change, call);
    }
    return foundOrThrow(written);
  };

  const remove = async (request: DeleteRecord, call: Call): Promise<bigint> => {
    const { key, etag } = request;
    const change: Change = { key, kind: 'delete', row: null, columns: [], ...accepting(etag), ...asked(request) };
    const written = await records.write(change, call);
    const isDone = written.outcome === 'written' || written.outcome === 'repeated';
    const absent = isDone || (written.outcome === 'not_found' && request.allowMissing);
    if (!absent) throw refusal(written);
    return written.stored.version;
  };

  return { get, list, create, update, delete: remove };
}

/** The part of a change that says which request asks for it. */
export function asked({ request }: { readonly request?: WriteRequest | undefined }): Pick<Change, 'request'> {
  return request === undefined ? {} : { request };
}

/** Whether there is such a record. */
export function isFound(stored: Stored | undefined): stored is Found {
  return stored !== undefined && stored.row !== null;
}

function pageSize(given: number): number {
  if (given < 0) throw invalidField('page_size', 'must not be negative');
  return given === 0 ? DEFAULT_PAGE_SIZE : Math.min(given, MAX_PAGE_SIZE);
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
  if ((outcome === 'written' || outcome === 'repeated') && isFound(stored)) return stored;
  throw refusal(written);
}

/** The error of a write that was not made. */
export function refusal(written: Written): DomainError {
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
