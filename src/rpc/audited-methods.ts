import { isDomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { CallContext } from './call-context.ts';
import type { Method, UnaryMethod } from './method-table.ts';

/**
 * Methods of which those that change a migration (verbs `migrate` and `admin`) leave an audit line: who, what, how it ended.
 * A resource is named if it is one of `known`: what else a caller names is a text of the caller's.
 */
export function auditChanges(methods: readonly Method[], known: ReadonlySet<string>, log: Log): Method[] {
  return methods.map((method) => {
    const { verb } = method.access;
    const changes = method.kind === 'unary' && (verb === 'migrate' || verb === 'admin');
    return changes ? audited(method, known, log) : method;
  });
}

function audited(method: UnaryMethod, known: ReadonlySet<string>, log: Log): UnaryMethod {
  const { resource } = method.access;
  const tell = (request: unknown, { caller, user }: CallContext, outcome: string): void => {
    const named = typeof resource === 'string' ? resource : resource(request);
    log.info('a call to change a migration', {
      audit: true,
      method: method.path,
      ...(named !== undefined && known.has(named) && { resource: named }),
      caller,
      user,
      outcome,
    });
  };
  return {
    ...method,
    handle: async (request, context) => {
      try {
        const reply = await method.handle(request, context);
        tell(request, context, 'OK');
        return reply;
      } catch (error) {
        tell(request, context, isDomainError(error) ? error.reason : 'INTERNAL');
        throw error;
      }
    },
  };
}
