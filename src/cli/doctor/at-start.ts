/** The doctor in one line of the log, while the bot or a worker starts: all that is looked at without painting. */
import type { Config } from '../../config.ts';
import { readDriver } from '../../engine/devices.ts';
import { surveyModels } from '../../engine/engine.ts';
import type { Log } from '../../log.ts';
import type { MachineRate } from '../../queue/job.ts';
import { checkDiscord } from './discord.ts';
import { type Finding, good, guarded } from './finding.ts';
import { checkDisk, checkMemory, checkNode, checkRuntime } from './machine.ts';
import { checkModels } from './models.ts';
import { checkCuda } from './painting.ts';
import { isFit, summary } from './report.ts';

/** Warnings that find room in a line; the doctor itself has all. */
const SHOWN = 3;
const LONGEST = 160;

export type StartTools = {
  /** names of what paints */
  devices: readonly string[];
  /** how fast this machine painted last; absent: it is not known here */
  rates?: () => Promise<readonly MachineRate[]>;
  asksDiscord: boolean;
  log: Log;
};

/** Never throws and keeps nobody waiting. */
export async function tellAtStart(
  config: Config,
  { devices, rates, asksDiscord, log }: StartTools,
): Promise<void> {
  const measured = (await rates?.().catch(() => []))?.[0];
  const findings = (await Promise.all(checks(config, asksDiscord))).flat();
  const troubles = findings.filter(({ level }) => level !== 'good');
  const facts = findings.filter(({ level }) => level === 'good').map(({ said }) => said);
  const paints =
    devices.length === 0
      ? 'only workers paint'
      : `devices ${devices.join(', ')}${rateInWords(measured)}`;
  const told = troubles
    .slice(0, SHOWN)
    .map(({ check, said }) => `${check}: ${said.slice(0, LONGEST)}`);
  const more =
    troubles.length === 0 ? '' : ` ${told.join('; ')}. npm run -s doctor says what mends it.`;
  const line = `doctor: ${paints}; ${facts.join('; ')}. ${summary(findings)}${more}`;
  const fields = {
    troubles: troubles.map(({ check, level, said, mend }) => ({ check, level, said, mend })),
  };
  if (troubles.length === 0) log.info(line);
  else if (isFit({ findings })) log.warn(fields, line);
  else log.error(fields, line);
}

/** The step that was measured last, as the doctor itself would measure one. */
function rateInWords(rate: MachineRate | undefined): string {
  if (rate === undefined) return '';
  const ms = Math.round(10_000 / rate.stepsPerSecond) / 10;
  return ` (${ms} ms a step of ${rate.model} when it painted last)`;
}

function checks(config: Config, asksDiscord: boolean): Promise<readonly Finding[]>[] {
  const libraryPath = config.childEnvironment['LD_LIBRARY_PATH'] ?? '';
  const paints = config.devices?.length !== 0;
  const driver = readDriver();
  return [
    guarded('node', checkNode),
    guarded('runtime', () => checkRuntime(libraryPath)),
    guarded('cuda', async () => (paints ? checkCuda(config, await driver) : [])),
    guarded('models', async () => {
      if (!paints) return [];
      const { models, unusable, weights } = await surveyModels(config.modelsDir);
      const found = checkModels({ models, unusable, weights }, config.modelsDir);
      const names = good('models', models.length === 1 ? '1 model' : `${models.length} models`);
      const short = found.map((one) => (one.level === 'good' ? names : one));
      return [...short, ...checkMemory(weights, await driver)];
    }),
    guarded('disk', () => checkDisk(config)),
    guarded('token', () => (asksDiscord ? checkDiscord(config) : [])),
  ];
}
