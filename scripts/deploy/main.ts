/** `npm run check:deploy`: everything that is deployed, by the tools that understand it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, runCommand } from '../../stack/command.ts';
import { checkImage } from './check-image.ts';
import { checkServing } from './check-serving.ts';
import type { ComposeProject } from './compose.ts';
import { composeRules } from './compose-rules.ts';
import type { Dockerfile } from './dockerfile.ts';
import { kubernetesRules } from './kubernetes-rules.ts';
import { createReport, type Report } from './report.ts';
import { compose, dockerfile, hadolint, kubernetes, kubeScore } from './tools.ts';

const HELP = `npm run check:deploy -- [--only PARTS] [--keep]

Checks the Dockerfile, compose.yaml and the Kubernetes manifests by the tools that understand them, takes every step of
the Dockerfile in a clean folder, and lets what comes of it serve from real stores as compose.yaml sets them.

  --only PARTS   of files, image, serving, with commas. Default: all; serving needs image
  --keep         leave the folder of the image

Needs Linux with util-linux, root or user namespaces, Go 1.26.8, Python 3 with pip, and what the tests need.

Examples:
  npm run check:deploy
  npm run check:deploy -- --only files`;

const PARTS = ['files', 'image', 'serving'];
/** Each with why it is not asked for. */
const KUBE_SCORE_IGNORED = [
  // Tags are fixed, and a registry that is away must not keep a pod from starting again.
  'container-image-pull-policy',
  // A limit of processors would pause a lease's round: requests alone share them out. Memory is checked by kubernetes-rules.ts.
  'container-resources',
];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

// So that what was started ends too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
if (values.help) console.log(HELP);
else process.exitCode = await main(values.only?.split(',') ?? PARTS);

async function main(parts: readonly string[]): Promise<number> {
  const strange = parts.filter((part) => !PARTS.includes(part));
  if (strange.length > 0) throw new Error(`--only: no part is called ${strange.join(', ')} (${PARTS.join(', ')})`);
  const report = createReport();
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-image-'));
  try {
    const read = await dockerfile(ROOT);
    const project = await readProject(folder);
    if (parts.includes('files')) {
      await checkDockerfile(read, report);
      await checkCompose(project, report);
      await checkKubernetes(read, folder, report);
    }
    if (parts.includes('image') || parts.includes('serving')) {
      report.section('The image, each step taken in a clean folder');
      const root = await checkImage(read, folder, report);
      if (parts.includes('serving')) {
        report.section('The image, serving from real stores');
        await checkServing({ root, image: read.image, folder }, project, report);
      }
    }
  } finally {
    if (values.keep) console.log(`\nkept: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
  console.log(`\n${report.counts.passed} held, ${report.counts.failed} did not`);
  return report.counts.failed === 0 ? 0 : 1;
}

async function checkDockerfile({ stages, warnings }: Dockerfile, report: Report): Promise<void> {
  report.section('Dockerfile');
  report.check("BuildKit's own checks", warnings);
  report.check('hadolint', await hadolint(join(ROOT, 'Dockerfile')));
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const base = `node:${devDependencies.node}-bookworm-slim`;
  const others = stages.map((stage) => stage.base).filter((each) => each !== base);
  report.check(`every stage is made of ${base}, whose Node is the tests'`, others);
  const licences = await runCommand(process.execPath, ['scripts/licences.ts', '--check']).then(
    () => [],
    (error: Error) => [error.message],
  );
  report.check('the licences are those of what is shipped, and all known', licences);
}

/** compose.yaml with made-up secrets, named as in the example of them. */
async function readProject(folder: string): Promise<ComposeProject> {
  const example = await readFile(join(ROOT, 'deploy/compose/example.env'), 'utf8');
  const file = join(folder, 'check.env');
  await writeFile(file, example.replaceAll(/^(\w+)=$/gm, '$1=a-secret-of-the-check'));
  return (await compose(join(ROOT, 'compose.yaml'), file)) as ComposeProject;
}

async function checkCompose(project: ComposeProject, report: Report): Promise<void> {
  report.section('compose.yaml');
  report.check(`compose-go reads it by its schema: ${Object.keys(project.services).length} services`, []);
  for (const [claim, complaints] of await composeRules(project)) report.check(claim, complaints);
}

async function checkKubernetes(read: Dockerfile, folder: string, report: Report): Promise<void> {
  for (const name of ['example', 'monitoring']) {
    const manifests = await kubernetes(join(ROOT, 'deploy/kubernetes', name));
    report.section(`deploy/kubernetes/${name}`);
    const { length } = manifests.objects;
    if (name === 'monitoring') {
      report.check(`the operator's types take its ${length} object`, manifests.findings);
      continue;
    }
    report.check(
      `an API server takes its ${length} objects, and a namespace of the level restricted its pods`,
      manifests.findings,
    );
    const file = join(folder, `${name}.yaml`);
    await writeFile(file, manifests.text);
    report.check('kube-score', await kubeScore(file, KUBE_SCORE_IGNORED));
    for (const [claim, complaints] of await kubernetesRules(manifests, read.image)) report.check(claim, complaints);
  }
}
