/** Which orders may go through the network together. */
import { promptOf } from '../lora/tags.ts';
import type { GenerateRequest } from '../request.ts';

/** Fields that two orders may differ in and still share evaluations; what is not among them is compared or refused. */
const OWN: ReadonlySet<keyof GenerateRequest> = new Set([
  'prompt',
  'negativePrompt',
  'count',
  'steps',
  'guidanceScale',
  'sampler',
  'schedule',
  'seed',
  'variation',
  'seedResize',
  'etaNoiseSeedDelta',
  'eta',
  'guidanceRescale',
  'clipSkip',
  'emphasis',
  'rng',
  'profile',
  'replan',
  'each',
  'negativeGuidance',
  'endAfter',
  'xl',
  'flowShift',
  'textLength',
  'init',
] as const);

/** What must be the same: the network as it is opened, and the size of its rows. */
const SAME = ['model', 'width', 'height', 'vae', 'textEncoders', 'tokenizers', 'distilledGuidance'];

/**
 * Orders of equal keys may be painted together: the same model with the same LoRAs, and latents of one size. Null for an
 * order that is painted alone: it asks for that (`exact`), changes networks or sizes on its way, or has something that
 * this does not know.
 */
export function shareKeyOf(request: Omit<GenerateRequest, 'init' | 'references'>): string | null {
  const others = Object.entries(request).filter(
    ([name, value]) =>
      !OWN.has(name as keyof GenerateRequest) &&
      !SAME.includes(name) &&
      value !== undefined &&
      value !== null &&
      value !== false &&
      value !== 0,
  );
  if (others.length > 0) return null;
  const fields = request as Readonly<Record<string, unknown>>;
  try {
    const loras = promptOf(request).loras.map(({ name, ...strengths }) => [
      name.toLowerCase(),
      strengths.denoiser,
      strengths.text,
    ]);
    return JSON.stringify([...SAME.map((name) => fields[name] ?? null), loras]);
  } catch {
    // A tag that says nothing: whoever paints it says so.
    return null;
  }
}
