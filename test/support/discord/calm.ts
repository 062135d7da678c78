import { patience } from '../machine/patience.ts';

/** With rarer edits than this a busy machine gains little, and short pictures would show nothing on their way. */
const MOST = 4;

/**
 * How often a message is edited while tests look, in milliseconds: on an idle machine more often than people would see,
 * and as many times in all on a busy one, where everything takes longer and more edits would make it busier.
 *
 * @param times how many times longer the evaluations of a slowed engine take for the sake of a busy machine, so that as
 *   many edits as on an idle one fall into a picture
 */
export function calmPace(times?: number) {
  const factor = times ?? Math.min(MOST, patience(1000) / 1000);
  return {
    waiting: 250 * factor,
    running: 250 * factor,
    stage: 100 * factor,
    backoff: [50, 100, 200],
  };
}
