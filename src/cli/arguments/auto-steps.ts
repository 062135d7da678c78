import path from 'node:path';
import { parseRequest } from '../../engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../engine/request.ts';
import { type AutoSteps, autoSteps } from '../../explore/calibration/calibration.ts';
import { readCalibrations } from '../../explore/calibration/calibration-file.ts';

/** `--steps auto`: the calibrated number of this machine; every other input as it is. `auto` null: not asked for. */
export async function chooseSteps(
  input: RequestInput,
  model: ModelInfo,
  dataDir: string,
): Promise<{ request: GenerateRequest; auto: AutoSteps | null }> {
  const { steps, ...rest } = input;
  if (String(steps).trim().toLowerCase() !== 'auto') {
    return { request: parseRequest(input, model), auto: null };
  }
  const request = parseRequest(rest, model);
  const calibrations = await readCalibrations(path.join(dataDir, 'calibration.json'));
  const auto = autoSteps(request, model, calibrations);
  const { replan } = auto;
  return { request: { ...request, steps: auto.steps, ...(replan && { replan }) }, auto };
}
