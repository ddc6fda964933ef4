import type { MysqlValue } from './pool.ts';

/** Text of information_schema and of the server's own answers, which some servers send as bytes. Null: empty. */
export function text(value: MysqlValue | undefined): string {
  if (value === null || value === undefined) return '';
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value);
}
