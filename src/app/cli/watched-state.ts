import type {
  DashboardFacts,
  DashboardFlags,
  DashboardInstance,
  DashboardMeasures,
  DashboardMismatches,
  DashboardResource,
  DashboardSample,
  DashboardTransitions,
  WatchDashboardResponse,
} from '../../gen/crossfade/v1alpha1/dashboard_pb.ts';
import type { Migration } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';

/** What is known of one resource. */
export interface WatchedResource {
  readonly id: string;
  readonly migration?: Migration;
  readonly facts?: DashboardFacts;
  readonly flags?: DashboardFlags;
  readonly latest?: DashboardMeasures;
  readonly transitions?: DashboardTransitions;
  readonly mismatches?: DashboardMismatches;
  /** The newest few, oldest first. */
  readonly samples: readonly DashboardSample[];
}

/** Samples that rates are taken over: some ten seconds. */
const KEPT_SAMPLES = 3;

/** Keeps what a stream of the dashboard told: each message brings only what is new. */
export class WatchedState {
  instance: DashboardInstance | undefined;
  /** Why the service can't read the migrations now; empty: it can. */
  trouble = '';
  readonly #resources = new Map<string, WatchedResource>();

  /** In the order of their ids. */
  get resources(): readonly WatchedResource[] {
    return [...this.#resources.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Takes in one message. The first of a stream has the instance, and begins anew. */
  learn({ instance, trouble, resources }: WatchDashboardResponse): void {
    if (instance !== undefined) {
      this.instance = instance;
      this.#resources.clear();
    }
    this.trouble = trouble;
    for (const news of resources) this.#resources.set(news.name, learned(this.#resources.get(news.name), news));
  }
}

function learned(known: WatchedResource | undefined, news: DashboardResource): WatchedResource {
  const { migration, facts, flags, latest, transitions, mismatches } = news;
  return {
    ...known,
    id: news.name.slice('migrations/'.length),
    samples: [...(known?.samples ?? []), ...news.samples].slice(-KEPT_SAMPLES),
    ...(migration && { migration }),
    ...(facts && { facts }),
    ...(flags && { flags }),
    ...(latest && { latest }),
    ...(transitions && { transitions }),
    ...(mismatches && { mismatches }),
  };
}
