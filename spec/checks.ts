/** What `run.ts` checks: every model as it is, and every mutation with the promise that it breaks. */

/** One model, whole or with one rule left out. */
export interface Check {
  /** The model, and the rule that is left out; what `--only` takes. */
  readonly name: string;
  /** The model's file and module. */
  readonly model: Model;
  /** The rule that is left out, as the model knows it; empty for the protocol as it is. */
  readonly without: string;
  /** In words, for the output. */
  readonly says: string;
  /** Sound models hold all of these; a mutation breaks the one it names. */
  readonly invariants: readonly Promised[];
  /** The model's action that makes a step: all of it, or the part where the rule is at work. */
  readonly step: string;
  /** Runs tried for each seed. */
  readonly samples: number;
  /** Steps of one run. */
  readonly steps: number;
}

export type Model = 'mysqlEpoch' | 'cassandraEpoch' | 'lease' | 'handover' | 'unique';
/** `U`: no two records have one value of a unique index. */
export type Promised = 'P1' | 'P2' | 'P3' | 'P6' | 'U';

/** Long enough for the longest trace known, with room for what happens beside it. */
const STEPS = 40;

/** A mutation is tried with these, one after the other, until it is found. */
export const MUTATION_SEEDS: readonly number[] = [1, 2, 3];

/** A sound model is run with this seed and with one of its own each time. */
export const SOUND_SEED = 1;

function sound(model: Model, samples: number, invariants: readonly Promised[], step = 'step'): Check {
  const name = step === 'step' ? model : `${model}/${step}`;
  return { name, model, without: '', says: 'the protocol as it is', invariants, step, samples, steps: STEPS };
}

interface Mutation {
  readonly without: string;
  readonly breaks: Promised;
  readonly says: string;
  readonly samples?: number;
  readonly step?: string;
}

/** Most runs a seed for a mutation; those that need fewer stop at the first violation. */
const MUTATION_SAMPLES = 2_000;

function mutations(model: Model, list: readonly Mutation[]): readonly Check[] {
  return list.map(({ without, breaks, says, samples = MUTATION_SAMPLES, step = 'step' }) => {
    return { name: `${model}/${without}`, model, without, says, invariants: [breaks], step, samples, steps: STEPS };
  });
}

const SOUND: readonly Check[] = [
  sound('mysqlEpoch', 500, ['P1', 'P2', 'P3', 'P6']),
  sound('cassandraEpoch', 400, ['P1', 'P2', 'P3', 'P6']),
  sound('cassandraEpoch', 300, ['P1', 'P2', 'P3', 'P6'], 'stepOfLog'),
  sound('lease', 1_500, ['P2']),
  sound('handover', 400, ['P1', 'P2', 'P3', 'P6']),
  sound('handover', 300, ['P1', 'P2', 'P3', 'P6'], 'stepOfMoves'),
  sound('unique', 3_000, ['U']),
];

const MYSQL = mutations('mysqlEpoch', [
  { without: 'waitInLeaving', breaks: 'P2', says: 'a write is acknowledged in `leaving`' },
  { without: 'leaseOfLeaving', breaks: 'P2', says: 'no wait of one lease before `leaving` becomes `syncing`' },
  { without: 'bump', breaks: 'P2', says: 'a write that changes nothing does not bump the side table' },
  { without: 'sharedLock', breaks: 'P2', says: 'the control record is read without the shared lock' },
  { without: 'touchOfRepair', breaks: 'P2', says: 'repair writes over the follower without a touch' },
  { without: 'lockingRead', breaks: 'P3', says: 'a touch reads an old snapshot' },
  { without: 'raisedFloor', breaks: 'P3', says: 'an attach does not raise the floor' },
  { without: 'barrier', breaks: 'P2', says: '`joining` does not wait for its barrier' },
  { without: 'leavingFromHandingOver', breaks: 'P2', says: '`leaving` can not be reached from `handing_over`' },
]);

