import type { Version } from './record-format.ts';

/**
 * The one of several siblings that counts: the one of the greatest version, "newer wins". One version has one content
 * (docs/protocol.md, section 1); where an outside change made it two, which only happens while nobody reads the follower, every
 * reader takes the same one: a marker, or the one whose bytes are greater. Undefined: there is none.
 */
export function newestOf(siblings: readonly Version[]): Version | undefined {
  return siblings.reduce<Version | undefined>((a, b) => (a === undefined || isNewer(b, a) ? b : a), undefined);
}

function isNewer(a: Version, b: Version): boolean {
  if (a.version !== b.version) return a.version > b.version;
  if (a.row === null || b.row === null) return a.row === null && b.row !== null;
  return Buffer.compare(a.body, b.body) > 0;
}
