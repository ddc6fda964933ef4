/** grpcurl, as the documents say to install it, but at a version that is known to work. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../stack/artifacts.ts';

const VERSION = 'v1.9.3';
const BUILD_MS = 10 * 60_000;

/** The folder with the program, built with Go where the cache lacks it. Throws, with the cure, without Go. */
export async function installGrpcurl(): Promise<string> {
  const folder = join(cacheFolder(), `grpcurl-${VERSION}`);
  if (existsSync(join(folder, 'grpcurl'))) return folder;
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' };
  await promisify(execFile)('go', ['install', `github.com/fullstorydev/grpcurl/cmd/grpcurl@${VERSION}`], {
    env,
    timeout: BUILD_MS,
  }).catch((cause: unknown) => {
    throw new Error(
      'grpcurl can not be built: install Go (https://go.dev/dl), and see that it reaches its module proxy',
      {
        cause,
      },
    );
  });
  return folder;
}
