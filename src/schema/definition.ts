import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import type { CassandraPlace, NamePart } from '../domain/resource.ts';
import type { RequestRules } from './request-rules.ts';

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
  /** The rules of the methods' messages (`buf.validate`), compiled. */
  readonly rules: RequestRules;
  /** An empty schema must come from the config. */
  readonly mysql: { readonly schema: string; readonly table: string };
  /** Absent: the resource stays at the source. An empty keyspace must come from the config. */
  readonly cassandra?: CassandraPlace;
}

/** How a BINARY(16) column is written: as its bytes, or as the text of a UUID. */
export type ColumnFormat = 'plain' | 'uuid';

/** What becomes of dates that are no day of the calendar; see the option `zero_dates`. */
export type ZeroDates = 'refuse' | 'null' | 'text';

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
  /** Absent: they are refused. */
  readonly zeroDates?: Exclude<ZeroDates, 'refuse'>;
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

/** A method that writes one record. */
export interface WriteMethod extends MethodDefinition {
  /** The field `request_id` (AIP-155); absent: a request can't be told from its repetition. */
  readonly requestId?: DescField;
  /** The field `validate_only` (AIP-163); absent: the method always does it. */
  readonly validateOnly?: DescField;
}

/**
 * AIP-131 to AIP-135, AIP-231 to AIP-235, and lookups by secondary indexes (AIP-136). A method that the service does not have is absent; `DescField`s
 * are those of the messages.
 */
export interface StandardMethods {
  /** Input: `name`. Output: the resource. */
  readonly get?: MethodDefinition;
  /**
   * Input: `parent` (unless the resource has none), `page_size`, `page_token`, perhaps `order_by`, `filter`. Output: `items`,
   * `next_page_token`.
   */
  readonly list?: MethodDefinition & {
    readonly items: DescField;
    readonly orderBy?: DescField;
    readonly filter?: DescField;
  };
  /** Input: `parent` (unless the resource has none), `id`, `resource`, perhaps `validate_only`, `request_id`. Output: the resource. */
  readonly create?: WriteMethod & { readonly id: DescField; readonly resource: DescField };
  /** Input: `resource`, `update_mask`, perhaps `allow_missing`, `validate_only`, `request_id`. Output: the resource. */
  readonly update?: WriteMethod & { readonly resource: DescField; readonly allowMissing?: DescField };
  /** Input: `name`, perhaps `etag`, `allow_missing`, `validate_only`, `request_id`. Output: google.protobuf.Empty. */
  readonly delete?: WriteMethod & { readonly etag?: DescField; readonly allowMissing?: DescField };
  /** Input: `parent` (unless the resource has none), `names`. Output: `items`. */
  readonly batchGet?: MethodDefinition & BatchOfParent & { readonly names: DescField; readonly items: DescField };
  /** Input: `parent` (unless the resource has none), `requests`, each of the method `each`. Output: `items`. */
  readonly batchCreate?: BatchDefinition<'create'> & { readonly items: DescField };
  readonly batchUpdate?: BatchDefinition<'update'> & { readonly items: DescField };
  /** Input: `parent` (unless the resource has none), and either `names` or `requests`. Output: google.protobuf.Empty. */
  readonly batchDelete?: BatchDefinition<'delete'> | (MethodDefinition & BatchOfParent & { readonly names: DescField });
  /** Input: `fields`, of which those of one index are set, `page_size`, `page_token`. Output: as of `list`. */
  readonly lookup?: MethodDefinition & { readonly items: DescField; readonly fields: readonly DescField[] };
}

/** Absent: the resource has no parent. */
interface BatchOfParent {
  readonly parent?: DescField;
}

/** A batch that is made of requests of another method. */
export type BatchDefinition<Verb extends 'create' | 'update' | 'delete'> = MethodDefinition &
  BatchOfParent & { readonly requests: DescField; readonly each: NonNullable<StandardMethods[Verb]> };
