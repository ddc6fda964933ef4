import { RiakFailure } from './failure.ts';

/** How many replicas; or a name for it ("Replication Properties", "Symbolic Consistency Names"). */
export type Quorum = number | 'one' | 'quorum' | 'all';

/** A bucket type's properties, as "HTTP Get Bucket Properties" names them. */
export interface BucketProperties {
  readonly n_val: number;
  readonly allow_mult: boolean;
  readonly last_write_wins: boolean;
  readonly dvv_enabled: boolean;
  readonly r: Quorum;
  readonly w: Quorum;
  readonly pr: Quorum;
  readonly pw: Quorum;
  readonly dw: Quorum;
  readonly notfound_ok: boolean;
  readonly basic_quorum: boolean;
  readonly consistent?: boolean;
  readonly write_once?: boolean;
  readonly datatype?: string;
}

/** Those of a bucket type that is created and says nothing else ("Available Parameters"). */
export const defaultProperties: BucketProperties = {
  n_val: 3,
  allow_mult: true,
  last_write_wins: false,
  dvv_enabled: true,
  r: 'quorum',
  w: 'quorum',
  pr: 0,
  pw: 0,
  dw: 'quorum',
  notfound_ok: true,
  basic_quorum: false,
};

/** The quorums that a request may name. */
export const quorumNames = ['r', 'pr', 'w', 'pw', 'dw'] as const;

/** What one request asks for. */
export type RequestQuorums = Partial<Record<(typeof quorumNames)[number], string>> & { readonly notfoundOk?: boolean };

/** The numbers of a request. Throws 400 for what is none, or above N. */
export function quorumsOf(
  properties: BucketProperties,
  asked: RequestQuorums,
): Record<(typeof quorumNames)[number], number> & { readonly notfoundOk: boolean; readonly n: number } {
  const n = properties.n_val;
  const number = (name: (typeof quorumNames)[number]): number => {
    const text = asked[name] ?? 'default';
    const value = toNumber(text === 'default' ? String(properties[name]) : text, n);
    if (value === undefined) throw new RiakFailure(400, `${name} query parameter must be an integer or a known word\n`);
    if (value > n) throw new RiakFailure(400, `Specified ${name} value invalid for bucket n value of ${n}\n`);
    return value;
  };
  return {
    r: number('r'),
    pr: number('pr'),
    w: number('w'),
    pw: number('pw'),
    dw: number('dw'),
    notfoundOk: asked.notfoundOk ?? properties.notfound_ok,
    n,
  };
}

function toNumber(text: string, n: number): number | undefined {
  if (text === 'all') return n;
  if (text === 'one') return 1;
  if (text === 'quorum') return Math.floor(n / 2) + 1;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
