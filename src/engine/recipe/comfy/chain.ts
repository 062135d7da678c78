/** The passes that lead to a picture: which is the first, what enlarges or refines it, and what of them cannot be followed. */
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';
import { type Recipe } from '../found.ts';
import { type Latent, type Pass } from './graph.ts';

/** Runs of a sampler behind each other: more than people chain. */
const MOST_PASSES = 12;

type Chain = { base: Pass; later: { pass: Pass; start: Latent }[]; refiner: Pass | null };

/** From the last run back to the one that made the picture. */
export function chainOf(last: Latent): Chain {
  const later: Chain['later'] = [];
  let base = last.from as Pass;
  let refiner: Pass | null = null;
  for (let runs = 0; runs < MOST_PASSES; runs++) {
    const { start } = base;
    if (start === null || typeof start.from !== 'object') break;
    const goesOn = !base.addsNoise && (base.startsAt ?? 0) > 0;
    // From noise alone: what lies before is painted over.
    if (!goesOn && base.denoise >= 1) break;
    if (!goesOn) later.unshift({ pass: base, start });
    else if (start.from.model?.name !== base.model?.name) refiner = base;
    base = start.from;
  }
  return { base, later, refiner };
}

type Hires = { scale: number; steps?: number; strength: number; upscaler: string };

/** The first later run over a larger picture; where none enlarges, the first one. */
export function hiresOf(base: Pass, later: Chain['later'], last: Latent): Hires | undefined {
  if (base.hires) {
    const { scale, steps, denoise = 0.7, upscaler = 'latent' } = base.hires;
    return { scale, ...(steps !== undefined && { steps }), strength: denoise, upscaler };
  }
  const chosen = later.find(({ start }) => scaleOf(base, start) > 1) ?? later[0];
  if (chosen === undefined || last.from === base) return undefined;
  const { pass, start } = chosen;
  // The advanced sampler counts the steps that it leaves out as well.
  const steps = pass.steps === undefined ? undefined : pass.steps - (pass.startsAt ?? 0);
  return {
    scale: scaleOf(base, start),
    ...(steps !== undefined && { steps }),
    strength: pass.denoise,
    upscaler: start.upscaler ?? 'latent',
  };
}

function scaleOf(base: Pass, start: Latent): number {
  const width = base.start?.width;
  const scale =
    width !== undefined && start.width !== undefined ? start.width / width : (start.factor ?? 1);
  return Number(scale.toFixed(4));
}

/**
 * Reads the refiner and the share of steps (0 to 1) it takes over at, from one sampler that knows of it or from a
 * second pass that goes on from the first.
 */
export function refinerOf(base: Pass, refiner: Pass | null): Pick<Recipe['input'], 'refiner'> {
  const own = base.refiner;
  if (own?.model?.name !== undefined)
    return { refiner: { model: own.model.name, switchAt: own.at } };
  const name = refiner?.model?.name;
  if (refiner === null || name === undefined || !refiner.steps || refiner.startsAt === undefined)
    return {};
  return {
    refiner: { model: name, switchAt: Number((refiner.startsAt / refiner.steps).toFixed(4)) },
  };
}

/** Says what of a workflow is not followed here, eight names at most. */
export function leftOut(last: Latent, base: Pass, later: Chain['later']): Said[] {
  const names = new Set([
    ...(base.positive?.without ?? []),
    ...(base.negative?.without ?? []),
    ...(base.model?.without ?? []),
    ...(base.start?.without ?? []),
    ...(last.without ?? []),
    ...later.flatMap(({ start }) => start.without ?? []),
  ]);
  if (later.length > 1) names.add('more than one second pass');
  return names.size === 0 ? [] : [say('recipe-left-out', [...names].slice(0, 8).join(', '))];
}
