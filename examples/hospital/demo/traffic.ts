import { setTimeout as sleep } from 'node:timers/promises';
import type {
  KnownRecord,
  PharmacyEvent,
  PharmacyOptions,
  PharmacyProgress,
  PharmacyRequest,
  PharmacyResult,
} from '../pharmacy/messages.ts';
import { type Child, startChild } from './child.ts';

/** The example service's process, as the demo sees it. */
export interface Traffic {
  /** From now on everything counts for this stage. */
  beginStage(stage: string): Promise<void>;
  /** Where it is, at most 100 ms old. */
  readonly progress: PharmacyProgress;
  /** Waits for so many acknowledged writes in this stage. Throws when they do not come. */
  untilWrites(writes: number, show: (progress: PharmacyProgress) => void): Promise<void>;
  stop(): Promise<PharmacyResult>;
  kill(): Promise<void>;
}

const PROGRAM = new URL('../pharmacy/pharmacy-process.ts', import.meta.url);
const LOOK_MS = 50;
/** A stage of five thousand writes takes ten seconds, more on a busy machine. */
const STAGE_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 30_000;

/** Starts the example service and its traffic. */
export async function startTraffic(
  options: PharmacyOptions,
  records: readonly KnownRecord[],
  logFile: string,
  signal: AbortSignal,
): Promise<Traffic> {
  const child = startChild({ program: PROGRAM, args: [], logFile, makesLoad: true });
  const events = new PharmacyEvents(child);
  const send = (request: PharmacyRequest): void => {
    child.process.send(request);
  };
  await events.until('ready', STOP_WITHIN_MS);
  send({ type: 'start', options, records });
  return {
    beginStage: async (stage) => {
      const begun = events.until('stage-begun', STOP_WITHIN_MS);
      send({ type: 'stage', stage });
      await begun;
    },
    get progress() {
      return events.progress;
    },
    untilWrites: async (writes, show) => {
      const untilMs = performance.now() + STAGE_WITHIN_MS;
      const { stage } = events;
      while (events.progress.stage !== stage || events.progress.stageWrites < writes) {
        signal.throwIfAborted();
        if (events.ended) throw new Error(`the example service ended; the end of its log:\n${await child.logTail()}`);
        if (performance.now() > untilMs) throw new Error(`the writes of the stage ${stage} do not come`);
        await sleep(LOOK_MS, undefined, { signal });
        show(events.progress);
      }
    },
    stop: async () => {
      const result = events.until('result', STOP_WITHIN_MS);
      send({ type: 'stop' });
      return (await result).result;
    },
    kill: () => child.kill(),
  };
}

/** What the process tells, kept until somebody asks for it. */
class PharmacyEvents {
  progress: PharmacyProgress = { stage: '', stageWrites: 0, writes: 0, reads: 0, lastTargetReadMs: 0, problems: {} };
  stage = '';
  ended = false;
  readonly #child: Child;

  constructor(child: Child) {
    this.#child = child;
    void child.exited.then(() => {
      this.ended = true;
    });
    child.process.on('message', (event: PharmacyEvent) => {
      if (event.type === 'progress') this.progress = event.progress;
      if (event.type === 'stage-begun') this.stage = event.stage;
    });
  }

  /** The next event of a type. */
  until<Type extends PharmacyEvent['type']>(
    type: Type,
    withinMs: number,
  ): Promise<Extract<PharmacyEvent, { type: Type }>> {
    const { process: pharmacy, exited } = this.#child;
    return new Promise((resolve, reject) => {
      const listen = (event: PharmacyEvent): void => {
        if (event.type !== type) return;
        end();
        resolve(event as Extract<PharmacyEvent, { type: Type }>);
      };
      const fail = (why: string): void => {
        end();
        this.#child
          .logTail()
          .then((tail) => reject(new Error(`the example service ${why}; the end of its log:\n${tail}`)), reject);
      };
      const timer = setTimeout(() => fail('does not answer'), withinMs);
      const end = (): void => {
        clearTimeout(timer);
        pharmacy.off('message', listen);
      };
      pharmacy.on('message', listen);
      void exited.then(() => fail('ended'));
    });
  }
}
