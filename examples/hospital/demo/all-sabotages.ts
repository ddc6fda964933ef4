/** `npm run demo:sabotage`: breaks each rule in a run of its own, and checks that the numbers turn red that should. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DemoReport, quickAims } from './report.ts';
import { isSabotage, type SabotageName, sabotages } from './sabotages.ts';

const DEMO = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Runs the demo with one rule broken. Null: it wrote no report. */
async function runSabotaged(name: SabotageName, folder: string): Promise<DemoReport | null> {
  const file = join(folder, `${name}.json`);
  const child = spawn(process.execPath, [DEMO, '--quick', '--sabotage', name, '--report', file], { stdio: 'inherit' });
  const stop = (): void => void child.kill('SIGINT');
  process.on('SIGINT', stop).on('SIGTERM', stop);
  await new Promise((resolve) => child.once('exit', resolve));
  process.off('SIGINT', stop).off('SIGTERM', stop);
  return readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as DemoReport,
    () => null,
  );
}

/** What should have turned red and has not. */
function stillGreen(name: SabotageName, report: DemoReport): string[] {
  return sabotages[name].turnsRed.filter((field) => {
    const value = report[field] ?? 0;
    // What should have happened and has not.
    const found = typeof value === 'boolean' ? Number(!value) : Number(value);
    return field === 'rollbackMs' ? found < quickAims.rollbackMs : found === 0;
  });
}

const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked.filter(isSabotage) : Object.keys(sabotages).filter(isSabotage);
const folder = await mkdtemp(join(tmpdir(), 'crossfade-sabotage-'));
const lines: string[] = [];
try {
  for (const name of names) {
    const report = await runSabotaged(name, folder);
    const green = report === null ? ['no report'] : stillGreen(name, report);
    const red = sabotages[name].turnsRed.map((field) => `${field} ${report?.[field]}`).join(', ');
    if (green.length > 0 || report?.ok) process.exitCode = 1;
    lines.push(
      `${green.length === 0 && !report?.ok ? 'red, as it should' : `NOT red: ${green.join(', ')}`}  ${name}: ${red}`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(lines.join('\n'));
