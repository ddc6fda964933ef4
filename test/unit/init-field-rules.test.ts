import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideTable } from '../../src/app/init/decide-table.ts';
import type { FoundTable } from '../../src/app/init/plan.ts';
import { buildImage } from '../../src/app/init/proto-descriptor.ts';
import { printProto } from '../../src/app/init/proto-text.ts';
import { resourceProto } from '../../src/app/init/resource-proto.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { createMessageCodec } from '../../src/schema/message-codec.ts';
import { allTypesTable } from '../support/all-types.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';
import { foundTable, initSettings, tableColumn } from '../support/init-tables.ts';

function protoOf(found: FoundTable) {
  const decision = decideTable(found, initSettings);
  if (decision.kind === 'refused') throw new Error(JSON.stringify(decision.refusal.reasons));
  return resourceProto(decision.plan, initSettings);
}

/** The rules of one column's field as the proto has them, on one line. */
function rulesFor(columnType: string, more: Parameters<typeof tableColumn>[2] = {}): string {
  const text = printProto(
    protoOf(foundTable('things', [tableColumn('id', 'int'), tableColumn('x', columnType, more)])),
  );
  const [, options = ''] = /\sx = \d+ \[([\s\S]*?)\n {2}\];/.exec(text) ?? [];
  const [, rules = ''] = /(\(buf\.validate\.field\)[\s\S]*)$/.exec(options) ?? [];
  return rules.replace(/\s+/g, ' ').trim();
}

describe('the rules that init writes', () => {
  const nullable = { nullable: true };
  const byDefault = { hasDefault: true };
  const field = '(buf.validate.field)';
  it.each([
    ['varchar(40)', nullable, `${field}.string.max_len = 40`],
    ['text', nullable, `${field}.string.max_bytes = 65535`],
    ['char(2)', { ...nullable, characterSet: 'latin1', octetLength: 2 }, `${field}.string.max_len = 2`],
    ['longtext', { ...nullable, octetLength: 4_294_967_295 }, ''],
    ['varbinary(9)', nullable, `${field}.bytes.max_len = 9`],
    ['binary(9)', nullable, `${field}.bytes.len = 9`],
    ['int', nullable, ''],
    ['bigint unsigned', nullable, ''],
    ['mediumint', nullable, `${field}.int32 = { gte: -8388608 lte: 8388607 }`],
    ['smallint unsigned', nullable, `${field}.int32 = { gte: 0 lte: 65535 }`],
    ['year', nullable, `${field}.int32 = { gte: 0 lte: 2155 }`],
    ['double unsigned', nullable, `${field}.double = { gte: 0 finite: true }`],
    ['decimal(5,2)', nullable, `${field}.string.pattern = "^-?0*[0-9]{1,3}([.][0-9]{1,2}0*)?$"`],
    [
      'decimal(5,2)',
      byDefault,
      `${field} = { ignore: IGNORE_IF_ZERO_VALUE string: {pattern: "^-?0*[0-9]{1,3}([.][0-9]{1,2}0*)?$"} }`,
    ],
    ['decimal(5,2)', {}, `${field} = { required: true string: {pattern: "^-?0*[0-9]{1,3}([.][0-9]{1,2}0*)?$"} }`],
    ['date', nullable, `${field}.string.pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`],
    ["enum('a','b')", nullable, `${field}.enum.defined_only = true`],
    ["set('a','b')", {}, `${field}.repeated = { max_items: 2 unique: true }`],
    ['json', nullable, ''],
    ['timestamp', { ...byDefault, onUpdate: true }, ''],
    ['int', {}, `${field}.required = true`],
    ['varchar(40)', { generated: true }, ''],
  ])('for %s %j are %s', (columnType, more, rules) => {
    expect(rulesFor(columnType, more)).toBe(rules);
  });

  it('say that a BINARY(16) of UUIDs is one', () => {
    const text = printProto(
      protoOf(foundTable('things', [tableColumn('id', 'int'), tableColumn('owner_uuid', 'binary(16)', nullable)])),
    );
    expect(text).toContain('(buf.validate.field).string.uuid = true');
  });

  it('never refuse what a column can hold', () => {
    const notes = foundTable('none', []).notes;
    const proto = protoOf({ description: allTypesTable, notes });
    const { definitions, mistakes } = findDefinitions(loadDescriptors(buildImage([proto])));
    expect(mistakes).toEqual([]);
    const [definition] = definitions;
    if (definition === undefined) throw new Error('no definition');
    const bound = bindResource(definition, allTypesTable);
    if ('mistakes' in bound) throw new Error(bound.mistakes.join('; '));
    const codec = createMessageCodec(definition, bound.resource);
    const rules = definition.rules.of(definition.message);
    fc.assert(
      fc.property(arbitraryRow(bound.resource), (row) => {
        const message = fromBinary(definition.message, codec.toWire('', row));
        try {
          rules?.check(message);
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
          // What a REQUIRED field may not be is the service's own rule.
          expect(error.violations.filter(({ rule }) => rule !== 'required')).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
