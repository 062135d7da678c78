/** Whether the shared queue can be used, where there is one. */
import type { Config } from '../../config.ts';
import { UserError } from '../../engine/errors.ts';
import { isShared, tryShared } from '../../queue/queue.ts';
import { type Finding, good, stops } from './finding.ts';

export async function checkQueue({ queueUrl }: Pick<Config, 'queueUrl'>): Promise<Finding[]> {
  if (queueUrl === null || !isShared(queueUrl)) return [];
  try {
    await tryShared(queueUrl);
    return [good('queue', 'the shared queue answers')];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [stops('queue', error.message)];
  }
}
