/** What a reviewer of the published protos would look for beyond buf's lint: the AIPs named in docs/api.md and docs/operations.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DescField,
  type DescMessage,
  type DescService,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { describe, expect, it } from 'vitest';
import { file_crossfade_v1alpha1_dashboard } from '../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { file_crossfade_v1alpha1_migrations } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { FieldBehavior, field_behavior } from '../../src/gen/google/api/field_behavior_pb.ts';
import { FieldInfo_Format, field_info } from '../../src/gen/google/api/field_info_pb.ts';
import { resource_reference, resource as resourceOption } from '../../src/gen/google/api/resource_pb.ts';
import { operation_info } from '../../src/gen/google/longrunning/operations_pb.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';

const image = readFileSync(join(import.meta.dirname, '../../examples/hospital/hospital.binpb'));
const hospital = [...loadDescriptors(image).files].filter(({ proto }) => proto.package === 'hospital.v1');
const files = [file_crossfade_v1alpha1_dashboard, file_crossfade_v1alpha1_migrations, ...hospital];
const types = files.flatMap((file) => [...nestedTypes(file)]);
const messages = types.filter((type): type is DescMessage => type.kind === 'message');
const services = types.filter((type): type is DescService => type.kind === 'service');
const methods = services.flatMap((service) => service.methods);
const responses = new Set(messages.filter(({ name }) => name.endsWith('Response')));

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
    expect(fieldsWhere((field) => isTime(field) !== field.name.endsWith('_time'))).toEqual([]);
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
    expect(ids.length).toBe(3);
    for (const field of ids) expect(getOption(field, field_info).format, field.toString()).toBe(FieldInfo_Format.UUID4);
  });

  it('offer etags (AIP-154) and validate_only (AIP-163) wherever records are changed', () => {
    const changing = methods.filter(
      ({ name, parent }) => parent.file.proto.package === 'hospital.v1' && /^(Create|Update|Delete)/.test(name),
    );
    expect(changing.length).toBe(6);
    for (const { input, name } of changing) {
      expect(input.field.validateOnly, name).toMatchObject({ scalar: ScalarType.BOOL });
      if (name.startsWith('Delete')) expect(input.field.etag, name).toMatchObject({ scalar: ScalarType.STRING });
    }
  });
});
