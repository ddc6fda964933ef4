import type { Clock } from '../../src/domain/clock.ts';

/**
 * The process of one instance: everything that its code does begins with a timer or an answer, so holding those back stops it
 * (SIGSTOP), and dropping them ends it (SIGKILL). What it has sent arrives all the same.
 */
export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  #isDead = false;
  #stopped: PromiseWithResolvers<void> | null = null;
  /** How far its wall clock is off, in microseconds. */
  offsetMicros: bigint;

  constructor(name: string, clock: Clock, offsetMicros: bigint) {
    this.name = name;
    this.offsetMicros = offsetMicros;
    this.clock = {
      wallMicros: () => clock.wallMicros() + this.offsetMicros,
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms, signal) => clock.sleep(ms, signal).then(() => this.awake()),
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isStopped(): boolean {
    return this.#stopped !== null;
  }

  /** Resolves while the process runs, when it goes on if it is stopped, and never once it is dead. */
  async awake(): Promise<void> {
    while (this.#stopped !== null && !this.#isDead) await this.#stopped.promise;
    if (this.#isDead) await new Promise<never>(() => {});
  }

  stop(): void {
    this.#stopped ??= Promise.withResolvers();
  }

  continue(): void {
    const stopped = this.#stopped;
    this.#stopped = null;
    stopped?.resolve();
  }

  kill(): void {
    this.#isDead = true;
    this.continue();
  }
}

/** A port as the code within the process sees it: answers reach it only while it runs. */
export function within<Port extends object>(process: SimProcess, port: Port): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown => {
        const result: unknown = process.isDead ? process.awake() : member.apply(target, args);
        if (result instanceof Promise) return whenAwake(process, result);
        return isIterable(result) ? eachWhenAwake(process, result) : result;
      };
    },
  });
}

function whenAwake(process: SimProcess, answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    (value) => (process.isDead || process.isStopped ? process.awake().then(() => value) : value),
    async (error) => {
      await process.awake();
      throw error;
    },
  );
}

async function* eachWhenAwake(process: SimProcess, items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const item of items) {
    await process.awake();
    yield item;
  }
  await process.awake();
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
