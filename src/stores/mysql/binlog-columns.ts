/** A column as a TABLE_MAP event describes it: how its values are laid out in the row events that follow. */
export interface LoggedColumn {
  readonly name: string;
  /** One of {@link COLUMN_TYPE}; ENUM and SET already told apart from CHAR. */
  readonly type: number;
  readonly unsigned: boolean;
  /**
   * The same, read as older servers write it: MySQL 8.0.15 has no bit for a YEAR, MySQL since some later version and MariaDB do. Absent: no
   * YEAR stands before.
   */
  readonly unsignedWithoutYears?: boolean;
  /** The name of its character set; null for numbers, times and bytes. */
  readonly charset: string | null;
  /** Bytes that CHAR, VARCHAR, BINARY and VARBINARY can hold. */
  readonly maxBytes: number;
  /** Bytes of an ENUM's index, of a SET's bits, of a BIT, or of the length before a BLOB, TEXT or JSON. */
  readonly width: number;
  /** Of a DECIMAL. */
  readonly precision: number;
  /** Digits after the point of a DECIMAL, or of a second's fraction. */
  readonly scale: number;
  /** The members of an ENUM or SET; empty for others. */
  readonly members: readonly string[];
}

/** The type bytes of the binary log (`enum_field_types`) that rows can have. The others are formats of before 5.6. */
export const COLUMN_TYPE = {
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  longlong: 8,
  int24: 9,
  date: 10,
  year: 13,
  varchar: 15,
  bit: 16,
  timestamp: 17,
  datetime: 18,
  time: 19,
  json: 245,
  decimal: 246,
  enum: 247,
  set: 248,
  blob: 252,
  string: 254,
  geometry: 255,
} as const;

/** A place in an event's bytes. One object serves a whole stream. */
export interface LogCursor {
  bytes: Buffer;
  at: number;
  /**
   * The column whose value MySQL can hold and the definition can't show (a date that is none, an ENUM's error value): it was
   * read as null. Null: there was none since somebody last set it so.
   */
  unrepresentable: string | null;
}

/** The longest value whose length stands in one byte. */
const SHORT_VALUE = 255;

/** How many bytes the length before a CHAR, VARCHAR, BINARY or VARBINARY takes. */
export function lengthBytes(column: LoggedColumn): 1 | 2 {
  return column.maxBytes > SHORT_VALUE ? 2 : 1;
}
