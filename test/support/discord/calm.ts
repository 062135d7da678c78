import { patience } from '../machine/patience.ts';

/**
 * How often a message is edited while tests look, in milliseconds: on an idle machine more often than people would see,
 * and as many times in all on a busy one, where everything takes longer and more edits would make it busier.
 */
export const calmPace = () => ({
  waiting: patience(250),
  running: patience(250),
  stage: patience(100),
  backoff: [50, 100, 200],
});
