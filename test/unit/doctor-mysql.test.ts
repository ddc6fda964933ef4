import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/app/config.ts';
import type { Answer } from '../../src/app/doctor/check.ts';
import { mysqlSettingChecks } from '../../src/app/doctor/mysql-settings.ts';
import { openSite } from '../../src/app/doctor/site.ts';
import { testCall } from '../support/calls.ts';

const DAY = 86_400;

/** What a check says of a server that has these variables, and whose binary log is read. */
async function answer(id: string, variables: Readonly<Record<string, string>>): Promise<readonly Answer[]> {
  const config = parseConfig(
    JSON.stringify({
      descriptors: 'none.binpb',
      resources: [{ type: 'hospital.v1.Medication' }],
      stores: { mysql: { host: 'db', user: 'crossfade' } },
    }),
    'test.yaml',
    {},
  );
  const opened = await openSite(config, { outageSeconds: DAY, scanLimitMs: 1_000 }, new AbortController().signal);
  const site = {
    ...opened,
    captures: async () => true,
    otherVariables: async () => new Map(Object.entries(variables)),
  };
  return (await mysqlSettingChecks.find((check) => check.id === id)?.run(site, testCall())) ?? [];
}

describe('how long a server keeps its binary log', () => {
  it.each([
    ['ok', { binlog_expire_logs_seconds: '2592000', expire_logs_days: '0' }],
    ['ok', { binlog_expire_logs_seconds: '0', expire_logs_days: '0' }],
    ['ok', { binlog_expire_logs_seconds: '60', binlog_expire_logs_auto_purge: 'OFF' }],
    ['ok', { expire_logs_days: '1' }],
    ['ok', { binlog_expire_logs_seconds: '0', expire_logs_days: '2.5' }],
    ['problem', { binlog_expire_logs_seconds: '3600', expire_logs_days: '10' }],
    ['problem', { binlog_expire_logs_seconds: '0', expire_logs_days: '0.5' }],
  ])('is %s with %o for an outage of a day', async (outcome, variables) => {
    expect(await answer('mysql.binlog_retention', variables)).toMatchObject([{ outcome }]);
  });
});

describe('the version of a server', () => {
  it.each([
    ['ok', '8.0.15'],
    ['ok', '8.4.3-commercial'],
    ['ok', '9.1.0'],
    ['ok', '10.6.20-MariaDB-log'],
    ['ok', '11.4.2-MariaDB'],
    ['problem', '5.7.44-log'],
    ['problem', '10.5.9-MariaDB'],
  ])('is %s for %s', async (outcome, version) => {
    expect(await answer('mysql.version', { version })).toMatchObject([{ outcome }]);
  });
});

describe('what others do by default', () => {
  it('is let be where it does not matter', async () => {
    expect(await answer('mysql.transaction_isolation', { tx_isolation: 'READ-COMMITTED' })).toMatchObject([
      { outcome: 'ok' },
    ]);
    expect(await answer('mysql.time_zone', { time_zone: 'SYSTEM', system_time_zone: 'UTC' })).toMatchObject([
      { outcome: 'ok', found: expect.stringContaining('SYSTEM (UTC)') },
    ]);
    expect(await answer('mysql.explicit_defaults_for_timestamp', {})).toMatchObject([{ outcome: 'ok' }]);
  });

  it('is warned of where it does', async () => {
    expect(await answer('mysql.transaction_isolation', { transaction_isolation: 'SERIALIZABLE' })).toMatchObject([
      { outcome: 'warning' },
    ]);
    expect(await answer('mysql.max_allowed_packet', { max_allowed_packet: '1048576' })).toMatchObject([
      { outcome: 'warning', cure: expect.stringContaining('SET PERSIST max_allowed_packet = 4194304') },
    ]);
  });

  it('is cured on MariaDB by statements that it has', async () => {
    const version = '10.11.5-MariaDB';
    for (const [id, variables, cure] of [
      ['mysql.max_allowed_packet', { max_allowed_packet: '1024' }, 'SET GLOBAL max_allowed_packet = 4194304, and'],
      ['mysql.transaction_isolation', { tx_isolation: 'SERIALIZABLE' }, "SET GLOBAL tx_isolation = 'REPEATABLE-READ'"],
      ['mysql.binlog_retention', { binlog_expire_logs_seconds: '9' }, 'SET GLOBAL binlog_expire_logs_seconds = 86400'],
    ] as const) {
      expect(await answer(id, { version, ...variables })).toMatchObject([{ cure: expect.stringContaining(cure) }]);
    }
  });
});
