import type { FieldShape } from '../../schema/field-shape.ts';

// A proto file as values, for two writers: text for people and compilers, and the descriptor that the server loads. So a
// definition can be served without a compiler at hand; a test holds that both say the same.

/** A proto3 file. */
export interface ProtoFile {
  /** Its path in the module: `shop/v1/orders.proto`. */
  readonly path: string;
  readonly packageName: string;
  readonly comment: readonly string[];
  /** Paths, sorted. */
  readonly imports: readonly string[];
  readonly service: ProtoService;
  readonly messages: readonly ProtoMessage[];
}

/** A service with unary methods. */
export interface ProtoService {
  readonly name: string;
  readonly comment: readonly string[];
  readonly methods: readonly ProtoMethod[];
}

/** A unary method. */
export interface ProtoMethod {
  readonly name: string;
  readonly comment: readonly string[];
  /** Names of messages as {@link ProtoType} has them. */
  readonly input: string;
  readonly output: string;
  /** `google.api.method_signature`. */
  readonly signature: string;
}

/** A message. */
export interface ProtoMessage {
  readonly name: string;
  readonly comment: readonly string[];
  readonly resource?: ResourceOption;
  readonly storage?: StorageOption;
  readonly enums: readonly ProtoEnum[];
  readonly fields: readonly ProtoField[];
  readonly reservedNumbers: readonly number[];
  readonly reservedNames: readonly string[];
}

/** `google.api.resource`. */
export interface ResourceOption {
  readonly type: string;
  readonly pattern: string;
  readonly singular: string;
  readonly plural: string;
}

/** `crossfade.v1alpha1.storage`. */
export interface StorageOption {
  readonly id: string;
  readonly mysql: { readonly schema: string; readonly table: string };
  readonly cassandra?: {
    readonly keyspace: string;
    readonly table: string;
    readonly partitionKey: readonly string[];
    readonly clusteringKey: readonly string[];
    readonly buckets?: number;
  };
  readonly key: readonly ({ readonly variable: string } & ColumnOption)[];
  /** Unique ones. */
  readonly indexes: readonly { readonly name: string; readonly fields: readonly string[] }[];
}

/** Where a value is stored; what is absent has the default of the options. */
export interface ColumnOption {
  readonly mysqlColumn?: string;
  readonly cassandraColumn?: string;
  readonly uuid?: true;
  readonly zeroDates?: 'null' | 'text';
}

/** An enum within a message. */
export interface ProtoEnum {
  readonly name: string;
  readonly comment: readonly string[];
  readonly values: readonly { readonly name: string; readonly number: number; readonly comment: readonly string[] }[];
  readonly reservedNumbers: readonly number[];
  readonly reservedNames: readonly string[];
}

/** A scalar by its name, or a message or enum: `.` before its full name, else its name in this package or message. */
export type ProtoType =
  | {
      readonly scalar: Extract<
        FieldShape,
        'bool' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'float' | 'double' | 'string' | 'bytes'
      >;
    }
  /** `google.protobuf.Timestamp`, or the name of a message of this file. */
  | { readonly message: string }
  /** An enum within the same message, or within `of`. */
  | { readonly enum: string; readonly of?: string };

/** One rule of a type: `max_len` and its value. */
export interface RuleEntry {
  readonly name: string;
  readonly value: string | number | bigint | boolean;
}

/** `buf.validate.field`. */
export interface FieldRules {
  readonly required?: true;
  /** Whether the rules are not asked of an empty field. */
  readonly ignoreZero?: true;
  /** The rules of the field's type: `string`, `repeated`. */
  readonly of?: { readonly type: string; readonly entries: readonly RuleEntry[] } | undefined;
}

/** A field. */
export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly type: ProtoType;
  readonly label?: 'optional' | 'repeated';
  readonly comment: readonly string[];
  readonly behavior?: 'REQUIRED' | 'OPTIONAL' | 'OUTPUT_ONLY' | 'IDENTIFIER';
  /** `google.api.field_info.format` (AIP-202). */
  readonly format?: 'UUID4';
  readonly storage?: ColumnOption;
  readonly rules?: FieldRules;
  /** `google.api.resource_reference`. */
  readonly reference?: { readonly type: string } | { readonly childType: string };
}
