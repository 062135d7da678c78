/** The part of a text encoder that sees pictures. */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { GraphStyle } from '../../graphs/builder.ts';
import { qwenVisionGraph } from '../../graphs/language/qwen-vision.ts';
import { builtSource, type GraphSource } from '../../network/graph-source.ts';
import type { OpenedEncoder } from './networks/choose-encoders.ts';

/** The head size of all large ones, or of the smallest there are. */
const HEADS = [80, 16];
/** Every eighth block of the eyes looks at the whole picture. */
const WHOLE = 8;

/** Null: the encoder's file has no eyes. */
export function visionTowerOf(
  { tensors, config, path }: OpenedEncoder,
  style: GraphStyle,
): GraphSource | null {
  const depth = blocksOf(tensors);
  const [width = 0] = tensors.get('visual.patch_embed.proj.weight')?.shape ?? [];
  if (depth === 0 || width === 0) return null;
  const { num_heads: heads, fullatt_block_indexes: whole } = (config['vision_config'] ?? {}) as {
    num_heads?: number;
    fullatt_block_indexes?: number[];
  };
  const likely = width / (HEADS.find((size) => width % size === 0) ?? width);
  const usual = Array.from({ length: depth }, (_, i) => i).filter(
    (i) => (i + 1) % WHOLE === 0 || i === depth - 1,
  );
  const words = { heads: heads ?? likely, whole: whole ?? usual };
  return builtSource(path, qwenVisionGraph(tensors, words, style));
}

function blocksOf(tensors: PartTensors): number {
  let depth = 0;
  while (tensors.has(`visual.blocks.${depth}.attn.qkv.weight`)) depth++;
  return depth;
}
