/** Whether the data folder can be used, and who else can get at it and at the token. */
import { access, constants, mkdtemp, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config.ts';
import { claimDataFolder, openToOthers } from '../../data-folder.ts';
import { refuseNewerData } from '../../data-versions.ts';
import { UserError } from '../../engine/errors.ts';
import { type Finding, good, stops, warning } from './finding.ts';

/** Leaves nothing behind: a folder that is not there yet is made at the start. */
export async function checkFolders({ dataDir }: Pick<Config, 'dataDir'>): Promise<Finding[]> {
  return [...(await checkData(dataDir)), ...(await checkRights(dataDir))];
}

async function checkData(dataDir: string): Promise<Finding[]> {
  const info = await stat(dataDir).catch(() => null);
  if (info === null) return checkPlace(dataDir);
  if (!info.isDirectory()) {
    return [stops('data folder', `${dataDir} is no folder.`, { mend: 'set DATA_DIR to a folder' })];
  }
  try {
    refuseNewerData(dataDir);
    const release = await claimDataFolder(dataDir);
    release();
    return [good('data folder', `${dataDir} can be used`)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // That is what it is for.
    if (isInUse(error)) {
      return [good('data folder', `${dataDir} is in use: a Darkroom runs on it`)];
    }
    return [stops('data folder', error.message)];
  }
}

/** Whether a Darkroom runs on this data folder now. */
export async function isRunningOn(dataDir: string): Promise<boolean> {
  if ((await stat(dataDir).catch(() => null)) === null) return false;
  try {
    (await claimDataFolder(dataDir))();
    return false;
  } catch (error) {
    return error instanceof UserError && isInUse(error);
  }
}

const isInUse = ({ message }: UserError): boolean =>
  message.startsWith('Another Darkroom is running');

/** Whether the folder can be made when Darkroom starts. */
async function checkPlace(dataDir: string): Promise<Finding[]> {
  let above = path.dirname(dataDir);
  while ((await stat(above).catch(() => null)) === null && path.dirname(above) !== above) {
    above = path.dirname(above);
  }
  try {
    // The administrator may write everywhere, and yet no folder can be made in some places.
    await rmdir(await mkdtemp(path.join(above, '.darkroom-')));
    return [good('data folder', `${dataDir} will be made at the first start`)];
  } catch {
    const mend = `mkdir -p '${dataDir}' && chown "$USER" '${dataDir}' as administrator, or set DATA_DIR to another folder`;
    return [
      stops('data folder', `${dataDir} is not there and cannot be made by this account.`, { mend }),
    ];
  }
}

async function checkRights(dataDir: string): Promise<Finding[]> {
  const env = path.resolve('.env');
  const findings: Finding[] = [];
  for (const file of [dataDir, env]) {
    for (const sentence of await openToOthers([file])) {
      const [said = '', mend = ''] = sentence.split(' Close it with: ');
      findings.push(warning('rights', said, { mend }));
    }
  }
  const unreadable = await access(env, constants.R_OK).catch(
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (unreadable === 'EACCES') {
    findings.push(
      stops('rights', `${env} cannot be read by this account.`, {
        mend: `chown "$USER" '${env}' as administrator`,
      }),
    );
  }
  if (findings.length === 0)
    findings.push(good('rights', 'nobody else can get at the data folder or .env'));
  return findings;
}
