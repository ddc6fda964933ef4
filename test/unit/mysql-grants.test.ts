import { describe, expect, it } from 'vitest';
import { type Grant, missingPrivileges, parseGrant } from '../../src/stores/mysql/grants.ts';

function grantsOf(...lines: readonly string[]): readonly Grant[] {
  return lines.map(parseGrant).filter((grant) => grant !== null);
}

const TO = 'TO `crossfade`@`%`';
const medications = { schema: 'hospital', table: 'medications' };

describe("a user's grants", () => {
  it('are read from what the server shows', () => {
    expect(parseGrant(`GRANT SELECT, CREATE ROUTINE ON \`a\`\`b\`.* ${TO} WITH GRANT OPTION`)).toEqual({
      privileges: ['SELECT', 'CREATE ROUTINE'],
      schema: 'a`b',
      table: '*',
      revokes: false,
    });
    expect(parseGrant(`GRANT \`reader\`@\`%\` ${TO}`)).toBeNull();
    expect(parseGrant(`GRANT EXECUTE ON PROCEDURE \`a\`.\`p\` ${TO}`)).toBeNull();
  });

  it('reach as far as they say', () => {
    const all = ['SELECT', 'INSERT'];
    expect(missingPrivileges(grantsOf(`GRANT USAGE ON *.* ${TO}`), all, medications)).toEqual(all);
    expect(missingPrivileges(grantsOf(`GRANT ALL PRIVILEGES ON *.* ${TO}`), all, {})).toEqual([]);
    expect(missingPrivileges(grantsOf(`GRANT SELECT ON \`hospital\`.* ${TO}`), all, medications)).toEqual(['INSERT']);
    expect(missingPrivileges(grantsOf(`GRANT SELECT ON \`hospital\`.* ${TO}`), ['SELECT'], {})).toEqual(['SELECT']);
    const ofTable = grantsOf(`GRANT SELECT, INSERT ON \`hospital\`.\`medications\` ${TO}`);
    expect(missingPrivileges(ofTable, all, medications)).toEqual([]);
    expect(missingPrivileges(ofTable, all, { ...medications, table: 'encounters' })).toEqual(all);
    expect(missingPrivileges(ofTable, all, { schema: 'hospital' })).toEqual(all);
  });

  it('of single columns are not enough', () => {
    const some = grantsOf(`GRANT SELECT (\`code\`, \`note\`), INSERT ON \`hospital\`.\`medications\` ${TO}`);
    expect(missingPrivileges(some, ['SELECT', 'INSERT'], medications)).toEqual(['SELECT']);
  });

  it('may be of schemas by a pattern', () => {
    const pattern = grantsOf(`GRANT SELECT ON \`hosp%\`.* ${TO}`);
    expect(missingPrivileges(pattern, ['SELECT'], medications)).toEqual([]);
    const escaped = grantsOf(`GRANT SELECT ON \`my\\_hospital\`.* ${TO}`);
    expect(missingPrivileges(escaped, ['SELECT'], { schema: 'my_hospital' })).toEqual([]);
    expect(missingPrivileges(escaped, ['SELECT'], { schema: 'my-hospital' })).toEqual(['SELECT']);
  });

  it('may be taken away in part', () => {
    const revoked = grantsOf(`GRANT SELECT, INSERT ON *.* ${TO}`, 'REVOKE INSERT ON `hospital`.* FROM `crossfade`@`%`');
    expect(missingPrivileges(revoked, ['SELECT', 'INSERT'], medications)).toEqual(['INSERT']);
    expect(missingPrivileges(revoked, ['INSERT'], { schema: 'other' })).toEqual([]);
  });

  it("know MariaDB's name for a privilege", () => {
    const grants = grantsOf(`GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* ${TO}`);
    expect(missingPrivileges(grants, ['REPLICATION SLAVE', 'REPLICATION CLIENT'], {})).toEqual([]);
  });
});
