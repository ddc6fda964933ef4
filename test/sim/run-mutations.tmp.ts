import { simulate } from './simulate.ts';
import { mutations } from './mutations.ts';
Error.stackTraceLimit = 3;
const bound = Number(process.argv[2] ?? 300);
for (const mutation of mutations.filter((m) => !process.argv[3] || process.argv.slice(3).includes(m.name))) {
  let found: string | null = null; let n = 0; const t0 = performance.now();
  for (let seed = 1; seed <= bound && found === null; seed++) { n++; found = (await simulate(seed, { mutation })).violation; }
  console.log(found === null ? 'NOT FOUND' : `seed ${n}`.padEnd(9), mutation.name.padEnd(40), `${((performance.now() - t0)/1000).toFixed(1)}s`, found?.split('\n').slice(0,2).join(' ').slice(0, 130) ?? '');
}
