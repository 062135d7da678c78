/**
 * The layers of Stable Diffusion's original UNet by diffusers' names. Originals number the blocks of all levels through;
 * diffusers counts within a level (behaviour of diffusers' convert_ldm_unet_checkpoint and convert_unet_state_dict).
 */

/** Where a numbered block stands: its level, and its place within it. */
export type Place = { level: number; place: number };

export type BlockPlaces = { input(block: number): Place; output(block: number): Place };

/** Stable Diffusion 1, 2 and XL: two resnets and a sampler a level; the first input block is conv_in. */
const PER_LEVEL = 3;
export const USUAL_PLACES: BlockPlaces = {
  input: (block) => ({
    level: Math.floor((block - 1) / PER_LEVEL),
    place: (block - 1) % PER_LEVEL,
  }),
  output: (block) => ({ level: Math.floor(block / PER_LEVEL), place: block % PER_LEVEL }),
};

const RESNET: Readonly<Record<string, string>> = {
  'in_layers.0': 'norm1',
  'in_layers.2': 'conv1',
  'emb_layers.1': 'time_emb_proj',
  'out_layers.0': 'norm2',
  'out_layers.3': 'conv2',
  skip_connection: 'conv_shortcut',
};

const OUTER: Readonly<Record<string, string>> = {
  'input_blocks.0.0': 'conv_in',
  'time_embed.0': 'time_embedding.linear_1',
  'time_embed.2': 'time_embedding.linear_2',
  'time_embed.cond_proj': 'time_embedding.cond_proj',
  'label_emb.0.0': 'add_embedding.linear_1',
  'label_emb.0.2': 'add_embedding.linear_2',
  'out.0': 'conv_norm_out',
  'out.2': 'conv_out',
};

/** A layer's path, without `.weight`; null for what is no layer of an original UNet. */
export function unetLayer(path: string, places: BlockPlaces = USUAL_PLACES): string | null {
  const outer = Object.hasOwn(OUTER, path) ? OUTER[path] : undefined;
  if (outer !== undefined) return outer;
  const middle = /^middle_block\.(\d)\.(.+)$/.exec(path);
  if (middle) {
    const [, at = '', rest = ''] = middle;
    if (at === '1' && !isOfResnet(rest)) return `mid_block.attentions.0.${rest}`;
    return `mid_block.resnets.${at === '0' ? 0 : 1}.${inResnet(rest)}`;
  }
  const block = /^(input|output)_blocks\.(\d+)\.(\d)\.(.+)$/.exec(path);
  if (!block) return null;
  const [, side, number, inner, rest = ''] = block;
  const isDown = side === 'input';
  const { level, place } = isDown ? places.input(Number(number)) : places.output(Number(number));
  const where = `${isDown ? 'down' : 'up'}_blocks.${level}`;
  if (rest === 'op') return `${where}.downsamplers.0.conv`;
  if (rest === 'conv') return `${where}.upsamplers.0.conv`;
  if (inner === '0') return `${where}.resnets.${place}.${inResnet(rest)}`;
  return `${where}.attentions.${place}.${rest}`;
}

function inResnet(rest: string): string {
  return (Object.hasOwn(RESNET, rest) ? RESNET[rest] : undefined) ?? rest;
}

/** Smaller networks (Segmind's) have no attention in the middle, and their second resnet stands in its place. */
function isOfResnet(rest: string): boolean {
  return Object.hasOwn(RESNET, rest);
}

/**
 * The same for layers whose dots are underscores, as trainers of LoRAs write them: `input_blocks_4_0_emb_layers_1`
 * becomes `down_blocks_1_resnets_0_time_emb_proj`. Null for what is none.
 */
export function flatUnetLayer(layer: string): string | null {
  const outer = FLAT_OUTER.get(layer);
  if (outer !== undefined) return outer;
  const block = /^(input_blocks_\d+_\d|output_blocks_\d+_\d|middle_block_\d)_(.+)$/.exec(layer);
  if (!block) return null;
  const [, where = '', rest = ''] = block;
  const numbers = where.replaceAll(/_(\d+)/g, '.$1');
  return flat(unetLayer(`${numbers}.${FLAT_RESNET.get(rest) ?? rest}`) ?? layer);
}

const flat = (path: string): string => path.replaceAll('.', '_');
const FLAT_OUTER = new Map(Object.entries(OUTER).map(([from, to]) => [flat(from), flat(to)]));
const FLAT_RESNET = new Map(Object.keys(RESNET).map((from) => [flat(from), from]));

/** Levels end where a sampler stands; `names` are those of a whole network, such as `input_blocks.3.0.op.weight`. */
export function placesIn(names: Iterable<string>): BlockPlaces {
  const found = { input: new Map<number, boolean>(), output: new Map<number, boolean>() };
  for (const name of names) {
    const block = /^(input|output)_blocks\.(\d+)\.\d\.(.*)$/.exec(name);
    if (!block) continue;
    const [, side, number, rest] = block;
    const blocks = found[side as 'input' | 'output'];
    const isSampler = rest === 'op.weight' || rest === 'conv.weight';
    blocks.set(Number(number), (blocks.get(Number(number)) ?? false) || isSampler);
  }
  const input = numbered(found.input, 1);
  const output = numbered(found.output, 0);
  const nowhere = { level: 0, place: 0 };
  return {
    input: (block) => input.get(block) ?? nowhere,
    output: (block) => output.get(block) ?? nowhere,
  };
}

/** A downsampler is a block of its own, behind the resnets; an upsampler is part of the last one. Both end the level. */
function numbered(blocks: ReadonlyMap<number, boolean>, first: number): Map<number, Place> {
  const places = new Map<number, Place>();
  let [level, place] = [0, 0];
  for (const [block, isLast] of [...blocks].toSorted(([a], [b]) => a - b)) {
    if (block < first) continue;
    places.set(block, { level, place });
    if (isLast) [level, place] = [level + 1, 0];
    else place += 1;
  }
  return places;
}
