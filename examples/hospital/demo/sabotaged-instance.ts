/** An instance of the service in which one rule of the protocol is broken on purpose; see sabotages.ts. */
import { parseArgs } from 'node:util';
import { loadConfig } from '../../../src/app/config.ts';
import { startService } from '../../../src/app/service.ts';
import { breakRule } from './break-rule.ts';
import { isSabotage } from './sabotages.ts';

const { values } = parseArgs({ options: { config: { type: 'string' }, sabotage: { type: 'string' } } });
const { config: path, sabotage } = values;
if (path === undefined || sabotage === undefined || !isSabotage(sabotage)) throw new TypeError('--config, --sabotage');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
const config = await loadConfig(path);
const service = await startService(config, stop.signal, {
  rewire: (parts) => (parts.resource.id === 'medications' ? breakRule(sabotage, parts) : parts),
});
await service.ended;
