/**
 * What a reviewer of the published protos, and of what `crossfade init` writes, would look for beyond buf's lint: the AIPs named in
 * docs/api.md and docs/operations.md. What differs from them on purpose stands in docs/api.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { describe, expect, it } from 'vitest';
import { decideTable } from '../../src/app/init/decide-table.ts';
import { buildImage } from '../../src/app/init/proto-descriptor.ts';
import { resourceProto } from '../../src/app/init/resource-proto.ts';
import { file_crossfade_v1alpha1_dashboard } from '../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { file_crossfade_v1alpha1_migrations } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { method_signature } from '../../src/gen/google/api/client_pb.ts';
import { FieldBehavior, field_behavior } from '../../src/gen/google/api/field_behavior_pb.ts';
import { FieldInfo_Format, field_info } from '../../src/gen/google/api/field_info_pb.ts';
import { resource_reference, resource as resourceOption } from '../../src/gen/google/api/resource_pb.ts';
import { operation_info } from '../../src/gen/google/longrunning/operations_pb.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { foundTable, initSettings, tableColumn } from '../support/init-tables.ts';

const image = readFileSync(join(import.meta.dirname, '../../examples/hospital/hospital.binpb'));
const hospital = [...loadDescriptors(image).files].filter(({ proto }) => proto.package === 'hospital.v1');
const files = [file_crossfade_v1alpha1_dashboard, file_crossfade_v1alpha1_migrations, ...hospital, ...written()];
const types = files.flatMap((file) => [...nestedTypes(file)]);
const messages = types.filter((type): type is DescMessage => type.kind === 'message');
const services = types.filter((type): type is DescService => type.kind === 'service');
const methods = services.flatMap((service) => service.methods);
const responses = new Set(messages.filter(({ name }) => name.endsWith('Response')));

/** What init writes: a table with a parent, a unique key and columns of many kinds, and one that numbers its records. */
function written(): DescFile[] {
  const number = { autoIncrement: true };
  const tables = [
    foundTable(
      'order_lines',
      [
        tableColumn('order_id', 'int'),
        tableColumn('line_no', 'smallint unsigned'),
        tableColumn('sku', 'varchar(40)'),
        tableColumn('state', "enum('new','done')"),
        tableColumn('ship_date', 'date', { nullable: true }),
        tableColumn('changed', 'timestamp', { hasDefault: true, onUpdate: true }),
      ],
      {
        primaryKey: ['order_id', 'line_no'],
        keys: [{ name: 'sku', columns: ['sku'], unique: true, isPrefix: false }],
      },
    ),
    foundTable('orders', [tableColumn('id', 'int unsigned', number), tableColumn('note', 'text')]),
  ];
  const protos = tables.map((table) => {
    const decision = decideTable(table, initSettings, undefined);
    if (decision.kind === 'refused') throw new Error(JSON.stringify(decision.refusal.reasons));
    return resourceProto(decision.plan, initSettings);
  });
  const { packageName } = initSettings;
  return [...loadDescriptors(buildImage(protos)).files].filter(({ proto }) => proto.package === packageName);
}

/** The methods of records: of the example, and of what init writes. */
function recordMethods(pattern: RegExp): DescMethod[] {
  const packages = ['hospital.v1', initSettings.packageName];
  return methods.filter(({ name, parent }) => packages.includes(parent.file.proto.package) && pattern.test(name));
}

function fieldsWhere(holds: (field: DescField, of: DescMessage) => boolean): string[] {
  return messages.flatMap((of) =>
    of.fields.filter((field) => holds(field, of)).map((field) => `${of.typeName}.${field.name}`),
  );
}

