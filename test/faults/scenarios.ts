import type { Scenario } from './scenario.ts';
import { followerHung, followerKilled } from './scenarios/follower-away.ts';
import { handovers } from './scenarios/handovers.ts';
import { unleashDown } from './scenarios/unleash-down.ts';

/** All of them, in the order in which they are run. */
export const scenarios: readonly Scenario[] = [handovers, followerHung, followerKilled, unleashDown];
