import { expect, inject, it } from 'vitest';
import { type Bed, makeBed } from './bed.ts';
import { diceOf } from './dice.ts';
import { kinds } from './kinds.ts';
import { randomSeed } from './options.ts';
import { reportText } from './report-text.ts';
import { runFuzz } from './run-fuzz.ts';

/** Enough for each kind some times; `npm run fuzz` has many more, and both stores. */
const COUNT = 4_000;
const LANES = 16;
/** So soon after its start a program still comes to its size: the long run holds it to a fifth. */
const GROWTH = 1;
const WARM_UP = 0.4;
const SETTLE_MS = 3_000;
const TIMEOUT_MS = 240_000;

it(
  'a running instance withstands some thousand bad inputs',
  async () => {
    const seed = randomSeed();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const bed = await makeBed({ mysql: inject('mysql'), say: () => {} });
    try {
      const bounds = { lanes: LANES, growth: GROWTH, warmUp: WARM_UP, settleMs: SETTLE_MS };
      const options = { seed, kinds, count: COUNT, from: 0, ...bounds, signal };
      const report = await runFuzz(bed, { ...options, say: () => {} });
      console.log(reportText(report));
      expect(report.breaches, `seed ${seed}`).toEqual([]);
      expect([report.inputs, report.crashes, report.hangs, report.breachCount]).toEqual([COUNT, 0, 0, 0]);
    } finally {
      await bed.close();
    }
  },
  TIMEOUT_MS,
);

it('an input is the same for its seed, kind and index', async () => {
  const draw = (seed: number) => {
    const dice = diceOf(seed, 'grpc-bent', 17);
    return [dice.int(1_000), dice.uniform(), dice.bytes(8).toString('hex')];
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
});

it('a breach is found: an instance that is gone, and an ending that was not expected', async () => {
  const kind = {
    name: 'x',
    about: '',
    share: 1,
    make: () => ({ what: 'an input', endings: ['OK'], send: async () => ({ ending: 'INTERNAL', text: '' }) }),
  };
  const options = {
    seed: 1,
    kinds: [kind],
    count: 2,
    from: 0,
    lanes: 1,
    growth: 1,
    warmUp: 1,
    settleMs: 1,
    say: () => {},
  };
  const ended = await runFuzz(bedOfNothing('it ended with 1'), { ...options, signal: new AbortController().signal });
  expect([ended.crashes, ended.inputs]).toEqual([1, 0]);
  const log = '{"level":"error","message":"a request met a fault"}\nUncaught: zqcanaryqz\n';
  const alive = await runFuzz(bedOfNothing(undefined, log), { ...options, signal: new AbortController().signal });
  expect(alive.breaches.map(({ kind: of }) => of)).toEqual(['x', 'x', 'probe', 'log', 'log']);
});

function bedOfNothing(ended: string | undefined, log = ''): Bed {
  const wire = { send: async () => ({ ending: 'closed', text: '' }), close: () => {} };
  return {
    program: {
      grpcPort: 0,
      httpPort: 0,
      residentMib: async () => 1,
      ended: () => ended,
      log: async () => log,
      spans: { posted: 0, withCanary: 0 },
      stop: async () => {},
    },
    wires: {
      grpc: wire,
      http: { ...wire, page: async () => '' },
      sockets: { ...wire, held: () => 0 },
      grpcPort: 0,
      httpPort: 0,
    },
    material: {
      surface: { methods: [], withField: () => [] },
      world: { names: new Map(), parents: new Map(), tokens: [] },
    },
    close: async () => {},
  };
}
