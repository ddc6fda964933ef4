import type {
  ColumnOption,
  FieldRules,
  ProtoEnum,
  ProtoField,
  ProtoFile,
  ProtoMessage,
  ProtoMethod,
  ProtoType,
  RuleEntry,
  StorageOption,
} from './proto-model.ts';

/** A proto file as text, as `buf format` would have it. */
export function printProto(file: ProtoFile): string {
  const lines = [
    ...commentLines(file.comment),
    'syntax = "proto3";',
    '',
    `package ${file.packageName};`,
    '',
    ...file.imports.map((path) => `import ${quoted(path)};`),
    '',
    ...commentLines(file.service.comment),
    `service ${file.service.name} {`,
    ...indented(separated(file.service.methods.map(methodLines))),
    '}',
    '',
    ...separated(file.messages.map(messageLines)),
  ];
  return `${lines.join('\n')}\n`;
}

function commentLines(comment: readonly string[]): string[] {
  return comment.map((line) => `// ${line}`);
}

/** A string of proto's own, which is that of C. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\p{Cc}/gu, (control) => {
    return `\\${control.charCodeAt(0).toString(8).padStart(3, '0')}`;
  })}"`;
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `  ${line}`));
}

/** Blocks with an empty line between each two. */
function separated(blocks: readonly (readonly string[])[]): string[] {
  return blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
}

function methodLines({ name, comment, input, output, signature }: ProtoMethod): string[] {
  const head = `rpc ${name}(${input}) returns (${output})`;
  if (signature === '') return [...commentLines(comment), `${head};`];
  return [...commentLines(comment), `${head} {`, `  option (google.api.method_signature) = ${quoted(signature)};`, '}'];
}

function messageLines(message: ProtoMessage): string[] {
  const blocks = [
    ...[[...resourceLines(message), ...storageLines(message.storage)]],
    reservedLines(message),
    ...message.enums.map(enumLines),
    ...message.fields.map(fieldLines),
  ].filter((block) => block.length > 0);
  return [...commentLines(message.comment), `message ${message.name} {`, ...indented(separated(blocks)), '}'];
}

function resourceLines({ resource }: ProtoMessage): string[] {
  if (resource === undefined) return [];
  const entries = Object.entries(resource).map(([key, value]) => `  ${key}: ${quoted(value)}`);
  return ['option (google.api.resource) = {', ...entries, '};'];
}

function storageLines(storage: StorageOption | undefined): string[] {
  if (storage === undefined) return [];
  const { id, mysql, cassandra, key, indexes } = storage;
  const block = (name: string, lines: readonly string[]): string[] => [`${name}: {`, ...indented(lines), '}'];
  const target =
    cassandra === undefined
      ? []
      : block('cassandra', [
          `keyspace: ${quoted(cassandra.keyspace)}`,
          `table: ${quoted(cassandra.table)}`,
          ...cassandra.partitionKey.map((variable) => `partition_key: ${quoted(variable)}`),
          ...cassandra.clusteringKey.map((variable) => `clustering_key: ${quoted(variable)}`),
          ...(cassandra.buckets === undefined ? [] : [`buckets: ${cassandra.buckets}`]),
        ]);
  const parts = key.flatMap(({ variable, ...option }) =>
    block('key', [`variable: ${quoted(variable)}`, ...columnEntries(option)]),
  );
  const indexBlocks = indexes.flatMap(({ name, fields }) =>
    block('index', [`name: ${quoted(name)}`, ...fields.map((field) => `fields: ${quoted(field)}`), 'unique: true']),
  );
  const source = block('mysql', [`schema: ${quoted(mysql.schema)}`, `table: ${quoted(mysql.table)}`]);
  return [
    'option (crossfade.v1alpha1.storage) = {',
    ...indented([`id: ${quoted(id)}`, ...source, ...target, ...parts, ...indexBlocks]),
    '};',
  ];
}

