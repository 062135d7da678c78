/** Whether the shared queue and the shared settings can be used, where there are such. */
import type { Config } from '../../config.ts';
import { UserError } from '../../engine/errors.ts';
import { isShared, tryShared } from '../../queue/queue.ts';
import { openSharedRows } from '../../rows/shared-rows.ts';
import { type Finding, good, stops } from './finding.ts';

const SILENT = { info() {}, warn() {}, error() {} };

/** Tries the shared queue and the shared settings; nothing where neither is configured. */
export async function checkQueue({
  queueUrl,
  settingsUrl,
}: Pick<Config, 'queueUrl' | 'settingsUrl'>): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (queueUrl !== null && isShared(queueUrl)) {
    findings.push(await tried('queue', 'the shared queue answers', () => tryShared(queueUrl)));
  }
  if (settingsUrl !== null) {
    findings.push(
      await tried('settings', 'the place of the settings answers', async () => {
        const rows = await openSharedRows({ url: settingsUrl, log: SILENT });
        await rows.close();
      }),
    );
  }
  return findings;
}

async function tried(check: string, said: string, work: () => Promise<void>): Promise<Finding> {
  try {
    await work();
    return good(check, said);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return stops(check, error.message);
  }
}
