import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../../../scripts/docs/config-json-schema.ts';
import { configReference } from '../../../scripts/docs/config-reference.ts';

const schema = {
  whole: {
    properties: {
      name: { type: 'string', description: 'who', absent: 'nobody' },
      limits: {
        default: {},
        description: 'bounds',
        properties: {
          size: { type: 'integer', default: 5, minimum: 1, maximum: 9, description: 'how many' },
          kind: { type: 'string', enum: ['a', 'b'], description: 'which' },
        },
        required: ['kind'],
      },
    },
  },
  published: {},
};

const MARKED =
  '# Page\n<!-- config: . -->\nold\n<!-- /config -->\nbetween\n<!-- config: limits -->\n<!-- /config -->\n';

describe('the reference of the config', () => {
  it('fills the marks, and leaves what people wrote', () => {
    const page = configReference(MARKED, schema);
    expect(page).toContain('| `name` | absent: nobody | who |');
    expect(page).toContain('| `limits.size` | `5` | how many (from 1 to 9) |');
    expect(page).toContain('| `limits.kind` | required | which (`a`, `b`) |');
    expect(page).toContain('between');
    expect(page).not.toContain('old');
    expect(configReference(page, schema)).toBe(page);
  });

  it('refuses keys that no mark shows, marks of no key, and keys without a description', () => {
    expect(() => configReference('<!-- config: . -->\n<!-- /config -->', schema)).toThrow('limits.size');
    expect(() => configReference('<!-- config: nothing -->\n<!-- /config -->', schema)).toThrow('nothing');
    const silent = { ...schema, whole: { properties: { name: { type: 'string' } } } };
    expect(() => configReference('<!-- config: . -->\n<!-- /config -->', silent)).toThrow('name has no description');
  });

  it('keeps words of our own out of the published schema', () => {
    const published = JSON.stringify(configJsonSchema().published);
    expect(published).not.toContain('"absent"');
    expect(published).not.toContain('](');
    expect(published).toContain('docs/security.md');
  });
});
