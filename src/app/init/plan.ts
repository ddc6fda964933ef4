import type { CassandraPlace } from '../../domain/resource.ts';
import type { MysqlTableDescription, MysqlTableNotes } from '../../domain/table-description.ts';
import type { ColumnFormat, ZeroDates } from '../../schema/definition.ts';
import type { FieldShape } from '../../schema/field-shape.ts';
import type { CascadeFindings } from '../../stores/mysql/cascade-rules.ts';
import type { FieldRules } from './proto-model.ts';

/** A table as it was found. */
export interface FoundTable {
  readonly description: MysqlTableDescription;
  readonly notes: MysqlTableNotes;
  /** Which changes of other tables reach it through foreign keys. Absent: not looked for. */
  readonly cascades?: CascadeFindings;
}

/** What holds for all tables of a run. */
export interface InitSettings {
  /** The proto package: `shop.v1`. */
  readonly packageName: string;
  /** The service name of resource types (AIP-123): `shop.example`. */
  readonly host: string;
  readonly keyspace: string;
}

/** What becomes of a table. */
export type TableDecision =
  | { readonly kind: 'planned'; readonly plan: TablePlan }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A table that gets no definition, with every reason. */
export interface Refusal {
  readonly table: string;
  readonly reasons: readonly Reason[];
}

/** Why something can't be done. */
export interface Reason {
  /** Absent: no single column is to blame. */
  readonly column?: string;
  readonly text: string;
}

/** A definition before it is written: every name, number and type. */
export interface TablePlan {
  readonly schema: string;
  readonly table: string;
  /** The table's comment; empty: none. */
  readonly comment: string;
  readonly names: ResourceNames;
  readonly parts: readonly PatternPart[];
  /** Whether the service numbers records whose creators name no id. */
  readonly numbered: boolean;
  /** In the order of the columns; key columns have none, as the resource name shows them. */
  readonly fields: readonly FieldPlan[];
  readonly reserved: Reserved;
  /** One for each unique key that can be looked up. */
  readonly indexes: readonly IndexPlan[];
  /** What the request of the lookup had once. */
  readonly lookupReserved: Reserved;
  /** Absent: the definition stays at the source, for the reasons in `staysBecause`. */
  readonly target?: CassandraPlace;
  readonly staysBecause: readonly Reason[];
  readonly leftOut: readonly Reason[];
  /** What a sample of the rows holds and no field can show. */
  readonly unshown: readonly Reason[];
  /** What was decided, and why, in sentences. */
  readonly remarks: readonly Reason[];
}

/** A unique key that is an index. */
export interface IndexPlan {
  readonly name: string;
  readonly fields: readonly IndexedFieldPlan[];
  readonly columns: readonly string[];
}

/** A field by which records are looked up; without `field` it stands for a variable of the name pattern. */
export interface IndexedFieldPlan {
  readonly name: string;
  /** In the request of the lookup. */
  readonly number: number;
  readonly field?: FieldPlan;
}

/** How a resource and its methods are called. */
export interface ResourceNames {
  /** `order_details`: flags, control records, metrics. */
  readonly id: string;
  /** `OrderDetail`. */
  readonly message: string;
  /** `order_detail`: the fields that hold one. */
  readonly singular: string;
  /** `order_details`. */
  readonly plural: string;
  /** `OrderDetails`. */
  readonly service: string;
  /** `order_details.proto`, below the folder of the package. */
  readonly file: string;
  /** The table in the target, if it gets one. */
  readonly cassandraTable: string;
}

/** A variable of the name pattern, with its column. */
export interface PatternPart {
  readonly collection: string;
  readonly variable: string;
  readonly column: string;
  readonly cassandraColumn: string;
  readonly format: ColumnFormat;
  /** What the variable's text looks like, for comments. */
  readonly looks: string;
}

/** Numbers and names that were a field's or a value's once, and are never given again. */
export interface Reserved {
  readonly numbers: readonly number[];
  readonly names: readonly string[];
}

/** A field with its column. */
export interface FieldPlan {
  readonly column: string;
  readonly cassandraColumn: string;
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
  readonly format: ColumnFormat;
  /** What becomes of dates that are no day of the calendar. Absent: they are refused. */
  readonly zeroDates?: Exclude<ZeroDates, 'refuse'>;
  /** Its type in the target. */
  readonly cqlType: string;
  readonly behavior: 'REQUIRED' | 'OPTIONAL' | 'OUTPUT_ONLY';
  /** Absent: there are none. */
  readonly rules?: FieldRules;
  /** Lines of text. */
  readonly comment: readonly string[];
}

/** A field's type as proto has it. */
export interface FieldType {
  readonly shape: FieldShape;
  /** Whether it is `optional`. Messages and repeated fields never are. */
  readonly optional: boolean;
  /** Of the shape `enum`. */
  readonly enum?: EnumPlan;
}

/** A proto enum for a column's labels. */
export interface EnumPlan {
  /** `Rating`. */
  readonly name: string;
  /** Without the zero value, which stands for nothing. */
  readonly values: readonly { readonly label: string; readonly name: string; readonly number: number }[];
  readonly reserved: Reserved;
}
