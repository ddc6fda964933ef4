import type { Clock } from '../domain/clock.ts';
import type { RecentMeasures } from '../telemetry/recent-measures.ts';
import { SAMPLE_SECONDS } from './dashboard-subject.ts';

/** Ends a step of all measures every few seconds, whether somebody watches or not, until the signal aborts. */
export async function sampleMeasures(all: readonly RecentMeasures[], clock: Clock, signal: AbortSignal): Promise<void> {
  let beganMs = clock.monotonicMs();
  while (!signal.aborted) {
    await clock.sleep(SAMPLE_SECONDS * 1_000, signal).catch(() => {});
    if (signal.aborted) return;
    const nowMs = clock.monotonicMs();
    const endMicros = clock.wallMicros();
    for (const measures of all) measures.step(endMicros, (nowMs - beganMs) / 1_000);
    beganMs = nowMs;
  }
}
