import { isDomainError } from '../../domain/errors.ts';
import { StartError } from '../start-error.ts';
import { type Check, ok, problem } from './check.ts';
import { countText, secondsText } from './text.ts';

/** Why the descriptors can't be read. Rethrows what says nothing about them. */
function mistakesOf(error: unknown): string[] {
  if (error instanceof StartError) return [...error.mistakes];
  if (isDomainError(error, 'failed_precondition')) return [error.message];
  throw error;
}

/** What the config says by itself. */
export const configChecks: readonly Check[] = [
  {
    id: 'config.definitions',
    run: async (site) => {
      const cure = 'mend the proto or the config, and build the descriptors again: buf build --as-file-descriptor-set';
      const loaded = await site.definitions().catch(mistakesOf);
      if (Array.isArray(loaded)) return loaded.map((mistake) => problem(mistake, cure));
      const { named, mistakes } = loaded;
      if (mistakes.length > 0) return mistakes.map((mistake) => problem(mistake, cure));
      const ids = named.map(({ definition }) => definition.id);
      return [ok(`${countText(ids.length, 'resource')}: ${ids.join(', ')}`)];
    },
  },
  {
    id: 'config.log_ttl',
    run: async ({ config, expectations: { outageSeconds } }) => {
      const { cassandra } = config.stores;
      if (cassandra === undefined) return [];
      // An entry is read for as long as it stays, and must stay for as long again after the source is back.
      const least = 2 * outageSeconds;
      const found = `${secondsText(cassandra.logTtlSeconds)}, for an outage of up to ${secondsText(outageSeconds)}`;
      if (cassandra.logTtlSeconds >= least) return [ok(found)];
      const lost = `${found}: a source that is away for longer than half of it needs a new copy`;
      return [problem(lost, `stores.cassandra.logTtlSeconds: ${least}, on every instance`)];
    },
  },
];
