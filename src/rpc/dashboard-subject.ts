import type { FlagDefinition } from '../migration/flag-rollout.ts';
import type { Flags } from '../migration/flags.ts';
import type { RecentMeasures, RecentMeasuresOptions } from '../telemetry/recent-measures.ts';
import type { MigrationSubject } from './migration-service.ts';

/** One of the two stores of a resource, for people. */
export interface StorePlace {
  readonly engine: string;
  /** With the schema or keyspace: `hospital.medications`. */
  readonly table: string;
}

/** One resource, as the dashboard needs it. */
export interface DashboardSubject {
  readonly migration: MigrationSubject;
  readonly measures: RecentMeasures;
  readonly source: StorePlace;
  /** Null: it has none. */
  readonly target: StorePlace | null;
}

/** What the dashboard asks of the flags. */
export interface FlagsView extends Pick<Flags, 'wantedPhase'> {
  /** Whether the flag server has ever answered. */
  fetched(): boolean;
  definition(name: string): FlagDefinition | undefined;
}

/** Addresses of other servers' pages, as templates; undefined: there are no such links. */
export interface DashboardLinks {
  /** A flag's page: `{project}` and `{flag}` are filled in. */
  readonly flag?: string | undefined;
  /** The search for spans by one attribute: `{attribute}` and `{value}` are filled in. */
  readonly traceSearch?: string | undefined;
}

/** How much time one sample is. */
export const SAMPLE_SECONDS = 3;
/** A quarter of an hour is remembered, and the latest figures are of half a minute. */
export const measuresOptions: RecentMeasuresOptions = { samples: 300, latestSteps: 10 };

/** A template with these values, each escaped; empty without a template. */
export function fillIn(template: string | undefined, values: Readonly<Record<string, string>>): string {
  return (template ?? '').replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : encodeURIComponent(value);
  });
}
