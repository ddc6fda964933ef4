import type { Call } from '../../stores/call.ts';
import type { Examined } from '../../stores/server-findings.ts';
import type { ResourceSubject, Server, Site } from './site.ts';

/** What came of a check. `not checked`: nothing is known; `found` says why. */
export type Outcome = 'ok' | 'warning' | 'problem' | 'not checked';

/** What a check says: one line for people. */
export interface Answer {
  readonly outcome: Outcome;
  /** Never a field's value, never a secret. */
  readonly found: string;
  /** The statement, setting or command that mends it; empty where nothing needs mending. */
  readonly cure: string;
}

/** An answer with what asked for it, as `crossfade doctor --json` prints it. */
export interface Finding extends Answer {
  /** The check's stable id: `mysql.log_bin`. */
  readonly check: string;
  /** The server or resource that was looked at. */
  readonly subject: string;
}

/** One thing that is looked at. Changes nothing anywhere. */
export interface Check<Subject = Site> {
  /** Stable: scripts and docs/doctor.md name it. */
  readonly id: string;
  /** Checks that need a server are not run while it can't be reached. Default: none. */
  readonly needs?: readonly Server[];
  /** Whether a problem means that the server can't be used at all. */
  readonly proves?: Server;
  /** Nothing where the check does not apply. Throws DomainErrors; what is thrown becomes an answer. */
  readonly run: (subject: Subject, call: Call) => Promise<readonly Answer[]>;
}

/** A check of one resource. */
export type ResourceCheck = Check<ResourceSubject>;

/** As it must be. */
export function ok(found: string): Answer {
  return { outcome: 'ok', found, cure: '' };
}

/** It may bite later. */
export function warning(found: string, cure: string): Answer {
  return { outcome: 'warning', found, cure };
}

/** It keeps the service from starting, or from what it promises. */
export function problem(found: string, cure: string): Answer {
  return { outcome: 'problem', found, cure };
}

/** It is not known. */
export function notChecked(found: string, cure = ''): Answer {
  return { outcome: 'not checked', found, cure };
}

/** What the start of the service looks at too, as an answer. */
export function answerOf({ verdict, found, wanted, cure }: Examined): Answer {
  const shown = found === '' ? '(empty)' : found;
  switch (verdict) {
    case 'ok':
      return ok(shown);
    case 'warning':
      return warning(`${shown}, should be ${wanted === '' ? 'empty' : wanted}`, cure);
    case 'error':
      return problem(`${shown}, must be ${wanted === '' ? 'empty' : wanted}`, cure);
  }
}

/** Of several things of one kind: each that is not as it must be, with its name; one answer if all are. */
export function answersOf(examined: readonly Examined[], ifAllAreOk: string): readonly Answer[] {
  const wrong = examined.filter(({ verdict }) => verdict !== 'ok');
  if (wrong.length === 0) return [ok(ifAllAreOk)];
  return wrong.map((one) => {
    const answer = answerOf(one);
    return { ...answer, found: `${one.setting}: ${answer.found}` };
  });
}
