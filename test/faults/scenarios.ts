import type { Scenario } from './scenario.ts';
import { authorityKilled, authorityPaused } from './scenarios/authority-away.ts';
import { followerHung, followerKilled } from './scenarios/follower-away.ts';
import { handovers } from './scenarios/handovers.ts';
import { instanceKilledInHandover, instancePausedInHandover } from './scenarios/instance-in-handover.ts';
import { links } from './scenarios/links.ts';
import { logPurged, sourceFailover, sourceRestored, tableAltered } from './scenarios/source-changes.ts';
import { threeNodes } from './scenarios/three-nodes.ts';
import { unleashDown } from './scenarios/unleash-down.ts';

/** All of them, in the order in which they are run. */
export const scenarios: readonly Scenario[] = [
  handovers,
  followerHung,
  followerKilled,
  authorityKilled,
  authorityPaused,
  instanceKilledInHandover,
  instancePausedInHandover,
  unleashDown,
  links,
  sourceFailover,
  sourceRestored,
  logPurged,
  tableAltered,
  threeNodes,
];
