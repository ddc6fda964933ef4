import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type {
  Dashboard,
  DashboardResourceSchema,
  WatchDashboardRequest,
  WatchDashboardResponseSchema,
} from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { latencyBoundsMs } from '../telemetry/latency-buckets.ts';
import type { CallContext } from './call-context.ts';
import type { DashboardFeed, Shown } from './dashboard-feed.ts';
import { mismatchTracesUrl, sampleMessage } from './dashboard-messages.ts';
import { type DashboardLinks, type DashboardSubject, measuresOptions, SAMPLE_SECONDS } from './dashboard-subject.ts';
import { durationOf, timestampOf } from './migration-messages.ts';
import { findSubject } from './migration-reader.ts';
import type { TypedHandlers } from './typed-service.ts';

/** What the dashboard's service needs. */
export interface DashboardServiceOptions {
  /** In the order of their ids. */
  readonly subjects: readonly DashboardSubject[];
  readonly feed: DashboardFeed;
  readonly links: DashboardLinks;
  /** The most viewers at once. */
  readonly maxViewers: number;
  readonly instance: string;
  readonly version: string;
  readonly clock: Clock;
}

type Response = Exclude<MessageInitShape<typeof WatchDashboardResponseSchema>, { $typeName: string }>;
type Resource = Exclude<MessageInitShape<typeof DashboardResourceSchema>, { $typeName: string }>;

const INTERVAL = { defaultMs: 1_000, leastMs: 500, mostMs: 60_000 };
/** How long a viewer waits for the first reading before it is shown what there is without. */
const FIRST_WAIT_MS = 3_000;
/** Resources of one of the first messages: their histories together stay well below a message's limit. */
const RESOURCES_PER_MESSAGE = 8;

/** The handlers of the dashboard's service. */
export function createDashboardService(options: DashboardServiceOptions): TypedHandlers<typeof Dashboard> {
  const { subjects, feed, maxViewers, clock } = options;
  const byId = new Map(subjects.map((subject) => [subject.migration.id, subject]));
  const startTime = timestampOf(clock.wallMicros());
  let viewers = 0;

  const select = ({ name }: WatchDashboardRequest, { grants }: CallContext): readonly DashboardSubject[] => {
    if (name !== '') return [findSubject(byId, name, 'name')];
    return grants === null ? subjects : subjects.filter(({ migration: { id } }) => grants.allows('read', id));
  };

  async function* watch(request: WatchDashboardRequest, context: CallContext): AsyncIterable<Response> {
    const selected = select(request, context);
    if (viewers >= maxViewers) throw tooManyViewers(maxViewers);
    viewers += 1;
    const leave = feed.enter();
    try {
      await Promise.race([feed.fresh(), clock.sleep(FIRST_WAIT_MS, context.signal)]);
      const viewer = new Viewer(options, context, request.skipHistory);
      yield* viewer.first(selected, startTime);
      for (;;) {
        await clock.sleep(intervalMs(request), context.signal);
        yield viewer.next(selected, selected.length);
      }
    } finally {
      leave();
      viewers -= 1;
    }
  }

  return { watchDashboard: watch };
}

function intervalMs({ interval }: WatchDashboardRequest): number {
  const askedMs = interval === undefined ? INTERVAL.defaultMs : durationMs(interval);
  return Math.min(Math.max(askedMs, INTERVAL.leastMs), INTERVAL.mostMs);
}

/** What one viewer was sent of a resource. */
type Sent = Partial<Shown> & { sample: number };

/** Knows what one viewer has seen, and puts together what is new to it. */
class Viewer {
  readonly #options: DashboardServiceOptions;
  readonly #context: CallContext;
  readonly #skipHistory: boolean;
  readonly #sent = new Map<string, Sent>();

  constructor(options: DashboardServiceOptions, context: CallContext, skipHistory: boolean) {
    this.#options = options;
    this.#context = context;
    this.#skipHistory = skipHistory;
  }

  /** The beginning: everything, some resources in each message. */
  *first(selected: readonly DashboardSubject[], startTime: ReturnType<typeof timestampOf>): Generator<Response> {
    const { instance: name, version } = this.#options;
    const { grants, caller } = this.#context;
    const instance = {
      name,
      version,
      startTime,
      samplePeriod: durationOf(SAMPLE_SECONDS * 1_000),
      latestPeriod: durationOf(SAMPLE_SECONDS * measuresOptions.latestSteps * 1_000),
      sampleLimit: measuresOptions.samples,
      histogramBoundsMs: [...latencyBoundsMs],
    };
    const viewer = { authenticationRequired: grants !== null, principal: grants === null ? '' : caller };
    const some = selected.slice(0, RESOURCES_PER_MESSAGE);
    yield { ...this.next(some, selected.length), instance, viewer };
    for (let from = RESOURCES_PER_MESSAGE; from < selected.length; from += RESOURCES_PER_MESSAGE) {
      yield this.next(selected.slice(from, from + RESOURCES_PER_MESSAGE), selected.length);
    }
  }

  /** What is new of these resources. */
  next(some: readonly DashboardSubject[], resourceCount: number): Response {
    const { feed, clock } = this.#options;
    return {
      readTime: timestampOf(clock.wallMicros()),
      resourceCount,
      resources: some.map((subject) => this.#news(subject)).filter((news) => news !== null),
      trouble: feed.trouble,
      ...(feed.stateMicros !== null && { stateTime: timestampOf(feed.stateMicros) }),
    };
  }

  /** What is new of one; null: nothing. */
  #news(subject: DashboardSubject): Resource | null {
    const { feed } = this.#options;
    const { id } = subject.migration;
    const sent = this.#sent.get(id);
    const shown = feed.of(subject);
    const samples = subject.measures.samplesAfter(sent?.sample ?? this.#firstSample(subject));
    this.#sent.set(id, { ...shown, sample: subject.measures.newest });
    const news = {
      ...(sent === undefined && { facts: this.#facts(subject) }),
      ...(shown.migration !== null && shown.migration !== sent?.migration && { migration: shown.migration }),
      ...(shown.transitions !== null && shown.transitions !== sent?.transitions && { transitions: shown.transitions }),
      ...(shown.mismatches !== null && shown.mismatches !== sent?.mismatches && { mismatches: shown.mismatches }),
      ...(shown.flags !== sent?.flags && { flags: shown.flags }),
      ...(shown.latest !== sent?.latest && { latest: shown.latest }),
      ...(samples.length > 0 && { samples: samples.map(sampleMessage) }),
    };
    return Object.keys(news).length === 0 ? null : { name: `migrations/${id}`, ...news };
  }

  #firstSample({ measures }: DashboardSubject): number {
    return this.#skipHistory ? measures.newest : 0;
  }

  #facts({ migration: { id }, source, target }: DashboardSubject): NonNullable<Resource['facts']> {
    const { grants } = this.#context;
    return {
      source,
      ...(target !== null && { target }),
      mayMigrate: grants?.allows('migrate', id) ?? true,
      mayAdminister: grants?.allows('admin', id) ?? true,
      mismatchTracesUrl: mismatchTracesUrl(this.#options.links),
    };
  }
}

function tooManyViewers(most: number): DomainError {
  return new DomainError({
    kind: 'resource_exhausted',
    reason: 'TOO_MANY_REQUESTS',
    message: `this instance shows its dashboard to ${most} viewers at once (dashboard.viewers), and has as many; close one, or ask another instance`,
  });
}
