import type { ConfigJsonSchema, JsonSchema } from './config-json-schema.ts';

/** A key of the config, as its row in a table. */
interface Row {
  readonly key: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

const MARK = /(<!-- config: (\S+) -->\n)[\s\S]*?(<!-- \/config -->)/g;

/**
 * The page with its tables filled from the schema: between `<!-- config: KEY -->` and `<!-- /config -->` comes every key below
 * KEY, `.` standing for those of the top. Throws for a mark of a key that is not there, and for keys that no mark shows.
 */
export function configReference(page: string, { whole }: ConfigJsonSchema): string {
  const shown = new Set<string>();
  const text = page.replaceAll(MARK, (_, begin: string, key: string, end: string) => {
    const rows = key === '.' ? topRows(whole) : rowsBelow(key, at(whole, key));
    for (const row of rows) shown.add(row.key);
    return `${begin}${table(rows)}${end}`;
  });
  const lost = [
    ...topRows(whole),
    ...Object.entries(whole.properties ?? {}).flatMap(([key, one]) => rowsBelow(key, one)),
  ]
    .map(({ key }) => key)
    .filter((key) => !shown.has(key));
  if (lost.length > 0) throw new Error(`no mark of docs/configuration.md shows ${lost.join(', ')}`);
  return text;
}

/** The keys that are no section of their own, and those of the ports. */
function topRows(whole: JsonSchema): readonly Row[] {
  return rowsOf('', whole).filter(
    ({ schema }) => schema.properties === undefined && schema.items?.properties === undefined,
  );
}

function at(whole: JsonSchema, path: string): JsonSchema {
  let schema: JsonSchema | undefined = whole;
  for (const key of path.split('.')) schema = schema?.properties?.[key];
  if (schema === undefined)
    throw new Error(`docs/configuration.md has a mark of ${path}, which is no key of the config`);
  return schema;
}

/** Every key below one, groups included where they can be left out as a whole. */
function rowsBelow(path: string, schema: JsonSchema): readonly Row[] {
  const inner = schema.properties === undefined ? schema.items : schema;
  if (inner?.properties === undefined) return [];
  const prefix = schema.properties === undefined ? `${path}[]` : path;
  return rowsOf(prefix, inner).flatMap((row) => {
    const below = rowsBelow(row.key, row.schema);
    const isGroup = below.length > 0 && row.schema.absent === undefined && row.schema.default === undefined;
    return isGroup ? below : [row, ...below];
  });
}

function rowsOf(prefix: string, { properties = {}, required = [] }: JsonSchema): readonly Row[] {
  return Object.entries(properties).map(([name, schema]) => ({
    key: prefix === '' ? name : `${prefix}.${name}`,
    schema,
    isRequired: required.includes(name),
  }));
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ key, schema, isRequired }) => `| \`${key}\` | ${standard(schema, isRequired)} | ${meaning(key, schema)} |`,
  );
  return ['| key | default | meaning |', '| --- | --- | --- |', ...lines, ''].join('\n');
}

function standard(schema: JsonSchema, isRequired: boolean): string {
  if (schema.absent !== undefined) return `absent: ${schema.absent}`;
  if (schema.default !== undefined) return code(schema.default);
  return isRequired ? 'required' : '';
}

function meaning(key: string, schema: JsonSchema): string {
  if (schema.description === undefined) throw new Error(`${key} has no description in the config's schema`);
  const notes = [values(schema), bounds(schema)].filter((note) => note !== '');
  return notes.length === 0 ? schema.description : `${schema.description} (${notes.join('; ')})`;
}

/** The values of an enum that the description does not name already. */
function values(schema: JsonSchema): string {
  const all = schema.enum ?? schema.items?.enum ?? [];
  const isNamed = all.every((value) => schema.description?.includes(`\`${value}\``));
  return isNamed ? '' : all.map((value) => `\`${value}\``).join(', ');
}

/** Bounds that are the author's, not those of the type or of a port or time. */
function bounds({ minimum, maximum, default: standard }: JsonSchema): string {
  const isBounded = maximum !== undefined && ![65_535, 86_400_000, Number.MAX_SAFE_INTEGER].includes(maximum);
  if (!isBounded) return '';
  return minimum !== undefined && minimum !== standard ? `from ${minimum} to ${maximum}` : `at most ${maximum}`;
}

function code(value: unknown): string {
  if (Array.isArray(value) && value.length > 0) return value.map((one) => `\`${one}\``).join(', ');
  return typeof value === 'object' ? `\`${JSON.stringify(value)}\`` : `\`${value}\``;
}
