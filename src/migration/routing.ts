import type { Call } from '../stores/call.ts';
import type { ControlRecord, StoreName } from '../stores/control-store.ts';
import { followerIsReadable } from './control-record.ts';
import type { Flags } from './flags.ts';

/** Why a read went where it went. On every span, and a label of the metric of reads. */
export type RouteReason =
  /** The flag sent it to this store. */
  | 'flag'
  /** The flag is absent, off or was never fetched: the authority answers. */
  | 'no_flag'
  /** The caller asked for the authority. */
  | 'caller_asked'
  /** The flag chose the follower, which is not in sync. */
  | 'not_in_sync'
  /** The flag chose the follower, which failed or was late. */
  | 'follower_failed'
  /** The follower had an older state than the caller has seen. */
  | 'version_behind'
  /** The authority can't be reached, and the caller accepts the version it named. */
  | 'authority_unreachable';

/** Where a read goes, and why. */
export interface Route {
  readonly store: StoreName;
  readonly reason: RouteReason;
}

const routes = {
  asked: { source: route('source', 'caller_asked'), target: route('target', 'caller_asked') },
  noFlag: { source: route('source', 'no_flag'), target: route('target', 'no_flag') },
  flag: { source: route('source', 'flag'), target: route('target', 'flag') },
  notInSync: { source: route('source', 'not_in_sync'), target: route('target', 'not_in_sync') },
};

function route(store: StoreName, reason: RouteReason): Route {
  return { store, reason };
}

/** Decides where one read goes. `recordKey` is only called when a flag is asked. Allocates nothing but the subject. */
export function chooseRoute(control: ControlRecord, flags: Flags, call: Call, recordKey: () => string): Route {
  const { authority } = control;
  if (call.consistency === 'authority') return routes.asked[authority];
  const wantsTarget = flags.readTarget(control.resource, subjectOf(call, recordKey()));
  if (wantsTarget === undefined) return routes.noFlag[authority];
  const wanted = wantsTarget ? 'target' : 'source';
  if (wanted === authority || followerIsReadable(control)) return routes.flag[wanted];
  return routes.notInSync[authority];
}

/** What the flags see of a call. */
export function subjectOf(call: Call, recordKey: string): { recordKey: string; caller: string; user: string } {
  return { recordKey, caller: call.caller, user: call.user };
}
