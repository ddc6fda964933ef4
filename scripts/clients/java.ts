/** The Java client: protoc and gRPC's plugin from Maven Central, driven by buf; tested by Maven. */
import { chmod, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, checkTools, fetchArtifact } from '../../stack/artifacts.ts';
import { ROOT, runCommand } from '../../stack/command.ts';
import { Supervisor } from '../../stack/process.ts';
import { buf } from './buf.ts';
import { installOnce } from './language-tools.ts';

/** The versions of clients/java/pom.xml, but for the plugin's last number: any of the same minor version will do. */
const PROTOC = '4.36.2';
const GRPC = '1.83.1';
const PLATFORM = 'linux-x86_64';
const TOOLS = join(cacheFolder(), 'tools/java', `protoc-${PROTOC}-grpc-${GRPC}`);
const FETCH_TIMEOUT_MS = 5 * 60_000;

const CLIENT = 'clients/java';
/** Of the library, and of its tests and example. */
const MAIN = `${CLIENT}/gen/main`;
const EXAMPLE = `${CLIENT}/gen/example`;

export const FOLDERS: readonly string[] = [`${CLIENT}/gen`];

export async function generate(target: string): Promise<void> {
  await installOnce(TOOLS, install);
  const run = (out: string, directory: string, paths: readonly string[]) =>
    buf(['generate', '--template', JSON.stringify(template(out, directory, paths)), '--output', target]);
  await run(MAIN, 'proto', ['proto/crossfade']);
  await run(EXAMPLE, 'examples/hospital/proto', []);
}

/**
 * Managed mode gives packages that the protos, whose file options are part of the published API, do not name: `dev.crossfade.v1alpha1`,
 * `dev.hospital.v1`. What is vendored has its own, as in the jars that the client takes it from.
 */
function template(out: string, directory: string, paths: readonly string[]): object {
  return {
    version: 'v2',
    clean: true,
    managed: {
      enabled: true,
      disable: ['buf', 'google', 'grpc'].map((path) => ({ path })),
      override: [{ file_option: 'java_package_prefix', value: 'dev' }],
    },
    plugins: [
      { protoc_builtin: 'java', protoc_path: join(TOOLS, 'protoc'), out },
      { local: join(TOOLS, 'protoc-gen-grpc-java'), out, opt: '@generated=omit' },
    ],
    inputs: [{ directory, ...(paths.length > 0 && { paths }) }],
  };
}

async function install(): Promise<void> {
  await checkTools({ java: true, maven: true });
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const supervisor = await Supervisor.start();
  try {
    const context = { supervisor, signal, onProgress: () => {} };
    await fetchArtifact(context, `com.google.protobuf:protoc:${PROTOC}:exe:${PLATFORM}`, TOOLS);
    await fetchArtifact(context, `io.grpc:protoc-gen-grpc-java:${GRPC}:exe:${PLATFORM}`, TOOLS);
  } finally {
    await supervisor.close();
  }
  for (const [file, tool] of [
    [`protoc-${PROTOC}-${PLATFORM}.exe`, 'protoc'],
    [`protoc-gen-grpc-java-${GRPC}-${PLATFORM}.exe`, 'protoc-gen-grpc-java'],
  ] as const) {
    await rename(join(TOOLS, file), join(TOOLS, tool));
    await chmod(join(TOOLS, tool), 0o755);
  }
}

/** Maven's Surefire writes a report a class, from which the passed ones are counted. */
export async function test(env: NodeJS.ProcessEnv): Promise<number> {
  const cwd = join(ROOT, CLIENT);
  const reports = join(cwd, 'target/surefire-reports');
  await rm(reports, { recursive: true, force: true });
  await runCommand('mvn', ['--batch-mode', '--quiet', 'verify'], { cwd, env });
  const files = (await readdir(reports)).filter((file) => file.endsWith('.xml'));
  const counts = await Promise.all(files.map(async (file) => passedIn(await readFile(join(reports, file), 'utf8'))));
  const passed = counts.reduce((sum, count) => sum + count, 0);
  if (passed === 0) throw new Error('no test of the Java client ran');
  return passed;
}

function passedIn(report: string): number {
  const count = (name: string): number => Number(new RegExp(` ${name}="(\\d+)"`).exec(report)?.[1] ?? 0);
  return count('tests') - count('skipped') - count('failures') - count('errors');
}
