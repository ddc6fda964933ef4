/** What a caller may do with a resource: see docs/security.md for which method needs which. None implies another. */
export const verbs = ['read', 'write', 'migrate', 'admin'] as const;

/** One of {@link verbs}. */
export type Verb = (typeof verbs)[number];

/** Whom a role is given to: a caller's name, `*` for every proven caller, or whoever has this value in a claim. */
export type RoleMember = string | { readonly claim: string; readonly value: string };

/** Members, resources by id (`*`: all) and what the ones may do with the others. */
export interface Role {
  readonly callers: readonly RoleMember[];
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
}

/** Who a caller has proven to be. */
export interface Identity {
  /** The first is how logs and flags know it. */
  readonly names: readonly string[];
  /** Of its token; empty without. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Stands for all resources. */
export const EVERY_RESOURCE = '*';
/** Stands for whichever resources the caller may see: the answer holds those alone. No id has such a character. */
export const ALLOWED_RESOURCES = '?';

/** What one caller may do; worked out once for a token or a connection, so that a request costs a look-up. */
export class Grants {
  readonly #verbs: ReadonlyMap<string, ReadonlySet<Verb>>;

  constructor(allowed: ReadonlyMap<string, ReadonlySet<Verb>>) {
    this.#verbs = allowed;
  }

  /** Whether the caller may do this with a resource; with {@link EVERY_RESOURCE}: with all of them. */
  allows(verb: Verb, resource: string): boolean {
    return (
      this.#verbs.get(EVERY_RESOURCE)?.has(verb) === true ||
      (resource !== EVERY_RESOURCE && this.#verbs.get(resource)?.has(verb) === true)
    );
  }

  /** Whether there is any resource with which the caller may do this. */
  allowsSomewhere(verb: Verb): boolean {
    for (const allowed of this.#verbs.values()) if (allowed.has(verb)) return true;
    return false;
  }
}

/** What each caller may do by these roles together: nothing that none of them says. */
export function createRoles(roles: readonly Role[]): (identity: Identity) => Grants {
  return (identity) => {
    const allowed = new Map<string, Set<Verb>>();
    for (const role of roles.filter(({ callers }) => callers.some((member) => isMember(identity, member)))) {
      for (const resource of role.resources) {
        allowed.set(resource, new Set([...(allowed.get(resource) ?? []), ...role.verbs]));
      }
    }
    return new Grants(allowed);
  };
}

function isMember({ names, claims }: Identity, member: RoleMember): boolean {
  if (typeof member === 'string') return member === '*' || names.includes(member);
  const held = Object.hasOwn(claims, member.claim) ? claims[member.claim] : undefined;
  if (Array.isArray(held)) return held.includes(member.value);
  if (typeof held !== 'string') return false;
  // RFC 8693, section 4.2: the one claim that is a list in a string.
  return member.claim === 'scope' ? held.split(' ').includes(member.value) : held === member.value;
}
