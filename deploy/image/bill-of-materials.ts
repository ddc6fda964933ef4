/**
 * Writes the image's bill of materials (CycloneDX, JSON): the packages that the service needs at run time, and those of
 * `bundled.json`, which are in the dashboard's files. Runs in the build of the image, where only npm and node are there.
 * The same lock file gives the same text: what `npm sbom` makes up anew each time is left out.
 *
 *   node deploy/image/bill-of-materials.ts FILE
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

interface Component {
  name: string;
  readonly 'bom-ref': string;
  scope?: string;
}

interface Bill {
  serialNumber?: string;
  readonly metadata: { timestamp?: string; readonly component: Component };
  components: Component[];
  dependencies: { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface LockedPackage {
  readonly version: string;
  /** Whether only development needs it. */
  readonly dev?: true;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const NPM = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('say where the bill of materials is to be written');
const bundled: string[] = JSON.parse(readFileSync(new URL('./bundled.json', import.meta.url), 'utf8'));
const shipped = shippedPackages(bundled);
const bill: Bill = JSON.parse(execFileSync('npm', NPM, { encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES }));
bill.components = bill.components.filter((component) => shipped.has(component['bom-ref']));
for (const component of bill.components) component.scope = 'required';
const refs = new Set([...shipped, bill.metadata.component['bom-ref']]);
bill.dependencies = bill.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((on) => refs.has(on)) }));
delete bill.serialNumber;
delete bill.metadata.timestamp;
// Otherwise it is the name of the folder.
bill.metadata.component.name = JSON.parse(readFileSync('package.json', 'utf8')).name;
writeFileSync(file, `${JSON.stringify(bill, undefined, 2)}\n`);

/**
 * What `npm ci --omit=dev` installs, and what is bundled, as `name@version`. Not by `npm sbom --omit=dev`: that leaves
 * out whatever development needs too, such as @grpc/grpc-js (seen with npm 11.19).
 */
function shippedPackages(bundled: readonly string[]): Set<string> {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const shipped = new Set<string>();
  const missing = new Set(bundled);
  for (const [path, { version, dev }] of Object.entries<LockedPackage>(packages)) {
    const [, name] = /(?:^|.*\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    if (name === undefined) continue;
    if (dev !== true || bundled.includes(name)) shipped.add(`${name}@${version}`);
    missing.delete(name);
  }
  if (missing.size > 0) throw new Error(`bundled.json names what package-lock.json lacks: ${[...missing].join(', ')}`);
  return shipped;
}
