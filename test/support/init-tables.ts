/** Tables as MySQL describes them, for tests of what `crossfade init` makes of them. */

import type { FoundTable, InitSettings } from '../../src/app/init/plan.ts';
import type {
  MysqlColumnDescription,
  MysqlTableDescription,
  MysqlTableNotes,
} from '../../src/domain/table-description.ts';

export const initSettings: InitSettings = { packageName: 'shop.v1', host: 'shop.example', keyspace: 'shop' };

/** A column, NOT NULL and without a default unless told otherwise; text is utf8mb4_bin. */
export function tableColumn(
  name: string,
  columnType: string,
  more: Partial<MysqlColumnDescription> = {},
): MysqlColumnDescription {
  const isText = /char|text|enum|set/.test(columnType);
  const length = Number(/\((\d+)\)/.exec(columnType)?.[1] ?? 0);
  return {
    name,
    columnType,
    nullable: false,
    characterSet: isText ? 'utf8mb4' : null,
    collation: isText ? 'utf8mb4_bin' : null,
    octetLength: /char|binary/.test(columnType)
      ? length * (isText ? 4 : 1)
      : /text|blob/.test(columnType)
        ? 65_535
        : null,
    hasDefault: more.nullable === true || more.generated === true || more.autoIncrement === true,
    autoIncrement: false,
    onUpdate: false,
    generated: false,
    ...more,
  };
}

/** What a test says of a table besides its columns. */
export type TableChange = Partial<Omit<MysqlTableDescription, 'columns'>> & {
  readonly notes?: Partial<MysqlTableNotes>;
};

/** A table whose primary key is its first column unless told otherwise. */
export function foundTable(
  table: string,
  columns: readonly MysqlColumnDescription[],
  { notes, ...more }: TableChange = {},
): FoundTable {
  return {
    description: {
      schema: 'shop',
      table,
      storageEngine: 'InnoDB',
      columns,
      primaryKey: columns.slice(0, 1).map((column) => column.name),
      keys: [],
      foreignKeys: [],
      ...more,
    },
    notes: {
      rows: 1_000,
      comment: '',
      columnComments: new Map(),
      references: [],
      keyPrefixes: [],
      serverValued: columns.filter((each) => each.generated || each.autoIncrement).map((each) => each.name),
      tooManyServerValued: [],
      notBooleans: [],
      noDays: [],
      unshown: [],
      ...notes,
    },
  };
}
