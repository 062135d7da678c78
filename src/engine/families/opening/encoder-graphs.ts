/** A transformer's text encoder as a graph, written by its kind and its config. */
import type { Json } from '../../checkpoint/checkpoint.ts';
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { RunError } from '../../errors.ts';
import { BranchError, type Branches } from '../../graphs/low-rank/branches.ts';
import type { BuiltGraph, GraphStyle } from '../../graphs/builder.ts';
import { clipTextGraph } from '../../graphs/language/clip-text.ts';
import { qwenGraph } from '../../graphs/language/qwen3.ts';
import { t5Graph } from '../../graphs/language/t5.ts';
import { positive } from '../../graphs/transformers/network-config.ts';
import type { ModelLayout } from '../../model/layout.ts';
import { say } from '../../sentences.ts';
import type { EncoderKind, Taps } from '../../text/language/reader.ts';
import type { OpenedEncoder } from './networks/choose-encoders.ts';

/** How an encoder's graph is written for a family. */
type WrittenFor = {
  taps: (layers: number) => Taps;
  style: GraphStyle;
  branches: Branches;
  sees: boolean;
  masksText: boolean;
};

/**
 * Writes the graph of a CLIP, T5 or Qwen encoder; what its config does not say is what the kind usually has.
 * @throws BranchError for a LoRA that does not fit, RunError naming the model for an encoder that is damaged
 */
export function encoderGraph(
  encoder: OpenedEncoder,
  { name }: ModelLayout,
  { taps, style, branches, sees, masksText }: WrittenFor,
): BuiltGraph {
  const { wanted, tensors, layers, width } = encoder;
  const config = wordsOf(encoder.config);
  const number = (key: string, usual: number): number => positive(config[key]) ?? usual;
  try {
    switch (wanted.kind) {
      case 't5':
        return t5Graph(tensors, style, {
          epsilon: number('layer_norm_epsilon', 1e-6),
          far: number('relative_attention_max_distance', 128),
          masked: masksText,
          branches,
        });
      case 'qwen3':
      case 'qwen2.5-vl': {
        const heads = number('num_attention_heads', 0);
        const own = number('head_dim', heads > 0 ? width / heads : likelyHeadSize(tensors));
        const words = {
          headSize: own,
          epsilon: number('rms_norm_eps', 1e-6),
          theta: number('rope_theta', 1e6),
        };
        return qwenGraph(tensors, words, style, { ...taps(layers), branches, sees });
      }
      default:
        return clipTextGraph(
          wanted.kind === 'clip_g' || tensors.has('text_projection.weight')
            ? tensors
            : new Map([...tensors].filter(([key]) => !key.startsWith('text_projection'))),
          {
            layers,
            heads: number('num_attention_heads', Math.max(1, Math.floor(width / 64))),
            activation: activationOf(wanted.kind, config['hidden_act']),
            normEpsilon: number('layer_norm_eps', 1e-5),
            projected: wanted.projected ?? false,
          },
          style,
          undefined,
          branches,
        );
    }
  } catch (error) {
    if (error instanceof BranchError) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    throw new RunError(say('family-part-damaged', name, wanted.kind, cause));
  }
}

/** What is told of the text part where there are several, and of its places wherever it stands. */
function wordsOf(config: Json): Json {
  const own = { ...config, ...asJson(config['text_config']) };
  return { ...asJson(own['rope_scaling']), ...own, ...asJson(own['rope_parameters']) };
}

function asJson(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

/** OpenAI's networks have the quick form, OpenCLIP's the exact one. */
function activationOf(kind: EncoderKind, told: unknown): 'gelu' | 'quick_gelu' {
  if (told === 'gelu' || told === 'quick_gelu') return told;
  return kind === 'clip_g' ? 'gelu' : 'quick_gelu';
}

/** 128 as in all large ones, or what the shared heads of a smaller one leave. */
function likelyHeadSize(tensors: PartTensors): number {
  const rows = (role: string): number =>
    tensors.get(`layers.0.self_attn.${role}_proj.weight`)?.shape[0] ?? 0;
  let [a, b] = [rows('q'), rows('k')];
  while (b > 0) [a, b] = [b, a % b];
  return Math.min(128, a);
}
