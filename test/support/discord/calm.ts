import { patience } from '../machine/patience.ts';

/**
 * Messages are edited as many times as on an idle machine, however long everything takes here: what a busy one needs
 * longer for would else be told more often, and make it busier.
 */
export const CALM = {
  bot: {
    pace: {
      waiting: patience(250),
      running: patience(250),
      stage: patience(100),
      backoff: [50, 100, 200],
    },
  },
};
