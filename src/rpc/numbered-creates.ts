import { DomainError, invalidField, isDomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { AssignedIds } from '../records/assigned-ids.ts';
import type { CreateRecord, Found, RecordService } from '../records/record-service.ts';
import type { StandardMethods } from '../schema/definition.ts';
import type { NameCodec } from '../schema/name-codec.ts';
import type { CallContext } from './call-context.ts';
import type { Request } from './record-methods.ts';

type CreateMethod = NonNullable<StandardMethods['create']>;

/** Stands for the id of a create until it has one: every column that is numbered holds it. */
export const ANY_ID = '1';

/** Whether a Create's request leaves the new record's id to the service. */
export function leavesIdOut(request: Request, { id }: CreateMethod): boolean {
  return (request[id.localName] ?? '') === '';
}

/**
 * What can't be asked for without an id.
 *
 * @throws DomainError INVALID_ARGUMENT
 */
export function refuseWithoutId(request: Request, { id, requestId, validateOnly }: CreateMethod): void {
  if (requestId !== undefined && (request[requestId.localName] ?? '') !== '') {
    // The record remembers its requests, and a repetition could not tell which record that is.
    throw invalidField(requestId.name, `needs ${id.name}: without it a repetition would make another record`);
  }
  if (validateOnly !== undefined && request[validateOnly.localName] === true) {
    throw invalidField(validateOnly.name, `needs ${id.name}: no id is given to a record that is not made`);
  }
}

/** Creates one record under an id of the service's. Where it is not known whether it was made, the error says its `name`. */
export function createNumbered(
  { service, names }: { readonly service: RecordService; readonly names: NameCodec },
  ids: AssignedIds,
  create: CreateRecord,
  context: CallContext,
): Promise<Found> {
  const attempt = async ([id]: readonly bigint[]): Promise<Found | undefined> => {
    const numbered = withId(names, create, id as bigint);
    try {
      return await service.create(numbered, context);
    } catch (error) {
      if (isTaken(error)) return undefined;
      throw isDomainError(error, 'unknown') ? withName(error, names.nameOf(numbered.key)) : error;
    }
  };
  return ids.propose(1, attempt, context);
}

/** What creates numbered records of a batch. */
export interface ManyNumbered {
  readonly ids: AssignedIds;
  readonly names: NameCodec;
  /** Creates all or none; `index` in an error's metadata says which record it is of. */
  readonly create: (all: readonly CreateRecord[]) => Promise<readonly Found[]>;
}

/** Creates a batch of which the records at `places` get ids of the service's, in a row. All get others if one of them is taken. */
export function createManyNumbered(
  { ids, names, create }: ManyNumbered,
  { creates, places }: { readonly creates: readonly CreateRecord[]; readonly places: readonly number[] },
  context: CallContext,
): Promise<readonly Found[]> {
  const named = new Set(creates.filter((_, index) => !places.includes(index)).map(({ key }) => key.id));
  const attempt = async (proposed: readonly bigint[]): Promise<readonly Found[] | undefined> => {
    const numbered = [...creates];
    for (const [i, place] of places.entries()) {
      const one = withId(names, creates[place] as CreateRecord, proposed[i] as bigint);
      if (named.has(one.key.id)) return undefined;
      numbered[place] = one;
    }
    try {
      return await create(numbered);
    } catch (error) {
      if (isTaken(error) && places.includes(Number(error.metadata.index))) return undefined;
      throw error;
    }
  };
  return ids.propose(places.length, attempt, context);
}

function withId(names: NameCodec, create: CreateRecord, id: bigint): CreateRecord {
  const parent = create.key.values.slice(0, -1);
  const key: Key = names.keyWithId(parent, String(id), 'id');
  return { ...create, key, row: [...key.values, ...create.row.slice(key.values.length)] };
}

function isTaken(error: unknown): error is DomainError {
  return error instanceof DomainError && error.reason === 'RECORD_ALREADY_EXISTS';
}

function withName({ kind, reason, message, metadata, violations, cause }: DomainError, name: string): DomainError {
  return new DomainError({
    kind,
    reason,
    message: `${message} The record is ${name}, if there is one.`,
    metadata: { ...metadata, name },
    violations,
    cause,
  });
}
