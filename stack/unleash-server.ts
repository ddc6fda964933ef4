/** The child process that runs Unleash: its settings come as JSON in CROSSFADE_UNLEASH. */
import { start } from 'unleash-server';
import type { UnleashSettings } from './unleash.ts';

const settings = JSON.parse(process.env.CROSSFADE_UNLEASH ?? '{}') as UnleashSettings;

await start({
  server: { host: '127.0.0.1', port: settings.port, gracefulShutdownEnable: false },
  db: {
    host: '127.0.0.1',
    port: settings.databasePort,
    user: settings.databaseUser,
    password: settings.databasePassword,
    database: 'postgres',
    ssl: false,
  },
  authentication: {
    createAdminUser: true,
    initialAdminUser: { username: settings.user, password: settings.password },
  },
  versionCheck: { enable: false },
  telemetry: false,
});
process.once('SIGTERM', () => process.exit(0));
