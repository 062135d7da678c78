/** What a header's `__metadata__` says: Stability's model specification (modelspec.*) and the trainers' notes (ss_*). */
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import type { Distilled } from './checkpoint.ts';

type Metadata = ReadonlyMap<string, string>;

export type Predicted = { value: 'epsilon' | 'v_prediction'; how: Said };

const isTrue = (text: string | undefined): boolean => /^(?:true|1)$/i.test(text?.trim() ?? '');

/**
 * Reads what a file's header says its network predicts: modelspec's keys first, then kohya's `ss_v_parameterization`.
 * Null: nothing.
 */
export function metadataPrediction(metadata: Metadata): Predicted | null {
  const spec = metadata.get('modelspec.prediction_type')?.trim().toLowerCase();
  if (spec !== undefined && /^(?:v|v_prediction|v-prediction|velocity)$/.test(spec)) {
    return said('v_prediction', 'modelspec.prediction_type');
  }
  if (spec !== undefined && /^(?:eps|epsilon)$/.test(spec)) {
    return said('epsilon', 'modelspec.prediction_type');
  }
  if (isTrue(metadata.get('ss_v_parameterization'))) {
    return said('v_prediction', 'ss_v_parameterization');
  }
  const architecture = metadata.get('modelspec.architecture') ?? '';
  if (/^stable-diffusion-v2-768-v\b/.test(architecture)) {
    return said('v_prediction', 'modelspec.architecture');
  }
  if (/^stable-diffusion-v2-512\b/.test(architecture)) {
    return said('epsilon', 'modelspec.architecture');
  }
  return null;
}

function said(value: Predicted['value'], key: string): Predicted {
  return { value, how: say('how-metadata', key) };
}

/** Does the header say that training ended in pure noise (zero terminal SNR)? */
export function metadataZeroSnr(metadata: Metadata): boolean {
  return isTrue(metadata.get('ss_zero_terminal_snr')) || isTrue(metadata.get('ztsnr'));
}

/** Sides in pixels, as "1024x1024" or "768". */
export function metadataSize(metadata: Metadata): { width: number; height: number } | null {
  const sides = /^(\d{3,4})(?:\s*[x,]\s*(\d{3,4}))?$/.exec(
    metadata.get('modelspec.resolution')?.trim() ?? '',
  );
  if (!sides) return null;
  const [width, height] = [Number(sides[1]), Number(sides[2] ?? sides[1])];
  const isSide = (side: number): boolean => side >= 256 && side <= 2048 && side % 64 === 0;
  return isSide(width) && isSide(height) ? { width, height } : null;
}

/** Finds how the model was distilled, by the header's names and tags; null where they say nothing. */
export function metadataDistilled(metadata: Metadata): Distilled | null {
  const keys = [
    'modelspec.architecture',
    'modelspec.title',
    'modelspec.tags',
    'ss_base_model_version',
  ];
  for (const key of keys) {
    const found = distilledIn(metadata.get(key) ?? '');
    if (found !== null) return found;
  }
  return null;
}

/** What each was distilled for, by its makers' pages. */
const STEPS: Readonly<Record<Distilled['kind'], number>> = {
  turbo: 4,
  lightning: 4,
  hyper: 8,
  lcm: 4,
  dmd: 4,
};

/** A distilled model's name for itself, and the number of steps beside it. */
export function distilledIn(text: string): Distilled | null {
  const kind = /\b(turbo|lightning|hyper|lcm|dmd)(?:\b|2\b|_|-|(?=\d))/i.exec(
    text.replaceAll('_', ' '),
  )?.[1];
  if (kind === undefined) return null;
  const name = kind.toLowerCase() as Distilled['kind'];
  const steps = Number(/\b(\d{1,2})[\s_-]?steps?\b/i.exec(text)?.[1] ?? 0);
  return { kind: name, steps: steps >= 1 && steps <= 16 ? steps : STEPS[name] };
}
