import type { ControlRecord } from '../stores/control-store.ts';
import type { FollowerStore, RecordStore, SourceStore } from '../stores/record-store.ts';
import { settlingRivals } from './rival-copies.ts';

/** Both stores of a resource. */
export interface ResourceStores {
  readonly source: SourceStore;
  /** As the follower; null: the resource stays at the source. */
  readonly target: FollowerStore | null;
  /** The target as the authority, behind its write-ahead log; null: it can't be. */
  readonly targetAuthority: RecordStore | null;
}

/** Who is what while a control record holds. */
export interface Roles {
  readonly authority: RecordStore;
  /** Takes copies of this attach alone, where it can tell. */
  readonly follower: FollowerStore;
}

/** The roles of the stores; null: there is no follower, or the record names an authority that can't be one here. */
export function rolesOf(stores: ResourceStores, record: ControlRecord): Roles | null {
  const { source, target, targetAuthority } = stores;
  if (record.authority === 'source') return target && { authority: source, follower: target };
  if (targetAuthority === null) return null;
  const options = { rivals: source.rivals, authority: targetAuthority, control: record };
  return { authority: targetAuthority, follower: settlingRivals(forAttach(source, record), options) };
}

/** A follower in MySQL, whose copies are refused where they come too late: in another epoch, or after another attach. */
export function forAttach<Follower extends Pick<FollowerStore, 'apply'>>(
  follower: Follower,
  { epoch, attach }: ControlRecord,
): Follower {
  return { ...follower, apply: (copies, call) => follower.apply(copies, call, { epoch, attach }) };
}
