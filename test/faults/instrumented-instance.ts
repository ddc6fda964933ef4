/**
 * An instance of the service that can be told to die, or to stand still, exactly when it has taken a named step of a handover:
 * between the store's answer to the step and everything that the service would do next.
 */
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/app/config.ts';
import { startService } from '../../src/app/service.ts';
import type { Registers } from '../../src/migration/registers.ts';
import type { ResourceMigrationOptions } from '../../src/migration/resource-migration.ts';
import type { ControlRecord, ControlStore, StoreName } from '../../src/stores/control-store.ts';
import { type ArmRequest, type HandoverStep, stepOf } from './handover-steps.ts';

const { values } = parseArgs({ options: { config: { type: 'string' } } });
if (values.config === undefined) throw new TypeError('--config');

let armed: ArmRequest | undefined;
process.on('message', (request: ArmRequest) => {
  armed = request.step === null ? undefined : request;
});

function strike(step: HandoverStep): void {
  if (armed?.step !== step) return;
  const { signal } = armed;
  armed = undefined;
  // No word to anybody: it would be lost, or hold the strike up. Whoever has armed this process sees its state.
  process.kill(process.pid, signal);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
const config = await loadConfig(values.config);
const service = await startService(config, stop.signal, {
  rewire: (parts) => (parts.resource.id === 'medications' ? watched(parts) : parts),
});
await service.ended;

function watched(parts: ResourceMigrationOptions): ResourceMigrationOptions {
  const { registers } = parts;
  const compareAndSet: Registers['compareAndSet'] = async (next, why, call) => {
    const done = await registers.compareAndSet(next, why, call);
    notice(next, done);
    return done;
  };
  const named = (store: StoreName): ControlStore => watchedStore(registers.named(store));
  return { ...parts, registers: overriding(registers, { compareAndSet, named }) };
}

/** Where a new epoch's record is installed. */
function watchedStore(store: ControlStore): ControlStore {
  return {
    ...store,
    compareAndSet: async (next, why, call) => {
      const done = await store.compareAndSet(next, why, call);
      notice(next, done);
      return done;
    },
  };
}

function notice(next: ControlRecord, done: boolean): void {
  const step = stepOf(next);
  if (done && step !== null) strike(step);
}

function overriding(registers: Registers, methods: Pick<Registers, 'compareAndSet' | 'named'>): Registers {
  return new Proxy(registers, {
    get: (target, property) => {
      if (property === 'compareAndSet' || property === 'named') return methods[property];
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
