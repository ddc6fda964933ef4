import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import type { NamePart } from '../domain/resource.ts';

/** What a user's proto says about one resource; {@link bindResource} turns it into a resource with its table's help. */
export interface ResourceDefinition {
  /** `medications`. */
  readonly id: string;
  /** `hospital.v1.Medication`. */
  readonly typeName: string;
  readonly message: DescMessage;
  /** `patients/{patient}/medications/{medication}`. */
  readonly pattern: string;
  /** The pattern's parts, in order: the parent's, then the record's own. */
  readonly name: readonly NamePart[];
  /** Where the pattern's variables live; one for each of `name`. */
  readonly key: readonly KeyDefinition[];
  /** The stored fields in the order of their numbers: all but `name` and `etag`. */
  readonly fields: readonly FieldDefinition[];
  readonly indexes: readonly IndexDefinition[];
  readonly nameField: DescField;
  /** Absent: the resource has no etags. */
  readonly etagField?: DescField;
  readonly methods: StandardMethods;
  /** An empty schema must come from the config. */
  readonly mysql: { readonly schema: string; readonly table: string };
  /** Absent: the resource stays at the source. An empty keyspace must come from the config. */
  readonly cassandra?: { readonly keyspace: string; readonly table: string };
}

/** How a BINARY(16) column is written: as its bytes, or as the text of a UUID. */
export type ColumnFormat = 'plain' | 'uuid';

/** A column as the options name it. */
export interface ColumnReference {
  readonly mysqlColumn: string;
  readonly cassandraColumn: string;
  readonly format: ColumnFormat;
}

/** A variable of the name pattern. */
export interface KeyDefinition extends ColumnReference {
  readonly variable: string;
}

/** A stored field. */
export interface FieldDefinition extends ColumnReference {
  readonly field: DescField;
  readonly outputOnly: boolean;
  /** A create must set it, and an update may not empty it (AIP-203). */
  readonly required: boolean;
  /** May be set by a create, never by an update. */
  readonly immutable: boolean;
}

/** A secondary index as the options name it. */
export interface IndexDefinition {
  readonly name: string;
  readonly fields: readonly IndexedField[];
  readonly unique: boolean;
}

/** A field of an index; null: a variable of the name pattern that no field shows. */
export interface IndexedField {
  readonly name: string;
  readonly field: DescField | null;
}

/** A method of a served resource. */
export interface MethodDefinition {
  /** `/hospital.v1.Medications/GetMedication`. */
  readonly path: string;
  readonly method: DescMethod;
  readonly input: DescMessage;
  readonly output: DescMessage;
}

/** AIP-131 to AIP-135, and lookups by secondary indexes (AIP-136). A method that the service does not have is absent; `DescField`s are those of the messages. */
export interface StandardMethods {
  /** Input: `name`. Output: the resource. */
  readonly get?: MethodDefinition;
  /** Input: `parent` (unless the resource has none), `page_size`, `page_token`. Output: `items`, `next_page_token`. */
  readonly list?: MethodDefinition & { readonly items: DescField };
  /** Input: `parent` (unless the resource has none), `id`, `resource`. Output: the resource. */
  readonly create?: MethodDefinition & { readonly id: DescField; readonly resource: DescField };
  /** Input: `resource`, `update_mask`, perhaps `allow_missing`. Output: the resource. */
  readonly update?: MethodDefinition & { readonly resource: DescField; readonly allowMissing?: DescField };
  /** Input: `name`, perhaps `etag`, `allow_missing`. Output: google.protobuf.Empty. */
  readonly delete?: MethodDefinition & { readonly etag?: DescField; readonly allowMissing?: DescField };
  /** Input: `fields`, of which those of one index are set, `page_size`, `page_token`. Output: as of `list`. */
  readonly lookup?: MethodDefinition & { readonly items: DescField; readonly fields: readonly DescField[] };
}