describe('the published protos', () => {
  it('were found', () => {
    expect(methods.length).toBeGreaterThan(20);
    expect(messages.length).toBeGreaterThan(40);
  });

  it('say of every field that is sent or stored how it behaves (AIP-203)', () => {
    const silent = (field: DescField, of: DescMessage) =>
      !responses.has(of) && getOption(field, field_behavior).length === 0;
    expect(fieldsWhere(silent)).toEqual([]);
    const torn = (field: DescField) => {
      const behaviors = getOption(field, field_behavior);
      return behaviors.includes(FieldBehavior.OUTPUT_ONLY) && behaviors.includes(FieldBehavior.REQUIRED);
    };
    expect(fieldsWhere(torn)).toEqual([]);
  });

  it('have a name first in each resource, and references in requests (AIP-122)', () => {
    for (const message of messages.filter((one) => hasOption(one, resourceOption))) {
      const { singular, plural, pattern, type } = getOption(message, resourceOption);
      expect(message.fields[0]).toMatchObject({ name: 'name', number: 1 });
      for (const text of [singular, plural, type, ...pattern]) expect(text, message.typeName).not.toBe('');
    }
    const unreferenced = (field: DescField, of: DescMessage) =>
      of.name.endsWith('Request') &&
      (field.name === 'name' || field.name === 'parent') &&
      !hasOption(field, resource_reference);
    // An operation is no resource of this API, but google.longrunning's.
    expect(fieldsWhere(unreferenced)).toEqual(['crossfade.v1alpha1.ThrottleOperationRequest.name']);
  });

  it('page every list (AIP-158)', () => {
    const lists = methods.filter(({ name }) => name.startsWith('List'));
    expect(lists.length).toBeGreaterThan(4);
    for (const { input, output, name } of lists) {
      expect(input.field.pageSize, name).toMatchObject({ scalar: ScalarType.INT32 });
      expect(input.field.pageToken, name).toMatchObject({ scalar: ScalarType.STRING });
      expect(output.field.nextPageToken, name).toMatchObject({ scalar: ScalarType.STRING });
      expect(output.fields[0]?.fieldKind, name).toBe('list');
    }
  });

  it('name times as AIP-142 and AIP-148 have them', () => {
    const isTime = (field: DescField) =>
      field.fieldKind === 'message' && field.message.typeName === 'google.protobuf.Timestamp';
    // What init writes has the columns' names.
    expect(fieldsWhere((field) => isTime(field) !== field.name.endsWith('_time'))).toEqual([
      'shop.v1.OrderLine.changed',
    ]);
    const changeable = (field: DescField) =>
      ['create_time', 'update_time'].includes(field.name) &&
      !getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);
    expect(fieldsWhere(changeable)).toEqual([]);
  });

  it('say what their long-running operations answer, in messages that are there (AIP-151)', () => {
    const long = methods.filter(({ output }) => output.typeName === 'google.longrunning.Operation');
    expect(long.map(({ name }) => name)).toEqual(['StartBackfill', 'StartVerification']);
    for (const method of long) {
      const { responseType, metadataType } = getOption(method, operation_info);
      for (const name of [responseType, metadataType]) expect(messages.map((one) => one.name)).toContain(name);
    }
  });

  it('say of every request_id that it is a UUID (AIP-155)', () => {
    const ids = messages.flatMap(({ fields }) => fields.filter(({ name }) => name === 'request_id'));
    expect(ids.length).toBe(9);
    for (const field of ids) expect(getOption(field, field_info).format, field.toString()).toBe(FieldInfo_Format.UUID4);
  });

  it('have the requests and answers of the standard methods (AIP-131 to AIP-135) and of batches (AIP-231 to AIP-235)', () => {
    const standard = recordMethods(/^(Get|List|Create|Update|Delete|Batch)/);
    expect(standard.length).toBe(9 + 5 + 9 + 5);
    for (const { input, output, name } of standard) {
      expect(input.name).toBe(`${name}Request`);
      const [, verb, noun] = /^((?:Batch)?[A-Z][a-z]+)(.+)$/.exec(name) ?? [];
      const answer = /^(Batch|List)/.test(name) ? `${name}Response` : noun;
      expect(output.name, name).toBe(verb?.endsWith('Delete') ? 'Empty' : answer);
    }
    for (const { input, output, name } of recordMethods(/^Batch/)) {
      const list = input.field[name.startsWith('BatchGet') ? 'names' : 'requests'];
      expect(list?.fieldKind, name).toBe('list');
      expect(output.name === 'Empty' || output.fields[0]?.fieldKind === 'list', name).toBe(true);
    }
  });

  it('say which of their fields a caller gives first (AIP-4232)', () => {
    const signed = (method: DescMethod) => getOption(method, method_signature);
    for (const method of recordMethods(/^(Get|Create|Update|Delete|Batch)/)) {
      expect(signed(method), method.name).toHaveLength(1);
      for (const name of (signed(method)[0] ?? '').split(',')) {
        expect(
          method.input.fields.map((field) => field.name),
          method.name,
        ).toContain(name);
      }
    }
  });

  it('offer etags (AIP-154) and validate_only (AIP-163) wherever records are changed', () => {
    const changing = recordMethods(/^(Create|Update|Delete)/);
    expect(changing.length).toBe(12);
    for (const { input, name } of changing) {
      expect(input.field.validateOnly, name).toMatchObject({ scalar: ScalarType.BOOL });
      if (name.startsWith('Delete')) expect(input.field.etag, name).toMatchObject({ scalar: ScalarType.STRING });
    }
  });
});
