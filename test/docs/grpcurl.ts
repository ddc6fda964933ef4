/** grpcurl, as the documents say to install it, but at a version that is known to work. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../stack/artifacts.ts';
import { runCommand } from '../../stack/command.ts';

const VERSION = 'v1.9.3';

/** The folder with the program, built with Go where the cache lacks it. Throws, with the cure, without Go. */
export async function installGrpcurl(): Promise<string> {
  const folder = join(cacheFolder(), `grpcurl-${VERSION}`);
  if (existsSync(join(folder, 'grpcurl'))) return folder;
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' };
  await runCommand('go', ['install', `github.com/fullstorydev/grpcurl/cmd/grpcurl@${VERSION}`], { env }).catch(
    (cause: unknown) => {
      throw new Error(
        'grpcurl can not be built: install Go (https://go.dev/dl), and see that it reaches its module proxy',
        {
          cause,
        },
      );
    },
  );
  return folder;
}
