/** What a doctor finds at a MySQL server of its own, which is set up as the docs do not want it. */
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Finding } from '../../src/app/doctor/check.ts';
import type { MysqlAddress } from '../../stack/mysql.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { examine, of } from '../support/doctor.ts';
import { present } from '../support/stack.ts';

const FLAGS = [
  '--server-id=0',
  '--gtid-mode=OFF',
  '--enforce-gtid-consistency=OFF',
  '--binlog-format=STATEMENT',
  '--binlog-row-image=MINIMAL',
  '--binlog-row-metadata=MINIMAL',
  '--binlog-row-value-options=PARTIAL_JSON',
  '--binlog-order-commits=OFF',
  '--binlog-ignore-db=billing',
  '--binlog-expire-logs-seconds=3600',
  '--sync-binlog=0',
  '--innodb-flush-log-at-trx-commit=2',
  '--transaction-isolation=SERIALIZABLE',
  '--default-time-zone=+02:00',
  '--explicit-defaults-for-timestamp=OFF',
  '--max-connections=30',
  '--max-allowed-packet=1M',
];
const START_TIMEOUT_MS = 60_000;

describe('a doctor at a MySQL server that is set up wrongly', () => {
  let stack: Stack;
  let mysql: MysqlAddress;
  let look: () => Promise<readonly Finding[]>;
  let findings: readonly Finding[];

  beforeAll(async () => {
    stack = await startStack({ mysql: { extraFlags: FLAGS }, storage: 'memory' });
    mysql = present(stack.addresses.mysql, 'MySQL');
    const connection = await createConnection({ ...mysql, multipleStatements: true });
    await connection.query(`CREATE DATABASE hospital; CREATE TABLE hospital.medications (
      patient_id INT, medication_id INT, at DATETIME DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (patient_id, medication_id))`);
    await connection.end();
    look = () =>
      examine(
        {
          descriptors: join(import.meta.dirname, '../../examples/hospital/hospital.binpb'),
          resources: [{ type: 'hospital.v1.Medication' }],
          stores: {
            mysql: { host: mysql.host, port: mysql.port, user: mysql.user, passwordEnv: 'PASSWORD' },
            cassandra: inject('cassandra'),
          },
          telemetry: { exporter: 'none' },
        },
        { PASSWORD: mysql.password },
      );
    findings = await look();
  }, START_TIMEOUT_MS);

  afterAll(() => stack?.stop());

  const named = (outcome: Finding['outcome']): readonly string[] =>
    findings.filter((one) => one.check.startsWith('mysql.') && one.outcome === outcome).map(({ check }) => check);

  it('names every setting, by what it takes from the promises', () => {
    expect(named('problem')).toEqual([
      'mysql.binlog_format',
      'mysql.binlog_row_image',
      'mysql.binlog_row_metadata',
      'mysql.gtid_mode',
      'mysql.enforce_gtid_consistency',
      'mysql.server_id',
      'mysql.binlog_row_value_options',
      'mysql.binlog_order_commits',
      'mysql.binlog_filters',
      'mysql.binlog_retention',
      'mysql.max_connections',
    ]);
    expect(named('warning')).toEqual([
      'mysql.innodb_flush_log_at_trx_commit',
      'mysql.sync_binlog',
      'mysql.transaction_isolation',
      'mysql.time_zone',
      'mysql.explicit_defaults_for_timestamp',
      'mysql.max_allowed_packet',
    ]);
    expect(named('not checked')).toEqual([]);
  });

  it('says what it found, and the statement that mends it', () => {
    expect(of(findings, 'mysql.binlog_row_image')).toMatchObject([
      { found: 'MINIMAL, must be FULL', cure: expect.stringContaining("SET GLOBAL binlog_row_image = 'FULL'") },
    ]);
    expect(of(findings, 'mysql.binlog_filters')[0]?.found).toBe('binlog_ignore_db is billing');
    expect(of(findings, 'mysql.time_zone')[0]?.found).toContain('hospital.medications.at');
    for (const { outcome, cure } of findings) if (outcome === 'problem') expect(cure).not.toBe('');
  });

  it('has cures that mend what can be mended while the server runs', async () => {
    const connection = await createConnection(mysql);
    try {
      for (const { outcome, cure } of findings) {
        if (outcome === 'ok' || !cure.startsWith('SET ')) continue;
        await connection.query(cure.split(/[,;] /)[0] ?? '');
      }
    } finally {
      await connection.end();
    }
    findings = await look();
    expect(named('problem')).toEqual(['mysql.gtid_mode', 'mysql.enforce_gtid_consistency', 'mysql.binlog_filters']);
    expect(named('warning')).toEqual([]);
  });
});
