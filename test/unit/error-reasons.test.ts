import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ErrorReason } from '../../src/gen/crossfade/v1alpha1/error_reason_pb.ts';

const root = resolve(import.meta.dirname, '../..');
const catalogued = Object.keys(ErrorReason)
  .filter((name) => Number.isNaN(Number(name)) && name !== 'UNSPECIFIED')
  .sort();

const DECLARATION = /export type ErrorReason =([^;]*);/;

function sources(): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('gen/'))
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'));
}

/** The members of the type `ErrorReason` of domain/errors.ts: the compiler lets no error have another reason. */
function declared(): string[] {
  const [, members = ''] = DECLARATION.exec(read('src/domain/errors.ts')) ?? [];
  return [...members.matchAll(/'(\w+)'/g)].map(([, name]) => name ?? '').sort();
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

describe('the reasons of errors', () => {
  it('are all in the proto’s catalogue, and no others', () => {
    expect(declared()).toEqual(catalogued);
  });

  it('are all given by some error', () => {
    const all = sources().map((text) => text.replace(DECLARATION, ''));
    expect(catalogued.filter((reason) => !all.some((text) => text.includes(`'${reason}'`)))).toEqual([]);
  });

  it('are all in the table of docs/api.md, with the code that the catalogue says', () => {
    const rows = new Map(
      [...read('docs/api.md').matchAll(/^\| `([A-Z_]+)` \| ([A-Z_]+) \|/gm)].map(([, reason, code]) => [reason, code]),
    );
    const proto = read('proto/crossfade/v1alpha1/error_reason.proto');
    const codes = [...proto.matchAll(/\/\/ ([A-Z_]+)[:,][^\n]*(?:\n {2}\/\/[^\n]*)*\n {2}ERROR_REASON_(\w+) = /g)];
    expect(codes.length).toBe(catalogued.length);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(codes.map(([, code, reason]) => [reason, code])));
  });
});
