import type { ColumnType, Value } from '../../domain/resource.ts';
import { COLUMN_TYPE, type LogCursor, type LoggedColumn, lengthBytes } from './binlog-columns.ts';
import { compileRead, compileSkip, type ReadLogged, type SkipLogged } from './binlog-values.ts';

/** A column that is read out of the log. */
export interface WantedColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** Thrown for an event whose rows do not have every wanted column. */
export class PartialImage extends Error {}

/** One column of the row images of an event, in the table's order. */
interface Step {
  /** Where its value goes in the row; -1: nowhere. */
  readonly target: number;
  readonly read: ReadLogged;
  readonly skip: SkipLogged;
}

/**
 * Reads the row images of one kind of event of one table: a bitmap of nulls, then the values that are not null, in the
 * table's order. Rows come in the order of the wanted columns.
 */
export class RowLayout {
  readonly #steps: readonly Step[];
  readonly #wanted: number;
  readonly #nullBytes: number;

  /**
   * `present`: the event's bitmap of columns, lowest bit first. Throws a RangeError that says how the table differs from what is
   * wanted, and a {@link PartialImage} if a wanted column is not present.
   */
  constructor(logged: readonly LoggedColumn[], wanted: readonly WantedColumn[], present: Buffer) {
    const columns = withSignsAsWanted(logged, wanted);
    for (const { name } of wanted) {
      if (!columns.some((column) => column.name === name)) throw new RangeError(`the column ${name} is not in the log`);
    }
    const steps: Step[] = [];
    columns.forEach((column, i) => {
      const target = wanted.findIndex(({ name }) => name === column.name);
      const type = wanted[target]?.type;
      if (((present[i >> 3] ?? 0) & (1 << (i & 7))) === 0) {
        if (type !== undefined) throw new PartialImage();
        return;
      }
      const skip = compileSkip(column);
      steps.push({ target, skip, read: type === undefined ? nothing : compileRead(column, type) });
    });
    this.#steps = steps;
    this.#wanted = wanted.length;
    this.#nullBytes = (steps.length + 7) >> 3;
  }

  /** Reads a row. */
  read(cursor: LogCursor): Value[] {
    return this.readFirst(cursor, this.#wanted);
  }

  /** Reads the first `count` wanted columns and skips the others. */
  readFirst(cursor: LogCursor, count: number): Value[] {
    const { bytes, at: nulls } = cursor;
    const row = new Array<Value>(count).fill(null);
    cursor.at = nulls + this.#nullBytes;
    const steps = this.#steps;
    for (let i = 0; i < steps.length; i++) {
      if (((bytes[nulls + (i >> 3)] ?? 0) & (1 << (i & 7))) !== 0) continue;
      const step = steps[i] as Step;
      if (step.target >= 0 && step.target < count) row[step.target] = step.read(cursor);
      else step.skip(cursor);
    }
    return row;
  }

  /** Goes to the next row image. */
  skip(cursor: LogCursor): void {
    const { bytes, at: nulls } = cursor;
    cursor.at = nulls + this.#nullBytes;
    const steps = this.#steps;
    for (let i = 0; i < steps.length; i++) {
      if (((bytes[nulls + (i >> 3)] ?? 0) & (1 << (i & 7))) === 0) (steps[i] as Step).skip(cursor);
    }
  }

  /** Whether the table's first column, a short string that is not null, is `value`. Leaves the cursor where it is. */
  startsWith(cursor: LogCursor, value: Buffer): boolean {
    const start = cursor.at + this.#nullBytes;
    if (cursor.bytes[start] !== value.length) return false;
    return value.compare(cursor.bytes, start + 1, start + 1 + value.length) === 0;
  }
}

/** Whether a table's rows can be asked {@link RowLayout.startsWith} for this column. */
export function isShortString(column: LoggedColumn | undefined, name: string): boolean {
  return column?.name === name && column.type === COLUMN_TYPE.varchar && lengthBytes(column) === 1;
}

function nothing(): Value {
  return null;
}

/**
 * The log does not say whether its server gives a YEAR a bit for the sign, which shifts those of all columns behind it: what is wanted tells.
 * Columns as they are where neither reading fits: then the table is another one.
 */
function withSignsAsWanted(columns: readonly LoggedColumn[], wanted: readonly WantedColumn[]): readonly LoggedColumn[] {
  const fits = (one: readonly LoggedColumn[]): boolean =>
    wanted.every(({ name, type }) => {
      const column = one.find((each) => each.name === name);
      return type.kind !== 'int' || type.year || type.bit !== undefined || column?.unsigned === type.unsigned;
    });
  if (fits(columns)) return columns;
  const others = columns.map((column) => ({ ...column, unsigned: column.unsignedWithoutYears ?? column.unsigned }));
  return fits(others) ? others : columns;
}
