/** Text encoders of checkpoints with a UNet: do they fit it, and what is known of them? */
import { RunError } from '../../errors.ts';
import type { TextHabits, UnetFamily } from '../../families/unet-family.ts';
import { say } from '../../sentences.ts';
import { checkPart } from '../check-part.ts';
import type { CheckpointText, Facts, TextRole, WantedText } from '../checkpoint.ts';
import type { TextPart } from '../names/split.ts';
import { type TextShape, textBlueprint, textShape } from '../shape/text-shape.ts';
import type { PartTensors } from '../tensors.ts';
import type { FoundText } from './parts.ts';

/** Of CLIP, and of UNets but SD 1's. */
export const HEAD_SIZE = 64;

/** CLIP's tokenizer gives this many numbers: an encoder with fewer words was made for another. */
const CLIP_VOCABULARY = 49408;

/**
 * The text encoders of a UNet's checkpoint, as its family reads them.
 * @throws RunError for a vocabulary that needs a tokenizer of its own
 */
export function textsOf(
  facts: Facts,
  found: readonly FoundText[],
  family: UnetFamily,
  wanted: readonly WantedText[],
): { text: CheckpointText; tensors: PartTensors }[] {
  const texts: { text: CheckpointText; tensors: PartTensors }[] = [];
  for (const { role, width } of wanted) {
    const part = found.find(
      ({ place, role: own }) =>
        (place ?? (own === 'clip_g' ? 'text_encoder_2' : 'text_encoder')) === role,
    );
    if (part === undefined) continue;
    const { shape, tensors } = checkText(facts.name, role, part, width);
    if (part.tokenizer === null && shape.vocabulary < CLIP_VOCABULARY) {
      const sizes = [shape.vocabulary, CLIP_VOCABULARY] as const;
      throw new RunError(say('text-encoder-vocabulary', facts.name, role, ...sizes));
    }
    texts.push({ text: { role, ...describeText(part, shape, family.text(role)) }, tensors });
  }
  return texts;
}

/**
 * The text encoder's shape, and its tensors as its role needs them: only the second one is projected.
 * @throws RunError for one that lacks tensors or does not fit the denoiser
 */
export function checkText(
  name: string,
  role: TextRole,
  part: Pick<TextPart, 'tensors'>,
  width: number,
): { shape: TextShape; tensors: PartTensors } {
  const tensors =
    role === 'text_encoder'
      ? new Map([...part.tensors].filter(([each]) => !each.startsWith('text_projection')))
      : part.tensors;
  const shape = textShape(tensors);
  checkPart(name, role, tensors, textBlueprint(tensors, shape));
  if (shape.width !== width) {
    throw new RunError(say('text-encoder-misfit', name, role, shape.width, width));
  }
  if (role === 'text_encoder_2' && shape.projection === null) {
    throw new RunError(say('part-lacks', name, role, 'text_projection.weight'));
  }
  return { shape, tensors };
}

/**
 * Decides how a text encoder is run: its activation, heads, and how many of its layers. Its own config goes before
 * the family's habits.
 */
export function describeText(
  { style, config, tokenizer }: Pick<FoundText, 'style' | 'config' | 'tokenizer'>,
  shape: TextShape,
  habits: TextHabits,
): Omit<CheckpointText, 'role'> {
  const { isOpenClip } = habits;
  const own = config['hidden_act'];
  return {
    style: isOpenClip ? 'openclip' : style,
    activation: own === 'gelu' || own === 'quick_gelu' ? own : isOpenClip ? 'gelu' : 'quick_gelu',
    heads: count(config['num_attention_heads']) ?? Math.max(1, Math.floor(shape.width / HEAD_SIZE)),
    shape,
    layers: Math.min(
      shape.layers,
      count(config['num_hidden_layers']) ?? habits.layersUsed(style, shape.layers),
    ),
    tokenizer,
  };
}

/** A whole number of a config.json above 0; else null. */
export function count(value: unknown): number | null {
  return Number.isInteger(value) && Number(value) > 0 ? Number(value) : null;
}
