/** The server's clock in microseconds since 1970, as an expression. */
export const CLOCK_SQL = 'CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)';

/** Leases are given in milliseconds and kept in microseconds. */
export function leaseMicros(leaseMs: number): number {
  return Math.ceil(leaseMs * 1_000);
}

/** A page's length as a part of the statement: LIMIT takes no parameter of the kind in which the driver sends numbers. */
export function page(limit: number, max: number): number {
  return Math.max(0, Math.min(Math.trunc(limit), max));
}
