import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10' }, from: { type: 'string', default: '1' }, trace: { type: 'boolean', default: false } },
});
// Stack traces of errors that are part of the game cost a third of the time.
if (!values.trace) Error.stackTraceLimit = 0;
const t0 = performance.now();
let n = 0;
const total = { writes: 0, acknowledged: 0, reads: 0, failed: 0, handovers: 0, seconds: 0 };
for (let seed = Number(values.from); seed < Number(values.from) + Number(values.seeds); seed++) {
  const s0 = performance.now();
  const outcome = await simulate(seed, values.trace ? { trace: (text) => console.log(text) } : {});
  n++;
  for (const k of Object.keys(total) as (keyof typeof total)[]) total[k] += outcome[k];
  if (outcome.violation) console.log(seed, outcome.violation, `${outcome.seconds}s`);
  if (performance.now() - s0 > 2000) console.log('slow', seed, performance.now() - s0, outcome);
}
console.log(n, 'seeds', ((performance.now() - t0) / n).toFixed(0), 'ms each', total);
