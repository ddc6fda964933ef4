import { z } from 'zod';
import { configSchema } from '../../src/app/config-schema.ts';

/** The part of JSON schema that zod makes of the config. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  /** What holds where the key is absent, for people; not a word of JSON schema, so it is not published. */
  readonly absent?: string;
  readonly $schema?: string;
}

/** The config as JSON schema: whole, and as it is published for editors. */
export interface ConfigJsonSchema {
  readonly whole: JsonSchema;
  readonly published: JsonSchema;
}

/** Made from the zod schema that the service parses its config with. */
export function configJsonSchema(): ConfigJsonSchema {
  const whole = z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema;
  const { $schema, ...rest } = publishable(whole) as JsonSchema;
  return {
    whole,
    published: {
      ...($schema !== undefined && { $schema }),
      ...{ title: "Crossfade's config", $comment: 'Generated from src/app/config-schema.ts: npm run generate' },
      ...rest,
    },
  };
}

/** Without what is ours, and with descriptions that are no Markdown with links of another folder. */
function publishable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(publishable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, inner]) => !(key === 'absent' && typeof inner === 'string'));
  return Object.fromEntries(
    entries.map(([key, inner]) => [
      key,
      key === 'description' && typeof inner === 'string'
        ? inner.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, 'docs/$1')
        : publishable(inner),
    ]),
  );
}
