/** Bulk copy and verification: how far, how fast, how long still. */

import { timestampDate } from '@bufbuild/protobuf/wkt';
import { FollowerState, type Job, JobKind, JobState } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { html, setAttributes, setText, show } from '../dom.ts';
import { progressOf } from '../flow.ts';
import { count, duration, rate, time } from '../format.ts';
import { jobState } from '../words.ts';
import { type Acting, actionButton, badge, card, type Section, type Seen } from './section.ts';

/** Creates both. */
export function createJobs(acting: Acting): Section {
  const copy = createJob(
    'copy',
    'Bulk copy',
    'There was no bulk copy yet. One starts by itself when a phase needs it.',
    acting,
    {
      text: 'Start a copy',
      act: (resource) => acting.actions.copy(resource),
      offered: ({ resource: { migration } }) =>
        migration?.followerState === FollowerState.SYNCING && migration.backfill?.state !== JobState.RUNNING,
    },
  );
  const verification = createJob(
    'verification',
    'Verification',
    'Nothing was verified yet. The first one starts by itself when the follower has joined.',
    acting,
    {
      text: 'Verify now',
      act: (resource) => acting.actions.verify(resource),
      offered: ({ resource: { migration } }) =>
        migration?.followerState === FollowerState.IN_SYNC && migration.verification?.state !== JobState.RUNNING,
    },
  );
  return {
    element: html('div', { class: 'pair' }, copy.element, verification.element),
    update(seen) {
      copy.update(seen, seen.resource.migration?.backfill);
      verification.update(seen, seen.resource.migration?.verification);
    },
  };
}

interface Start {
  readonly text: string;
  readonly act: (resource: Seen['resource']) => void;
  readonly offered: (seen: Seen) => boolean;
}

function createJob(id: string, title: string, nothing: string, { actions, shown }: Acting, start: Start) {
  const state = html('span', badge('quiet'));
  const bar = html('progress', { max: 1, value: 0, 'aria-label': `${title}: progress` });
  const figures = html('dl', { class: 'figures' });
  const views = figureRows.map((name) => {
    const value = html('dd');
    figures.append(html('div', {}, html('dt', {}, name), value));
    return value;
  });
  const error = html('p', { class: 'failure' });
  const absent = html('p', { class: 'quiet' }, nothing);
  let job: Job | undefined;
  const onJob = (act: (job: Job) => void) => () => job !== undefined && act(job);
  const startButton = actionButton(start.text, { class: 'primary' }, () => {
    const resource = shown();
    if (resource !== undefined) start.act(resource);
  });
  const speed = actionButton('Change speed', {}, onJob(actions.throttle));
  const cancel = actionButton('Cancel', {}, onJob(actions.cancel));
  const buttons = html('div', { class: 'buttons' }, startButton, speed, cancel);
  const element = card(id, title, absent, html('div', { class: 'job-head' }, state, bar), figures, error, buttons);
  return {
    element,
    update(seen: Seen, next: Job | undefined) {
      job = next;
      const mayMigrate = seen.resource.facts?.mayMigrate === true;
      const runs = next?.state === JobState.RUNNING;
      show(absent, next === undefined);
      for (const part of [state, bar, figures]) show(part, next !== undefined);
      show(error, next !== undefined && next.error !== '');
      show(startButton, mayMigrate && start.offered(seen));
      for (const button of [speed, cancel]) show(button, mayMigrate && runs);
      show(buttons, mayMigrate && (runs || start.offered(seen)));
      if (next === undefined) return;
      const { text, tone } = jobState(next.state);
      setText(state, text);
      setAttributes(state, badge(tone));
      bar.value = progressOf(next);
      setText(error, next.error);
      const values = figuresOf(next, seen.now);
      for (const [index, value] of views.entries()) setText(value, values[index] ?? '–');
    },
  };
}

const figureRows = ['Rows', 'Speed', 'Time left', 'Differences', 'Began'] as const;

function figuresOf(job: Job, now: Date): readonly string[] {
  const runs = job.state === JobState.RUNNING;
  const expected = job.expectedRowCount > job.rowCount ? ` of about ${count(job.expectedRowCount)}` : '';
  const limit = job.rowsPerSecondLimit > 0n ? `, at most ${count(job.rowsPerSecondLimit)}/s` : '';
  const began = job.createTime === undefined ? '–' : time(timestampDate(job.createTime), now);
  const took = job.createTime && job.endTime ? Number(job.endTime.seconds - job.createTime.seconds) : undefined;
  const left = job.remainingDuration;
  return [
    `${count(job.rowCount)}${runs ? expected : ''}`,
    runs ? `${rate(job.rowsPerSecond)}${limit}, ${count(job.workerCount)} workers` : 'ended',
    runs ? (left === undefined ? 'not known yet' : duration(Number(left.seconds))) : `took ${duration(took)}`,
    job.kind === JobKind.VERIFICATION ? count(job.mismatchCount) : 'not looked for',
    began,
  ];
}
