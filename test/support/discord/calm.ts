import { patience } from '../machine/patience.ts';

/** How often a message is edited while tests look, in milliseconds: more often than people would see. */
export const PACE = { waiting: 250, running: 250, stage: 100, backoff: [50, 100, 200] };

/**
 * Messages are edited as many times as on an idle machine, however long everything takes here: what a busy one needs
 * longer for would else be told more often, and make it busier.
 */
export const CALM = {
  bot: {
    pace: {
      ...PACE,
      waiting: patience(PACE.waiting),
      running: patience(PACE.running),
      stage: patience(PACE.stage),
    },
  },
};
