import { type DescField, isFieldSet, type Message } from '@bufbuild/protobuf';
import { invalidField } from '../domain/errors.ts';
import type { KeyValue } from '../domain/key.ts';
import type { Resource, Row, Value } from '../domain/resource.ts';
import { type ColumnChoice, createColumnChoice } from './column-choice.ts';
import type { ResourceDefinition } from './definition.ts';
import { type FieldReader, fieldReaderOf } from './field-reader.ts';
import { hasPresence } from './field-shape.ts';
import { createListEncoder } from './list-encoder.ts';
import { createRecordEncoder } from './record-encoder.ts';

/** Between rows and the resource's message, both ways, compiled once for one resource. */
export interface MessageCodec {
  /**
   * The message of a record on the wire, byte for byte what protobuf-es would write. The bytes are the caller's own.
   *
   * @param etag default: {@link etagOf} the row, which costs less here than apart. Left out if the resource has none.
   * @throws DomainError `internal`/UNREPRESENTABLE_VALUE that names the field.
   */
  toWire(name: string, row: Row, etag?: string): Uint8Array;
  /** The response of the List method, made of {@link toWire}'s messages. Throws a TypeError if there is no such method. */
  encodeListResponse(items: readonly Uint8Array[], nextPageToken: string): Uint8Array;
  /** A record's etag, in quotes (AIP-154): says what its fields show, whatever the store and the version. */
  etagOf(row: Row): string;
  /**
   * The row that a message asks for; see {@link RowOptions}. Columns that are not asked for are null.
   *
   * @throws DomainError INVALID_ARGUMENT that names the field by its path.
   */
  rowFromMessage(message: Message, options: RowOptions): Row;
  /** See {@link ColumnChoice.ofMask}. */
  columnsOfMask: ColumnChoice['ofMask'];
  /** See {@link ColumnChoice.fixed}. */
  columnsFixed: ColumnChoice['fixed'];
  /** See {@link ColumnChoice.ofPopulated}. */
  columnsPopulated: ColumnChoice['ofPopulated'];
  /** See {@link ColumnChoice.ofCreate}. */
  columnsToCreate: ColumnChoice['ofCreate'];
  /** A column's field, as callers name it; `name` for a key column that only the resource name shows. */
  fieldPath(columnIndex: number): string;
}

/** What a row is made of. */
export interface RowOptions {
  /** Indexes of the columns that the message says. Those of key columns are not among them. */
  readonly columns: readonly number[];
  /** The values of the key's columns. Default: null in each. */
  readonly key?: readonly KeyValue[];
}

/** A stored field, compiled. */
interface CompiledField {
  readonly index: number;
  readonly field: DescField;
  readonly path: string;
  readonly read: FieldReader;
  readonly nullable: boolean;
  readonly required: boolean;
}

/** @param resource what `bindResource` made of this definition. */
export function createMessageCodec(definition: ResourceDefinition, resource: Resource): MessageCodec {
  const { list, create, update } = definition.methods;
  const inRequest = update?.resource ?? create?.resource;
  const path = inRequest === undefined ? '' : `${inRequest.name}.`;
  const encoder = createRecordEncoder(definition, resource);
  const choice = createColumnChoice(definition, resource, path);
  return {
    toWire: encoder.toWire,
    etagOf: encoder.etagOf,
    encodeListResponse: list === undefined ? missingList : createListEncoder(list),
    rowFromMessage: createRowFromMessage(definition, resource, path),
    columnsOfMask: choice.ofMask,
    columnsFixed: choice.fixed,
    columnsPopulated: choice.ofPopulated,
    columnsToCreate: choice.ofCreate,
    fieldPath: (columnIndex) => resource.columns[columnIndex]?.field ?? 'name',
  };
}

function missingList(): never {
  throw new TypeError('the resource has no List method');
}

function createRowFromMessage(
  definition: ResourceDefinition,
  resource: Resource,
  path: string,
): MessageCodec['rowFromMessage'] {
  const { columns, keyLength, typeName } = resource;
  const fields = columns.map((column, index): CompiledField | undefined => {
    const found = definition.fields.find((each) => each.field.name === column.field);
    if (found === undefined || index < keyLength) return undefined;
    const { field, required } = found;
    const { nullable } = column;
    return {
      index,
      field,
      path: path + field.name,
      read: fieldReaderOf(field, column.type),
      nullable,
      required,
    };
  });
  return (message, { columns: wanted, key }) => {
    if (message.$typeName !== typeName) throw new TypeError(`a message of ${typeName} was expected`);
    const row: Value[] = new Array(columns.length).fill(null);
    for (let i = 0; i < keyLength; i++) row[i] = key?.[i] ?? null;
    for (const index of wanted) {
      const field = fields[index];
      if (field === undefined) throw new TypeError(`the column ${index} is no field's`);
      row[index] = readField(message, field);
    }
    return row;
  };
}

function readField(message: Message, { field, path, read, nullable, required }: CompiledField): Value {
  if ((!hasPresence(field) && !required) || isFieldSet(message, field)) {
    return read((message as unknown as Record<string, unknown>)[field.localName], path);
  }
  if (nullable && !required) return null;
  throw invalidField(path, 'must be set');
}
