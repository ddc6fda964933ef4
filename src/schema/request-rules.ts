import {
  create,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type Message,
  type Registry,
} from '@bufbuild/protobuf';
import { type Path, pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator, type Validator, type Violation } from '@bufbuild/protovalidate';
import { DomainError, type FieldViolation } from '../domain/errors.ts';
import {
  field as fieldRules,
  message as messageRules,
  oneof as oneofRules,
  type Rule,
} from '../gen/buf/validate/validate_pb.ts';

/** The rules (`buf.validate`) of one message and all that it is made of, compiled. */
export interface MessageRules {
  /**
   * Holds a message against them.
   *
   * @param counts whether a violation counts, by the fields on its path, outermost first. Default: all do.
   * @throws DomainError `invalid_argument`/RULE_VIOLATED that names fields and rules, never a value; `internal` where a rule
   *   can't be evaluated.
   */
  check(message: Message, counts?: (path: readonly DescField[]) => boolean): void;
}

/** The rules of an image's messages. */
export interface RequestRules {
  /** A message's rules; undefined: there are none, so that nothing has to be looked at. Compiled when first asked for. */
  of(message: DescMessage): MessageRules | undefined;
}

/** Whether a message has rules that look at more than one of its fields. */
export function hasMessageRules(message: DescMessage): boolean {
  return hasOption(message, messageRules);
}

/** More are not told of: who sends as many has got the idea. */
const MAX_VIOLATIONS = 20;

/**
 * Finds and compiles rules. A rule that can't be compiled, or not evaluated for an empty message, is a mistake that names the
 * message; it must stop the start, as requests would fail by it.
 */
export function createRequestRules(registry: Registry, mistakes: string[]): RequestRules {
  const validator = createValidator({ registry });
  const found = new Map<DescMessage, MessageRules | undefined>();
  return {
    of(message) {
      if (!found.has(message)) found.set(message, compile(validator, message, mistakes));
      return found.get(message);
    },
  };
}

function compile(validator: Validator, message: DescMessage, mistakes: string[]): MessageRules | undefined {
  const parts = [...partsOf(message)].filter(hasRules);
  if (parts.length === 0) return undefined;
  for (const part of parts) {
    const { kind, error } = validator.validate(part, create(part));
    const mistake = `${part.typeName}: a rule of buf.validate can't be used: ${error?.message}`;
    if (kind === 'error' && !mistakes.includes(mistake)) mistakes.push(mistake);
  }
  const texts = new Map(parts.flatMap(customRules).map((rule) => [rule.id, rule.message]));
  return {
    check(given, counts) {
      const result = validator.validate(message, given);
      if (result.kind === 'valid') return;
      if (result.kind === 'error') throw unusable(message, result.error);
      const counted = result.violations.filter(({ field }) => counts === undefined || counts(fieldsOf(field)));
      if (counted.length > 0) throw violated(counted.slice(0, MAX_VIOLATIONS), texts);
    },
  };
}

/** A message and the messages that its fields are of, each once. */
function partsOf(message: DescMessage, seen = new Set<DescMessage>()): Set<DescMessage> {
  if (seen.has(message)) return seen;
  seen.add(message);
  for (const field of message.fields) {
    if (field.message !== undefined) partsOf(field.message, seen);
  }
  return seen;
}

function hasRules(message: DescMessage): boolean {
  if (hasMessageRules(message)) return true;
  if (message.oneofs.some((oneof) => hasOption(oneof, oneofRules))) return true;
  return message.fields.some((field) => hasOption(field, fieldRules));
}

function customRules(message: DescMessage): Rule[] {
  const ofFields = message.fields.flatMap((field) => getOption(field, fieldRules).cel);
  return [...getOption(message, messageRules).cel, ...ofFields];
}

function fieldsOf(path: Path): DescField[] {
  return path.filter((step): step is DescField => step.kind === 'field');
}

function violated(violations: readonly Violation[], texts: ReadonlyMap<string, string>): DomainError {
  const told = violations.map((violation) => describe(violation, texts));
  const [first] = told;
  return new DomainError({
    kind: 'invalid_argument',
    reason: 'RULE_VIOLATED',
    message: told.map(({ field, description }) => (field === '' ? description : `${field}: ${description}`)).join('; '),
    metadata: { field: first?.field ?? '', rule: first?.rule ?? '' },
    violations: told,
  });
}

function describe({ field, ruleId, rule, message }: Violation, texts: ReadonlyMap<string, string>): FieldViolation {
  // The text of an expression may be made of values; a standard rule's is made of the rule's own.
  const isCustom = rule.length === 0 || rule.some(isOfExpression);
  const text = isCustom ? (texts.get(ruleId) ?? '') : message;
  return { field: pathToString(field), rule: ruleId, description: text === '' ? `breaks the rule ${ruleId}` : text };
}

/** Whether a rule's path leads to an expression: a message's or a field's own, or a predefined rule, which is an extension. */
function isOfExpression(step: Path[number]): boolean {
  return step.kind === 'extension' || (step.kind === 'field' && ['cel', 'cel_expression'].includes(step.name));
}

function unusable(message: DescMessage, cause: unknown): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'INTERNAL',
    message: `a rule of ${message.typeName} could not be evaluated`,
    cause,
  });
}
