import { create, type Message } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type DomainError, isDomainError } from '../../src/domain/errors.ts';
import type { ResourceDefinition } from '../../src/schema/definition.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { hasMessageRules } from '../../src/schema/request-rules.ts';
import { buildImage, resourceProto } from '../support/descriptor-image.ts';

async function find(fields: string) {
  return findDefinitions(loadDescriptors(await buildImage(resourceProto({ fields }))));
}

async function definitionOf(fields: string): Promise<ResourceDefinition> {
  const { definitions, mistakes } = await find(fields);
  expect(mistakes).toEqual([]);
  return definitions[0] as ResourceDefinition;
}

function book({ message }: ResourceDefinition, fields: Readonly<Record<string, unknown>>): Message {
  return create(message, fields as never);
}

function refusal(work: () => void): DomainError {
  try {
    work();
  } catch (error) {
    if (isDomainError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the rules of a message', () => {
  it('are not there where no proto states any', async () => {
    const definition = await definitionOf('string title = 2;');
    expect(definition.rules.of(definition.message)).toBeUndefined();
    for (const method of Object.values(definition.methods)) expect(definition.rules.of(method.input)).toBeUndefined();
  });

  it('refuse with every field and rule, and never with a value', async () => {
    const definition = await definitionOf(`
      string title = 2 [(buf.validate.field).string.max_len = 5];
      int32 pages = 3 [(buf.validate.field).int32 = {gte: 1 lte: 100}];
      repeated string tags = 4 [(buf.validate.field).repeated = {unique: true items: {string: {min_len: 3}}}];
      repeated string codes = 6 [(buf.validate.field).repeated.items.cel = {
        id: "book.code", expression: "this == 'x' ? '' : 'not ' + this"
      }];
      string isbn = 5 [(buf.validate.field).cel = {
        id: "book.isbn", expression: "this == 'x' ? '' : 'not ' + this"
      }];`);
    const { of } = definition.rules;
    const rules = of(definition.message);
    rules?.check(book(definition, { title: 'short', pages: 1, tags: ['abc'], isbn: 'x' }));
    const error = refusal(() =>
      rules?.check(
        book(definition, { title: 'secret-title', pages: 0, tags: ['abc', 'ab'], codes: ['secret'], isbn: 'secret' }),
      ),
    );
    expect(error).toMatchObject({ kind: 'invalid_argument', reason: 'RULE_VIOLATED' });
    expect(error.metadata).toEqual({ field: 'title', rule: 'string.max_len' });
    expect(error.violations).toEqual([
      { field: 'title', rule: 'string.max_len', description: 'must be at most 5 characters' },
      { field: 'pages', rule: 'int32.gte_lte', description: expect.any(String) },
      { field: 'tags[1]', rule: 'string.min_len', description: expect.any(String) },
      { field: 'codes[0]', rule: 'book.code', description: 'breaks the rule book.code' },
      { field: 'isbn', rule: 'book.isbn', description: 'breaks the rule book.isbn' },
    ]);
    expect(JSON.stringify([error.message, error.violations])).not.toContain('secret');
  });

  it('count only as far as they are asked to', async () => {
    const definition = await definitionOf(`
      string title = 2 [(buf.validate.field).string.max_len = 1];
      string blurb = 3 [(buf.validate.field).string.max_len = 1];`);
    const rules = definition.rules.of(definition.message);
    const wrong = book(definition, { title: 'long', blurb: 'long' });
    const error = refusal(() => rules?.check(wrong, ([first]) => first?.name === 'blurb'));
    expect(error.violations.map(({ field }) => field)).toEqual(['blurb']);
    rules?.check(wrong, () => false);
  });

  it('are those of all messages in a request', async () => {
    const definition = await definitionOf('string title = 2 [(buf.validate.field).string.max_len = 1];');
    const { input } = definition.methods.create as NonNullable<ResourceDefinition['methods']['create']>;
    const request = create(input, { book: book(definition, { title: 'long' }) } as never);
    expect(refusal(() => definition.rules.of(input)?.check(request)).metadata.field).toBe('book.title');
    expect(hasMessageRules(definition.message)).toBe(false);
  });

  it('stop the start, by the message\u2019s name, if they can\u2019t be used', async () => {
    for (const rule of ['expression: "this."', 'expression: "this.no_such > 1"', 'expression: "1 + 1"']) {
      const { mistakes } = await find(`string title = 2 [(buf.validate.field).cel = {id: "t", ${rule}}];`);
      expect(mistakes.join(), rule).toContain("made.v1.Book: a rule of buf.validate can't be used: ");
    }
    const { mistakes } = await find('string title = 2 [(buf.validate.field).int32.gt = 1];');
    expect(mistakes.join()).toContain("made.v1.Book: a rule of buf.validate can't be used: ");
  });
});
