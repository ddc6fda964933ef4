import type { DemoReport } from './report.ts';

/** Rules of the protocol that the demo can break on purpose. */
export type SabotageName =
  | 'write-through-dropped'
  | 'capture-skips-events'
  | 'lease-ignored'
  | 'deletes-not-carried'
  | 'acknowledge-early'
  | 'no-fallback'
  | 'no-demotion'
  | 'late-flags'
  | 'source-not-followed'
  | 'outside-unnoticed'
  | 'writers-refused';

/** One broken rule. */
export interface Sabotage {
  readonly breaks: string;
  /** The numbers of the report that must turn red, every one of them. */
  readonly turnsRed: readonly (keyof DemoReport)[];
}

/** All of them; README.md has the same as a table. */
export const sabotages: Readonly<Record<SabotageName, Sabotage>> = {
  'write-through-dropped': {
    breaks: 'a write is acknowledged as if Cassandra had it, and it has not',
    turnsRed: ['staleReads', 'lostWrites', 'mismatches'],
  },
  'capture-skips-events': {
    breaks: 'every seventh change in the binary log is passed over',
    turnsRed: ['lostWrites', 'mismatches'],
  },
  'lease-ignored': {
    breaks: 'an instance that once saw in_sync goes on reading Cassandra while it is out',
    turnsRed: ['staleReads'],
  },
  'deletes-not-carried': {
    breaks: 'deletions do not reach Cassandra',
    turnsRed: ['staleReads', 'lostWrites', 'mismatches'],
  },
  'acknowledge-early': {
    breaks: 'one update in fifty is acknowledged without having been written to MySQL',
    turnsRed: ['lostWrites'],
  },
  'no-fallback': {
    breaks: 'a read that Cassandra fails is not repeated on MySQL',
    turnsRed: ['failedReads'],
  },
  'no-demotion': {
    breaks: 'a follower that misses writes is not taken out',
    turnsRed: ['failedWrites'],
  },
  'late-flags': {
    breaks: 'reads go on at Cassandra for three seconds after the flag was set back',
    turnsRed: ['rollbackMs'],
  },
  'source-not-followed': {
    breaks: 'while Cassandra is the authority, a write is acknowledged as if MySQL had it, and it has not',
    turnsRed: ['lostWrites', 'mismatches'],
  },
  'outside-unnoticed': {
    breaks: 'while Cassandra is the authority, changes in the binary log are passed over',
    turnsRed: ['outsideDetected', 'mismatches'],
  },
  'writers-refused': {
    breaks: 'writers fail while authority moves, instead of waiting',
    turnsRed: ['failedWrites'],
  },
};

/** Whether it is the name of one. */
export function isSabotage(name: string): name is SabotageName {
  return Object.hasOwn(sabotages, name);
}
