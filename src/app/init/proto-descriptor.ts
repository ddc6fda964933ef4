import {
  create,
  type DescFile,
  fromJson,
  type JsonObject,
  type MessageInitShape,
  setExtension,
  toBinary,
} from '@bufbuild/protobuf';
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_timestamp,
  MessageOptionsSchema,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import {
  FieldRulesSchema,
  field as fieldRules,
  file_buf_validate_validate,
} from '../../gen/buf/validate/validate_pb.ts';
import {
  FieldStorageSchema,
  field as fieldOption,
  file_crossfade_v1alpha1_options,
  KeyFormat,
  StorageSchema,
  storage as storageOption,
  ZeroDates,
} from '../../gen/crossfade/v1alpha1/options_pb.ts';
import { file_google_api_client, method_signature } from '../../gen/google/api/client_pb.ts';
import {
  FieldBehavior,
  field_behavior,
  file_google_api_field_behavior,
} from '../../gen/google/api/field_behavior_pb.ts';
import {
  FieldInfo_Format,
  FieldInfoSchema,
  field_info,
  file_google_api_field_info,
} from '../../gen/google/api/field_info_pb.ts';
import {
  file_google_api_resource,
  ResourceDescriptorSchema,
  ResourceReferenceSchema,
  resource_reference,
  resource as resourceOption,
} from '../../gen/google/api/resource_pb.ts';
import type {
  ColumnOption,
  FieldRules,
  ProtoEnum,
  ProtoField,
  ProtoFile,
  ProtoMessage,
  StorageOption,
} from './proto-model.ts';

/** What a definition may import. */
const IMPORTABLE: readonly DescFile[] = [
  file_buf_validate_validate,
  file_crossfade_v1alpha1_options,
  file_google_api_client,
  file_google_api_field_behavior,
  file_google_api_field_info,
  file_google_api_resource,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_timestamp,
];

/** A descriptor image of files with everything that they import, as `buf build --as-file-descriptor-set` would write it. */
export function buildImage(files: readonly ProtoFile[]): Uint8Array {
  const needed = new Set(files.flatMap((file) => file.imports));
  const imported = new Map<string, FileDescriptorProto>();
  for (const file of IMPORTABLE) if (needed.has(file.proto.name)) addWithImports(file, imported);
  const own = files.map(fileDescriptor);
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [...imported.values(), ...own] }));
}

/** In the order in which each file comes after its imports. */
function addWithImports(file: DescFile, into: Map<string, FileDescriptorProto>): void {
  if (into.has(file.proto.name)) return;
  for (const imported of file.dependencies) addWithImports(imported, into);
  into.set(file.proto.name, file.proto);
}

/** A proto file as a descriptor, without comments. */
export function fileDescriptor(file: ProtoFile): FileDescriptorProto {
  const full = (name: string): string => (name.includes('.') ? `.${name}` : `.${file.packageName}.${name}`);
  return create(FileDescriptorProtoSchema, {
    name: file.path,
    package: file.packageName,
    dependency: [...file.imports],
    messageType: file.messages.map((message) => messageDescriptor(message, full)),
    service: [
      {
        name: file.service.name,
        method: file.service.methods.map(({ name, input, output, signature }) => ({
          name,
          inputType: full(input),
          outputType: full(output),
          ...(signature !== '' && { options: methodOptions(signature) }),
        })),
      },
    ],
    syntax: 'proto3',
  });
}

function methodOptions(signature: string) {
  const options = create(MethodOptionsSchema);
  setExtension(options, method_signature, [signature]);
  return options;
}

function messageDescriptor(message: ProtoMessage, full: (name: string) => string) {
  const synthetic = message.fields.filter((field) => field.label === 'optional');
  const options = create(MessageOptionsSchema);
  if (message.resource !== undefined) {
    const { type, pattern, singular, plural } = message.resource;
    setExtension(
      options,
      resourceOption,
      create(ResourceDescriptorSchema, { type, pattern: [pattern], singular, plural }),
    );
  }
  if (message.storage !== undefined)
    setExtension(options, storageOption, create(StorageSchema, storageInit(message.storage)));
  return create(DescriptorProtoSchema, {
    name: message.name,
    field: message.fields.map((field) => {
      const oneofIndex = synthetic.indexOf(field);
      return fieldDescriptor(field, oneofIndex, (name) => full(name), full(message.name));
    }),
    enumType: message.enums.map(enumDescriptor),
    oneofDecl: synthetic.map(({ name }) => ({ name: `_${name}` })),
    ...(message.resource !== undefined && { options }),
    reservedRange: message.reservedNumbers.map((number) => ({ start: number, end: number + 1 })),
    reservedName: [...message.reservedNames],
  });
}

