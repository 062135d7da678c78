/** Text encoders in files: which kinds they are, under transformers' names. */
import { type PartTensors, type TensorSlice } from '../../../checkpoint/tensors.ts';
import { textTensors } from '../../../checkpoint/names/split.ts';
import type { EncoderKind } from '../../../text/language/reader.ts';

export type FoundEncoder = {
  kinds: readonly EncoderKind[];
  /** the file, for sentences */
  path: string;
  tensors: PartTensors;
  /** numbers in the embedding of a token */
  width: number;
  vocabulary: number;
  layers: number;
};

/** What programs put before an encoder's names in a file of several networks. */
const ROOT =
  /^(?:text_encoders\.\w+\.(?:transformer\.)?|conditioner\.embedders\.\d\.transformer\.|cond_stage_model\.(?:\w+\.)?transformer\.|text_encoder(?:_\d)?\.)/;

/** All text encoders that the tensors hold. */
export function encodersIn(
  all: ReadonlyMap<string, TensorSlice>,
  path: string,
): readonly FoundEncoder[] {
  const below = new Map<string, Map<string, TensorSlice>>();
  for (const [name, tensor] of all) {
    const root = ROOT.exec(name)?.[0] ?? '';
    const own = below.get(root) ?? new Map<string, TensorSlice>();
    below.set(root, own.set(name.slice(root.length), tensor));
  }
  const found: FoundEncoder[] = [];
  for (const [root, own] of below) {
    // beside encoders with a root in front, names without one are the transformer's
    if (root === '' && below.size > 1) continue;
    const encoder = encoderOf(own);
    if (encoder !== null) found.push({ ...encoder, path, kinds: kindsUnder(root, encoder.kinds) });
  }
  return found;
}

function kindsUnder(root: string, kinds: readonly EncoderKind[]): readonly EncoderKind[] {
  const named = /clip_[lg]/.exec(root)?.[0];
  return named === undefined ? kinds : kinds.filter((kind) => kind === named);
}

type Named = Omit<FoundEncoder, 'path'>;

function encoderOf(tensors: ReadonlyMap<string, TensorSlice>): Named | null {
  const t5 = t5Names(tensors);
  if (t5.has('encoder.block.0.layer.0.SelfAttention.q.weight')) {
    const table = t5.has('shared.weight') ? 'shared.weight' : 'encoder.embed_tokens.weight';
    return described(['t5'], t5, table, 'encoder.block');
  }
  const language = languageNames(tensors);
  if (language.has('layers.0.self_attn.q_proj.weight')) {
    const kind = language.has('layers.0.self_attn.q_norm.weight') ? 'qwen3' : 'qwen2.5-vl';
    return described([kind], language, 'embed_tokens.weight', 'layers');
  }
  const clip = textTensors(withFactors(tensors), 'clip');
  const words = 'embeddings.token_embedding.weight';
  if (!clip.has(words)) return null;
  // a projection alone tells nothing: files of CLIP-L have one, too
  return described(['clip_l', 'clip_g'], clip, words, 'encoder.layers');
}

function described(
  kinds: readonly EncoderKind[],
  tensors: PartTensors,
  table: string,
  blocks: string,
): Named {
  const [vocabulary = 0, width = 0] = tensors.get(table)?.shape ?? [];
  const layers = new Set(
    [...tensors.keys()].flatMap((name) =>
      name.startsWith(`${blocks}.`) ? [name.slice(blocks.length + 1).split('.')[0]] : [],
    ),
  ).size;
  return { kinds, tensors, width, vocabulary, layers };
}

/** llama.cpp's names of a layer's parts. */
const LLAMA: Readonly<Record<string, string>> = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
  attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm',
};

const LLAMA_T5: Readonly<Record<string, string>> = {
  attn_q: '0.SelfAttention.q',
  attn_k: '0.SelfAttention.k',
  attn_v: '0.SelfAttention.v',
  attn_o: '0.SelfAttention.o',
  attn_rel_b: '0.SelfAttention.relative_attention_bias',
  attn_norm: '0.layer_norm',
  ffn_gate: '1.DenseReluDense.wi_0',
  ffn_up: '1.DenseReluDense.wi_1',
  ffn_down: '1.DenseReluDense.wo',
  ffn_norm: '1.layer_norm',
};

/** transformers' names of T5's encoder, from its own or llama.cpp's. */
function t5Names(tensors: ReadonlyMap<string, TensorSlice>): PartTensors {
  if (!tensors.has('enc.blk.0.attn_q.weight')) return withFactors(tensors);
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of tensors) {
    const block = /^enc\.blk\.(\d+)\.(\w+)\.(weight\.\w+|weight)$/.exec(name);
    const part = LLAMA_T5[block?.[2] ?? ''];
    if (block !== null && part !== undefined) {
      renamed.set(`encoder.block.${block[1]}.layer.${part}.${block[3]}`, tensor);
    } else if (name === 'token_embd.weight') renamed.set('shared.weight', tensor);
    else if (name === 'enc.output_norm.weight') {
      renamed.set('encoder.final_layer_norm.weight', tensor);
    }
  }
  return renamed;
}

/** transformers' names of a language model without `model.` in front, from its own or llama.cpp's. */
function languageNames(tensors: ReadonlyMap<string, TensorSlice>): PartTensors {
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of withFactors(tensors)) {
    const block = /^blk\.(\d+)\.(\w+)\.(weight\.(?:scales|floors)|weight|bias)$/.exec(name);
    const part = LLAMA[block?.[2] ?? ''];
    if (block !== null && part !== undefined) {
      renamed.set(`layers.${block[1]}.${part}.${block[3]}`, tensor);
    } else if (name === 'token_embd.weight') renamed.set('embed_tokens.weight', tensor);
    else if (name === 'output_norm.weight') renamed.set('norm.weight', tensor);
    else renamed.set(name.replace(/^(?:model\.)?(?:language_model\.)?(?:model\.)?/, ''), tensor);
  }
  return renamed;
}

function withFactors(tensors: ReadonlyMap<string, TensorSlice>): Map<string, TensorSlice> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name.replace(/\.weight_scale$/, '.scale_weight'),
      tensor,
    ]),
  );
}