const CASSANDRA = mutations('cassandraEpoch', [
  { without: 'fence', breaks: 'P3', says: 'a takeover does not fence', step: 'stepOfLog' },
  { without: 'marker', breaks: 'P2', says: 'a delete is a real DELETE, no marker row', step: 'stepOfLog' },
  { without: 'closeUnbroken', breaks: 'P3', says: 'an entry is closed under a broken lease', step: 'stepOfLog' },
  {
    without: 'unbrokenIncarnation',
    breaks: 'P3',
    says: 'a write goes on in a later incarnation than its append',
    step: 'stepOfLog',
  },
  { without: 'entryKeptOpen', breaks: 'P3', says: 'an unknown outcome counts as done, its entry is closed' },
  { without: 'waitInLeaving', breaks: 'P2', says: 'a write is acknowledged in `leaving`' },
  { without: 'leaseOfLeaving', breaks: 'P2', says: 'no wait of one lease before `leaving` becomes `syncing`' },
  { without: 'awaitedEntries', breaks: 'P2', says: '`joining` does not wait for the open entries' },
]);

const LEASE = mutations('lease', [
  { without: 'refusedHeartbeat', breaks: 'P2', says: 'a lease counts although its heartbeat was refused' },
  { without: 'oldLeaseDropped', breaks: 'P2', says: 'the old lease is used until the new one counts' },
  { without: 'lateAnswers', breaks: 'P2', says: 'an answer older than what is known is taken', samples: 4_000 },
  { without: 'leaseFromPoll', breaks: 'P2', says: 'a lease counts from the answer, not from before the poll' },
  { without: 'deadWhenDeclared', breaks: 'P2', says: 'an old heartbeat row counts as dead undeclared', samples: 4_000 },
  { without: 'rowBeforePoll', breaks: 'P2', says: 'the first poll is sent before the row is written' },
]);

const HANDOVER = mutations('handover', [
  { without: 'oneRegister', breaks: 'P1', says: 'the decision is written to two registers', step: 'stepOfMoves' },
  { without: 'attemptCompared', breaks: 'P1', says: 'the decision does not compare the attempt', step: 'stepOfMoves' },
  { without: 'attemptUnique', breaks: 'P1', says: 'attempts are numbered anew in each record', step: 'stepOfMoves' },
  { without: 'lowerEpoch', breaks: 'P2', says: 'a record is installed over its own epoch' },
  {
    without: 'leaseOfHandingOver',
    breaks: 'P1',
    says: 'no wait of one lease in `handing_over` from Cassandra',
    step: 'stepOfMoves',
  },
  { without: 'leavingFromHandingOver', breaks: 'P2', says: '`leaving` can not be reached from `handing_over`' },
  { without: 'clockWait', breaks: 'P1', says: "no wait for Cassandra's clock", step: 'stepOfMoves' },
  {
    without: 'floorOfHandover',
    breaks: 'P2',
    says: 'the floor does not rise on the way to MySQL',
    step: 'stepOfMoves',
  },
  {
    without: 'comparedOnAuthority',
    breaks: 'P6',
    says: "a caller's version is not compared on authority reads",
    step: 'stepOfMoves',
  },
]);

const UNIQUE = mutations('unique', [
  { without: 'fence', breaks: 'U', says: 'another holder is looked at, and not fenced' },
  { without: 'newAttempt', breaks: 'U', says: 'a holder that begins again keeps its reservation', samples: 4_000 },
  { without: 'asked', breaks: 'U', says: 'the records that have the value are not asked' },
  { without: 'attemptCompared', breaks: 'U', says: 'a reservation is taken whatever its attempt' },
]);

/** All of them, in the order of a default run. */
export const CHECKS: readonly Check[] = [...SOUND, ...MYSQL, ...CASSANDRA, ...LEASE, ...HANDOVER, ...UNIQUE];
