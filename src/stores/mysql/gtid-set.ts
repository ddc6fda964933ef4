/** A position in a binary log: which transactions are before it. Grows as transactions are added. */
export interface GtidPosition {
  readonly flavour: 'mysql' | 'mariadb';
  /** Adds one transaction in the server's text: `uuid:5`, `uuid:tag:5` or, on MariaDB, `0-1-5`. */
  add(gtid: string): void;
  /** Whether every transaction of `other` is in this position. An empty one is in every position. */
  covers(other: GtidPosition): boolean;
  isEmpty(): boolean;
  /** The text that {@link parseGtidPosition} reads and that the server takes. */
  toString(): string;
}

/** The transactions from `first` to `last`, both included. */
interface Interval {
  first: number;
  last: number;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const MARIADB_GTID = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/;

/**
 * Reads a MySQL GTID set (`uuid:1-5:7,…`, tags of 8.3 included) or a MariaDB GTID position (`0-1-1234,…`); white space is
 * ignored. An empty text, the position before everything, is of the flavour `ifEmpty`. Throws a RangeError for anything else.
 */
export function parseGtidPosition(text: string, ifEmpty: GtidPosition['flavour'] = 'mysql'): GtidPosition {
  const compact = text.replace(/\s+/g, '').toLowerCase();
  if (compact === '') return ifEmpty === 'mysql' ? new MysqlGtids() : new MariadbGtids();
  return compact.includes(':') ? parseMysql(compact) : parseMariadb(compact);
}

/**
 * A set of MySQL GTIDs. Adding the transaction that follows the last one added, and printing the set after it, cost the
 * same however many sources and gaps the set has: what is around the interval that grows is printed once.
 */
export class MysqlGtids implements GtidPosition {
  readonly flavour = 'mysql';
  /** By `uuid` or `uuid:tag`; each list ascending, no two intervals touch. */
  readonly #sources = new Map<string, Interval[]>();
  #hotSource = '';
  #hot: Interval | null = null;
  /** The first number after the hot interval that is in the set already. */
  #hotLimit = 0;
  #before = '';
  #after = '';
  #printed = false;

  add(gtid: string): void {
    const at = gtid.lastIndexOf(':');
    this.addNumber(gtid.slice(0, at).toLowerCase(), parseNumber(gtid.slice(at + 1)));
  }

  /** Adds one transaction of a source: `uuid` or `uuid:tag`, lower case. */
  addNumber(source: string, number: number): void {
    const hot = this.#hot;
    if (hot !== null && source === this.#hotSource && number === hot.last + 1 && number + 1 < this.#hotLimit) {
      hot.last = number;
      return;
    }
    this.addInterval(source, number, number);
  }

  /** Adds the transactions from `first` to `last`. */
  addInterval(source: string, first: number, last: number): void {
    let intervals = this.#sources.get(source);
    if (intervals === undefined) {
      intervals = [];
      this.#sources.set(source, intervals);
    }
    let from = 0;
    while (from < intervals.length && at(intervals, from).last + 1 < first) from++;
    let to = from;
    const merged: Interval = { first, last };
    while (to < intervals.length && at(intervals, to).first <= last + 1) {
      const next = at(intervals, to++);
      merged.first = Math.min(merged.first, next.first);
      merged.last = Math.max(merged.last, next.last);
    }
    intervals.splice(from, to - from, merged);
    this.#hotSource = source;
    this.#hot = merged;
    this.#hotLimit = intervals[from + 1]?.first ?? Number.MAX_SAFE_INTEGER;
    this.#printed = false;
  }

  covers(other: GtidPosition): boolean {
    if (!(other instanceof MysqlGtids)) return other.isEmpty();
    for (const [source, intervals] of other.#sources) {
      const own = this.#sources.get(source) ?? [];
      for (const { first, last } of intervals) {
        if (!own.some((interval) => interval.first <= first && last <= interval.last)) return false;
      }
    }
    return true;
  }

  isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  toString(): string {
    const hot = this.#hot;
    if (hot === null) return '';
    if (!this.#printed) this.#printAround(hot);
    return `${this.#before}${hot.first}-${hot.last}${this.#after}`;
  }

  #printAround(hot: Interval): void {
    const pieces: string[] = [];
    let hotPiece = 0;
    for (const source of [...this.#sources.keys()].sort()) {
      let lead = pieces.length === 0 ? `${source}:` : `,${source}:`;
      for (const interval of this.#sources.get(source) ?? []) {
        if (interval === hot) hotPiece = pieces.length;
        pieces.push(interval === hot ? lead : `${lead}${interval.first}-${interval.last}`);
        lead = ':';
      }
    }
    this.#before = pieces.slice(0, hotPiece + 1).join('');
    this.#after = pieces.slice(hotPiece + 1).join('');
    this.#printed = true;
  }
}

/** A MariaDB position: the last transaction of each replication domain, whose order is total. */
class MariadbGtids implements GtidPosition {
  readonly flavour = 'mariadb';
  readonly #domains = new Map<number, { server: number; sequence: bigint }>();

  add(gtid: string): void {
    const parts = MARIADB_GTID.exec(gtid);
    if (parts === null) throw new RangeError('not a GTID of MariaDB');
    this.#domains.set(Number(parts[1]), { server: Number(parts[2]), sequence: BigInt(parts[3] ?? 0) });
  }

  covers(other: GtidPosition): boolean {
    if (!(other instanceof MariadbGtids)) return other.isEmpty();
    for (const [domain, { sequence }] of other.#domains) {
      const own = this.#domains.get(domain);
      if (own === undefined || own.sequence < sequence) return false;
    }
    return true;
  }

  isEmpty(): boolean {
    return this.#domains.size === 0;
  }

  toString(): string {
    return [...this.#domains]
      .sort(([a], [b]) => a - b)
      .map(([domain, { server, sequence }]) => `${domain}-${server}-${sequence}`)
      .join(',');
  }
}

function parseMysql(text: string): MysqlGtids {
  const set = new MysqlGtids();
  for (const entry of text.split(',')) {
    const [uuid = '', ...items] = entry.split(':');
    if (!UUID.test(uuid) || items.length === 0) throw new RangeError('not a GTID set');
    let source = uuid;
    for (const item of items) {
      if (TAG.test(item)) {
        source = `${uuid}:${item}`;
        continue;
      }
      const [first = '', last = first, ...rest] = item.split('-');
      const from = parseNumber(first);
      const to = parseNumber(last);
      if (rest.length > 0 || to < from) throw new RangeError('not a GTID interval');
      set.addInterval(source, from, to);
    }
  }
  return set;
}

function parseMariadb(text: string): MariadbGtids {
  const position = new MariadbGtids();
  for (const gtid of text.split(',')) position.add(gtid);
  return position;
}

/** Numbers start at 1. A server would need thousands of years to pass 2^53: beyond it the text is not a GTID set. */
function parseNumber(text: string): number {
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || number < 1 || number >= Number.MAX_SAFE_INTEGER) throw new RangeError('not a GTID');
  return number;
}

function at(intervals: readonly Interval[], index: number): Interval {
  const interval = intervals[index];
  if (interval === undefined) throw new RangeError('no such interval');
  return interval;
}