function columnEntries({ mysqlColumn, cassandraColumn, uuid, zeroDates }: ColumnOption): string[] {
  return [
    ...(mysqlColumn === undefined ? [] : [`mysql_column: ${quoted(mysqlColumn)}`]),
    ...(cassandraColumn === undefined ? [] : [`cassandra_column: ${quoted(cassandraColumn)}`]),
    ...(uuid === undefined ? [] : ['format: KEY_FORMAT_UUID']),
    ...(zeroDates === undefined ? [] : [`zero_dates: ZERO_DATES_${zeroDates.toUpperCase()}`]),
  ];
}

function reservedLines({ reservedNumbers, reservedNames }: ProtoMessage | ProtoEnum): string[] {
  if (reservedNumbers.length === 0) return [];
  return [`reserved ${reservedNumbers.join(', ')};`, `reserved ${reservedNames.map(quoted).join(', ')};`];
}

function enumLines(described: ProtoEnum): string[] {
  const values = described.values.map(({ name, number, comment }) => [
    ...commentLines(comment),
    `${name} = ${number};`,
  ]);
  const reserved = reservedLines(described);
  const blocks = [...(reserved.length === 0 ? [] : [reserved]), ...values];
  return [...commentLines(described.comment), `enum ${described.name} {`, ...indented(separated(blocks)), '}'];
}

function fieldLines(field: ProtoField): string[] {
  const label = field.label === undefined ? '' : `${field.label} `;
  const head = `${label}${typeText(field.type)} ${field.name} = ${field.number}`;
  const options = fieldOptions(field);
  const comment = commentLines(field.comment);
  if (options.length === 0) return [...comment, `${head};`];
  if (options.length === 1) return [...comment, `${head} [${options[0]}];`];
  const last = options.length - 1;
  const lines = options.flatMap((option, i) => `  ${option}${i === last ? '' : ','}`.split('\n'));
  return [...comment, `${head} [`, ...lines, '];'];
}

function typeText(type: ProtoType): string {
  if ('scalar' in type) return type.scalar;
  if ('message' in type) return type.message;
  return type.of === undefined ? type.enum : `${type.of}.${type.enum}`;
}

function fieldOptions({ behavior, format, storage, rules, reference }: ProtoField): string[] {
  const options: string[] = [];
  if (behavior !== undefined) options.push(`(google.api.field_behavior) = ${behavior}`);
  if (format !== undefined) options.push(`(google.api.field_info).format = ${format}`);
  if (reference !== undefined) {
    const [key, type] = 'type' in reference ? ['type', reference.type] : ['child_type', reference.childType];
    options.push(`(google.api.resource_reference).${key} = ${quoted(type)}`);
  }
  if (storage !== undefined) {
    const entries = columnEntries(storage);
    const head = '(crossfade.v1alpha1.field) = ';
    options.push(entries.length === 1 ? `${head}{${entries[0]}}` : `${head}{\n    ${entries.join('\n    ')}\n  }`);
  }
  if (rules !== undefined) options.push(ruleText(rules));
  return options;
}

/** As short as `buf format` leaves it: one rule is a path, several are a message. */
function ruleText({ required, ignoreZero, of }: FieldRules): string {
  const head = '(buf.validate.field)';
  const entries = of === undefined ? [] : of.entries.map(({ name, value }) => ({ name, text: valueText(value) }));
  const flags = [...(required ? ['required: true'] : []), ...(ignoreZero ? ['ignore: IGNORE_IF_ZERO_VALUE'] : [])];
  const [only] = entries;
  if (of === undefined || only === undefined) return `${head}.required = true`;
  const inner = entries.map(({ name, text }) => `${name}: ${text}`);
  if (flags.length === 0) {
    if (entries.length === 1) return `${head}.${of.type}.${only.name} = ${only.text}`;
    return `${head}.${of.type} = {\n${inner.map((line) => `    ${line}\n`).join('')}  }`;
  }
  const block =
    entries.length === 1 ? [`${of.type}: {${inner[0]}}`] : [`${of.type}: {`, ...inner.map((line) => `  ${line}`), '}'];
  return `${head} = {\n${[...flags, ...block].map((line) => `    ${line}\n`).join('')}  }`;
}

function valueText(value: RuleEntry['value']): string {
  return typeof value === 'string' ? quoted(value) : String(value);
}