function storageInit({ id, mysql, cassandra, key, indexes }: StorageOption): MessageInitShape<typeof StorageSchema> {
  return {
    id,
    mysql: { ...mysql },
    ...(cassandra && {
      cassandra: {
        keyspace: cassandra.keyspace,
        table: cassandra.table,
        partitionKey: [...cassandra.partitionKey],
        clusteringKey: [...cassandra.clusteringKey],
        ...(cassandra.buckets !== undefined && { buckets: cassandra.buckets }),
      },
    }),
    key: key.map(({ variable, ...option }) => ({ variable, ...columnInit(option) })),
    index: indexes.map(({ name, fields }) => ({ name, fields: [...fields], unique: true })),
  };
}

function columnInit({ mysqlColumn, cassandraColumn, uuid, zeroDates }: ColumnOption) {
  return {
    ...(mysqlColumn !== undefined && { mysqlColumn }),
    ...(cassandraColumn !== undefined && { cassandraColumn }),
    ...(uuid && { format: KeyFormat.UUID }),
    ...(zeroDates && { zeroDates: zeroDates === 'null' ? ZeroDates.NULL : ZeroDates.TEXT }),
  };
}

function enumDescriptor({ name, values, reservedNumbers, reservedNames }: ProtoEnum) {
  return create(EnumDescriptorProtoSchema, {
    name,
    value: values.map((value) => ({ name: value.name, number: value.number })),
    // Unlike a message's, the end of a range of an enum is part of it.
    reservedRange: reservedNumbers.map((number) => ({ start: number, end: number })),
    reservedName: [...reservedNames],
  });
}

function fieldDescriptor(field: ProtoField, oneofIndex: number, full: (name: string) => string, messageName: string) {
  const { type, label } = field;
  const options = fieldOptions(field);
  return create(FieldDescriptorProtoSchema, {
    name: field.name,
    number: field.number,
    label: label === 'repeated' ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    ...('scalar' in type && { type: SCALARS[type.scalar] }),
    ...('message' in type && { type: FieldDescriptorProto_Type.MESSAGE, typeName: full(type.message) }),
    ...('enum' in type && {
      type: FieldDescriptorProto_Type.ENUM,
      typeName: `${type.of === undefined ? messageName : full(type.of)}.${type.enum}`,
    }),
    jsonName: jsonName(field.name),
    ...(oneofIndex >= 0 && { oneofIndex, proto3Optional: true }),
    ...(options && { options }),
  });
}

const SCALARS = {
  bool: FieldDescriptorProto_Type.BOOL,
  int32: FieldDescriptorProto_Type.INT32,
  uint32: FieldDescriptorProto_Type.UINT32,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
  float: FieldDescriptorProto_Type.FLOAT,
  double: FieldDescriptorProto_Type.DOUBLE,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
} as const;

/** As protoc makes it: underscores go, and what follows one is upper case. */
function jsonName(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

function fieldOptions({ behavior, format, storage, rules, reference }: ProtoField) {
  if ([behavior, format, storage, rules, reference].every((option) => option === undefined)) return undefined;
  const options = create(FieldOptionsSchema);
  if (behavior !== undefined) setExtension(options, field_behavior, [FieldBehavior[behavior]]);
  if (format !== undefined)
    setExtension(options, field_info, create(FieldInfoSchema, { format: FieldInfo_Format[format] }));
  if (reference !== undefined) {
    const init = 'type' in reference ? { type: reference.type } : { childType: reference.childType };
    setExtension(options, resource_reference, create(ResourceReferenceSchema, init));
  }
  if (storage !== undefined) setExtension(options, fieldOption, create(FieldStorageSchema, columnInit(storage)));
  if (rules !== undefined) setExtension(options, fieldRules, fromJson(FieldRulesSchema, rulesJson(rules)));
  return options;
}

/** The option as JSON, which takes proto's own names; 64-bit numbers are text there. */
function rulesJson({ required, ignoreZero, of }: FieldRules): JsonObject {
  const entries = (of?.entries ?? []).map(({ name, value }) => [
    name,
    typeof value === 'bigint' ? String(value) : value,
  ]);
  return {
    ...(required && { required }),
    ...(ignoreZero && { ignore: 'IGNORE_IF_ZERO_VALUE' }),
    ...(of !== undefined && { [of.type]: Object.fromEntries(entries) }),
  };
}
