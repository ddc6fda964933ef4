import { DomainError, isDomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { Authenticator, Caller } from '../security/authenticator.ts';
import { ALLOWED_RESOURCES, EVERY_RESOURCE, type Verb } from '../security/roles.ts';
import type { CallContext, Inbound } from './call-context.ts';
import { metadataNames } from './settings.ts';

/** What calling a method takes, once callers must prove who they are. */
export interface MethodAccess {
  readonly verb: Verb;
  /**
   * The resource's id, or `*` for all; or how a request names it: undefined where it does not, which takes the right to all, and
   * {@link ALLOWED_RESOURCES} where the answer leaves out what the caller may not see. Never throws.
   */
  readonly resource: string | ((request: unknown) => string | undefined);
}

/** What access control looks at of a method. */
export interface Guarded {
  readonly path: string;
  readonly access: MethodAccess;
}

/** Lets requests in or refuses them, with an audit line for each refusal. */
export interface AccessControl {
  /** Whether a request brings credentials that count; at once where they are known. Leaves no audit line, and never throws. */
  recognizes(inbound: Pick<Inbound, 'get' | 'peer'>): boolean | Promise<boolean>;
  /**
   * Proves who calls, and that it may call this method for some resource at least; nothing of the message has been looked at.
   *
   * @throws `unauthenticated`, `permission_denied`, `unavailable`; rejects with them.
   */
  admit(method: Guarded, inbound: Inbound): Promise<Caller>;
  /** Whether the caller may call the method with this message. Throws `permission_denied`. */
  permit(caller: Caller, method: Guarded, request: unknown, inbound: Inbound): void;
  /** Proves who calls something that is no method of the table; null: whoever has proven who it is may. Rejects as `admit`. */
  admitTo(path: string, verb: Verb | null, inbound: Inbound): Promise<Caller>;
}

/** Creates the access control. `log` gets the audit lines. */
export function createAccessControl(options: {
  readonly authenticator: Authenticator;
  readonly log: Log;
}): AccessControl {
  const { authenticator, log } = options;

  const look = (inbound: Pick<Inbound, 'get' | 'peer'>): Caller | Promise<Caller> =>
    authenticator.identify({
      authorization: inbound.get(metadataNames.authorization),
      certificateNames: inbound.peer().names,
    });

  const identify = async (path: string, inbound: Inbound): Promise<Caller> => {
    try {
      return await look(inbound);
    } catch (error) {
      if (isDomainError(error, 'unauthenticated'))
        auditRefusal(log, path, inbound, { caller: '', reason: error.reason });
      throw error;
    }
  };

  const deny = (caller: Caller, path: string, inbound: Inbound, missing: Missing): never => {
    auditRefusal(log, path, inbound, { caller: caller.name, reason: 'PERMISSION_DENIED', ...missing });
    throw permissionDenied(missing);
  };

  return {
    recognizes: (inbound) => {
      try {
        const found = look(inbound);
        return (
          !(found instanceof Promise) ||
          found.then(
            () => true,
            () => false,
          )
        );
      } catch {
        return false;
      }
    },
    admit: async (method, inbound) => {
      const caller = await identify(method.path, inbound);
      const { verb, resource } = method.access;
      const allowed =
        typeof resource === 'string' ? caller.grants.allows(verb, resource) : caller.grants.allowsSomewhere(verb);
      const named = typeof resource === 'string' ? resource : EVERY_RESOURCE;
      return allowed ? caller : deny(caller, method.path, inbound, { verb, resource: named });
    },
    permit: (caller, { path, access: { verb, resource } }, request, inbound) => {
      if (typeof resource === 'string') return;
      const named = resource(request) ?? EVERY_RESOURCE;
      // That there is one at all was asked before the message was read.
      if (named === ALLOWED_RESOURCES) return;
      if (!caller.grants.allows(verb, named)) deny(caller, path, inbound, { verb, resource: named });
    },
    admitTo: async (path, verb, inbound) => {
      const caller = await identify(path, inbound);
      if (verb === null || caller.grants.allowsSomewhere(verb)) return caller;
      return deny(caller, path, inbound, { verb, resource: EVERY_RESOURCE });
    },
  };
}

/** What a caller would have needed. */
interface Missing {
  readonly verb: Verb;
  readonly resource: string;
}

/** Nothing of the message: a record's name can tell of a person. */
function auditRefusal(
  log: Log,
  method: string,
  inbound: Inbound,
  refusal: { readonly caller: string; readonly reason: string } & Partial<Missing>,
): void {
  log.warn('a call was refused', { audit: true, method, ...refusal, peer: inbound.peer().address });
}

function permissionDenied({ verb, resource }: Missing): DomainError {
  const of = resource === EVERY_RESOURCE ? 'every resource' : resource;
  return new DomainError({
    kind: 'permission_denied',
    reason: 'PERMISSION_DENIED',
    message: `no role gives the caller the verb ${verb} on ${of}`,
    metadata: { verb, resource },
  });
}

/** Runs a handler's context under the proven name: what the caller says of itself no longer counts. */
export function nameCaller(context: CallContext, caller: Caller): void {
  context.caller = caller.name;
  context.grants = caller.grants;
}
