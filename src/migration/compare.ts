import { differingColumns, type Resource } from '../domain/resource.ts';
import type { Stored } from '../stores/record-store.ts';

/** What a comparison of one record says. */
export type Comparison = 'match' | 'different' | 'missing_in_follower' | 'extra_in_follower';

/** The outcome with the field paths that differ; never their values. */
export interface Difference {
  readonly comparison: Comparison;
  readonly fieldPaths: readonly string[];
}

const match: Difference = { comparison: 'match', fieldPaths: [] };

/**
 * Compares a record of the authority with the follower's, field by field in canonical values. A difference
 * counts only if it is still there past a barrier: that is the caller's part.
 */
export function compareRecords(resource: Resource, authority: Stored, follower: Stored): Difference {
  if (authority.row === null && follower.row === null) return match;
  if (follower.row === null) return { comparison: 'missing_in_follower', fieldPaths: [] };
  if (authority.row === null) return { comparison: 'extra_in_follower', fieldPaths: [] };
  const columns = differingColumns(authority.row, follower.row);
  if (columns.length === 0) return match;
  return { comparison: 'different', fieldPaths: columns.map((index) => fieldPathOf(resource, index)) };
}

/** The field path of a column: its field, or the name's variable for a key column without one. */
export function fieldPathOf(resource: Resource, index: number): string {
  return resource.columns[index]?.field ?? resource.name[index]?.variable ?? `column ${index}`;
}
