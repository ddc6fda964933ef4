import { fromBinary, getExtension, hasExtension } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  type MethodDescriptorProto,
  type ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { FieldBehavior, field_behavior } from '../../src/gen/google/api/field_behavior_pb.ts';

/** The numbers of the fields by which a descriptor is found in the source: google/protobuf/descriptor.proto. */
const IN_FILE = { message: 4, enum: 5, service: 6, extension: 7 } as const;
const IN_MESSAGE = { field: 2, message: 3, enum: 4 } as const;
/** Of a value in an enum, and of a method in a service. */
const MEMBER = 2;

const INTRODUCTION = `# API reference

<!-- Generated from proto/crossfade by scripts/docs.ts: npm run generate. -->

Everything that the published protos define, package by package, with their comments. The API of the records is that of your own protos: [api.md](../api.md)
says what all of them share, and which parts are optional. How the migration API is used is in [operations.md](../operations.md#by-the-api), who may call what in
[security.md](../security.md#who-may-do-what).
`;

/** The published API as one page of Markdown. `image`: a FileDescriptorSet with source information. */
export function apiReference(image: Uint8Array): string {
  const { file } = fromBinary(FileDescriptorSetSchema, image);
  const published = file
    .filter((one) => one.package.startsWith('crossfade.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return `${[INTRODUCTION, ...published.map(filePage)].join('\n').trimEnd()}\n`;
}

/** A file, and the comments in it by their place. */
interface Source {
  readonly file: FileDescriptorProto;
  commentAt(path: readonly number[]): string;
}

function filePage(file: FileDescriptorProto): string {
  const comments = new Map(
    (file.sourceCodeInfo?.location ?? []).map(({ path, leadingComments }) => [path.join('.'), leadingComments ?? '']),
  );
  const source: Source = {
    file,
    commentAt: (path) => (comments.get(path.join('.')) ?? '').replaceAll(/^ /gm, '').trim(),
  };
  return [
    `## ${file.name}\n`,
    `Package \`${file.package}\`, [source](../../proto/${file.name}).\n`,
    ...file.service.map((service, i) => servicePart(source, service, [IN_FILE.service, i])),
    ...file.messageType.map((message, i) => messagePart(source, message, [IN_FILE.message, i], '')),
    ...file.enumType.map((one, i) => enumPart(source, one, [IN_FILE.enum, i], '')),
    ...extensionsPart(source),
  ].join('\n');
}

function servicePart(source: Source, service: ServiceDescriptorProto, path: readonly number[]): string {
  const methods = service.method.map((method, i) => methodPart(source, method, [...path, MEMBER, i]));
  return [`### Service ${service.name}\n`, `${source.commentAt(path)}\n`, ...methods].join('\n');
}

function methodPart(source: Source, method: MethodDescriptorProto, path: readonly number[]): string {
  const answer = `${method.serverStreaming ? 'a stream of ' : ''}${typeLink(source, method.outputType)}`;
  return [
    `#### ${method.name}\n`,
    `${typeLink(source, method.inputType)} → ${answer}\n`,
    `${source.commentAt(path)}\n`,
  ].join('\n');
}

function messagePart(source: Source, message: DescriptorProto, path: readonly number[], outer: string): string {
  if (message.options?.mapEntry) return '';
  const name = `${outer}${message.name}`;
  const fields = message.field.map((field, i) => fieldRow(source, field, [...path, IN_MESSAGE.field, i]));
  const table = ['| field | number | type | meaning |', '| --- | --- | --- | --- |', ...fields, ''].join('\n');
  return [
    `### ${name}\n`,
    `${source.commentAt(path)}\n`,
    fields.length === 0 ? 'No fields.\n' : table,
    ...message.nestedType.map((inner, i) => messagePart(source, inner, [...path, IN_MESSAGE.message, i], `${name}.`)),
    ...message.enumType.map((inner, i) => enumPart(source, inner, [...path, IN_MESSAGE.enum, i], `${name}.`)),
  ].join('\n');
}

function enumPart(
  source: Source,
  { name, value }: EnumDescriptorProto,
  path: readonly number[],
  outer: string,
): string {
  const rows = value.map(
    (one, i) => `| \`${one.name}\` | ${one.number} | ${cell(source.commentAt([...path, MEMBER, i]))} |`,
  );
  return [
    `### ${outer}${name}\n`,
    `${source.commentAt(path)}\n`,
    '| value | number | meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function extensionsPart(source: Source): readonly string[] {
  const { extension } = source.file;
  if (extension.length === 0) return [];
  const rows = extension.map((one, i) => {
    const extended = one.extendee.replace(/^\.google\.protobuf\./, '');
    const meaning = cell(source.commentAt([IN_FILE.extension, i]));
    return `| \`(${source.file.package}.${one.name})\` | ${extended} | ${typeText(source, one)} | ${meaning} |`;
  });
  return ['### Options\n', '| option | of | type | meaning |', '| --- | --- | --- | --- |', ...rows, ''];
}

function fieldRow(source: Source, field: FieldDescriptorProto, path: readonly number[]): string {
  const meaning = [behaviors(field), cell(source.commentAt(path))].filter((text) => text !== '').join(' ');
  return `| \`${field.name}\` | ${field.number} | ${typeText(source, field)} | ${meaning} |`;
}

function behaviors({ options }: FieldDescriptorProto): string {
  if (options === undefined || !hasExtension(options, field_behavior)) return '';
  return `${getExtension(options, field_behavior)
    .map((one) => `**${spelled(FieldBehavior, one)}**`)
    .join(' ')}.`;
}

function spelled(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}

function typeText(source: Source, field: FieldDescriptorProto): string {
  const { type, typeName, label, proto3Optional } = field;
  const name = typeName === '' ? FieldDescriptorProto_Type[type]?.toLowerCase() : typeLink(source, typeName);
  if (label === FieldDescriptorProto_Label.REPEATED) return `repeated ${name}`;
  return proto3Optional ? `optional ${name}` : `${name}`;
}

/** A type of the same package as a link to its heading, another one by its full name. */
function typeLink({ file }: Source, fullName: string): string {
  const name = fullName.replace(/^\./, '');
  if (!name.startsWith(`${file.package}.`)) return `\`${name}\``;
  const short = name.slice(file.package.length + 1);
  return `[${short}](#${short.toLowerCase().replaceAll('.', '')})`;
}

/** A comment in one line of a table. */
function cell(comment: string): string {
  return comment.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
}
