/** Pictures as Qwen2.5-VL sees them (transformers, models/qwen2_vl/image_processing_qwen2_vl.py). */
import type { Json } from '../../checkpoint/checkpoint.ts';
import { UserError } from '../../errors.ts';
import { roundEven, type VisionLimits, type Size } from '../../families/editing/reference-rules.ts';
import type { Session } from '../../network/session.ts';
import { decodeImage } from '../../picture/image.ts';
import { resizeBytes } from '../../picture/pixels/resample.ts';
import { say } from '../../sentences.ts';
import type { LanguagePart, Shown } from './reader.ts';
import type { States } from './runs.ts';

/** Pixels of a patch, and of what becomes one token, one axis. */
const PATCH = 14;
const TOKEN = 28;
/** Tokens of a window, one axis. */
const WINDOW = 4;
/** A still picture is two frames. */
const FRAMES = 2;
/** Of CLIP's training data. */
const MEANS = [0.48145466, 0.4578275, 0.40821073];
const DEVIATIONS = [0.26862954, 0.26130258, 0.27577711];

/** Of each channel what every level becomes. */
const LEVELS = MEANS.map((mean, channel) =>
  Float32Array.from({ length: 256 }, (_, level) => (level / 255 - mean) / DEVIATIONS[channel]!),
);

/** `processor`: the config of a folder's image processor, {} where there is none */
export function visionLimits(processor: Json): VisionLimits {
  const nested = (processor['image_processor'] ?? processor) as Json;
  const size = (nested['size'] ?? {}) as Json;
  const number = (value: unknown, usual: number): number =>
    typeof value === 'number' && value > 0 ? value : usual;
  return {
    least: number(nested['min_pixels'] ?? size['shortest_edge'], 56 * 56),
    most: number(nested['max_pixels'] ?? size['longest_edge'], 12_845_056),
  };
}

/** RGB, row by row. */
type Picture = Size & { data: Uint8Array };

/** What the eyes make of one picture; `grid`: in tokens. */
export type Seen = { embeds: Float32Array; grid: Size };

/** Whole tokens, as near to its own size as the limits allow. */
export function visionSize({ width, height }: Size, { least, most }: VisionLimits): Size {
  const whole = (side: number): number => roundEven(side / TOKEN) * TOKEN;
  const pixels = whole(width) * whole(height);
  if (pixels > most) {
    const beta = Math.sqrt((height * width) / most);
    const less = (side: number): number => Math.max(TOKEN, Math.floor(side / beta / TOKEN) * TOKEN);
    return { width: less(width), height: less(height) };
  }
  if (pixels < least) {
    const beta = Math.sqrt(least / (height * width));
    const more = (side: number): number => Math.ceil((side * beta) / TOKEN) * TOKEN;
    return { width: more(width), height: more(height) };
  }
  return { width: whole(width), height: whole(height) };
}

/** @throws UserError for an encoder without eyes */
export async function seeAll(
  { visionTower }: LanguagePart,
  { pictures, vision, limits }: Shown,
  model: string,
): Promise<Seen[]> {
  if (visionTower == null) throw new UserError(say('encoder-without-eyes', model));
  const seen: Seen[] = [];
  for (const bytes of pictures) {
    const picture = await decodeImage(bytes);
    const size = vision.fit(picture);
    const data = resizeBytes(picture.data, picture, size, 3);
    seen.push(await see(visionTower, { data, ...size }, limits));
  }
  return seen;
}

/** The last states of a text that speaks of pictures; the first marks in it stand for them. */
export async function statesWith(
  { session, tokenizer }: LanguagePart,
  given: readonly number[],
  seen: readonly Seen[],
): Promise<States> {
  const [mark] = tokenizer.encode('<|image_pad|>');
  const ids: number[] = [];
  const order: number[] = [];
  const positions: [number[], number[], number[]] = [[], [], []];
  const left = [...seen];
  let next = 0;
  let shown = 0;
  for (const id of given) {
    const picture = id === mark ? left.shift() : undefined;
    if (picture === undefined) {
      order.push(ids.push(id) - 1);
      for (const axis of positions) axis.push(next);
      next++;
      continue;
    }
    const { width, height } = picture.grid;
    for (let token = 0; token < width * height; token++) {
      ids.push(id);
      order.push(-1 - shown++);
      positions[0].push(next);
      positions[1].push(next + Math.floor(token / width));
      positions[2].push(next + (token % width));
    }
    next += Math.max(width, height);
  }
  const isShown = session.inputs.has('order');
  const width = Number(session.outputs.get('last_hidden_state')!.shape.at(-1));
  const feeds = {
    input_ids: { data: ids, shape: [1, ids.length] },
    attention_mask: { data: ids.map(() => 1), shape: [1, ids.length] },
    ...(isShown && {
      image_embeds: { data: joined(seen, width), shape: [1, shown, width] },
      // pictures stand behind all tokens
      order: { data: order.map((at) => (at < 0 ? ids.length - 1 - at : at)), shape: [ids.length] },
      positions: { data: positions.flat(), shape: [3, ids.length] },
    }),
  };
  const { last_hidden_state: states } = await session.run(feeds, ['last_hidden_state']);
  return { data: states!.data, tokens: ids.length, dim: width };
}

function joined(seen: readonly Seen[], width: number): Float32Array {
  const all = new Float32Array(seen.reduce((sum, { embeds }) => sum + embeds.length, 0));
  let at = 0;
  for (const { embeds } of seen) {
    all.set(embeds, at);
    at += embeds.length;
  }
  if (all.length % width !== 0) throw new Error(`pictures of ${all.length} numbers, not ${width}`);
  return all;
}

async function see(visionTower: Session, picture: Picture, limits: VisionLimits): Promise<Seen> {
  const size = visionSize(picture, limits);
  const isSame = size.width === picture.width && size.height === picture.height;
  const data = isSame ? picture.data : resizeBytes(picture.data, picture, size, 3, 'bicubic');
  const grid = { width: size.width / TOKEN, height: size.height / TOKEN };
  const order = patchOrder(grid);
  const features = 3 * FRAMES * PATCH * PATCH;
  const { windows, inside, places } = windowsOf(grid);
  const results = await visionTower.run(
    {
      pixels: {
        data: patchesOf(data, size.width, order),
        shape: [1, order.length, features],
      },
      places: { data: order.flat(), shape: [order.length, 2] },
      windows: { data: windows, shape: [windows.length / inside, inside] },
      from_windows: { data: places, shape: [places.length] },
    },
    ['image_embeds'],
  );
  return { embeds: results['image_embeds']!.data, grid };
}

/** Row and column of each patch; the four of a token stand behind each other. */
function patchOrder({ width, height }: Size): (readonly [row: number, column: number])[] {
  return Array.from({ length: 4 * width * height }, (_, at) => {
    const [token, inside] = [at >> 2, at & 3];
    const [row, column] = [Math.floor(token / width), token % width];
    return [2 * row + (inside >> 1), 2 * column + (inside & 1)] as const;
  });
}

/** Of each patch three channels, each two frames of 14 rows. */
function patchesOf(
  data: Uint8Array,
  width: number,
  order: readonly (readonly [number, number])[],
): Float32Array {
  const square = PATCH * PATCH;
  const patches = new Float32Array(order.length * 3 * FRAMES * square);
  let at = 0;
  for (const [row, column] of order) {
    for (const [channel, values] of LEVELS.entries()) {
      const start = at;
      for (let y = row * PATCH; y < (row + 1) * PATCH; y++) {
        for (let x = column * PATCH; x < (column + 1) * PATCH; x++) {
          patches[at++] = values[data[3 * (y * width + x) + channel]!]!;
        }
      }
      for (let frame = 1; frame < FRAMES; frame++, at += square) {
        patches.copyWithin(at, start, start + square);
      }
    }
  }
  return patches;
}

/**
 * The patches of each window and -1 where it has fewer than `inside`, and where each patch stands in them. Windows at
 * the right and lower edges are smaller.
 */
export function windowsOf({ width, height }: Size): {
  windows: number[];
  inside: number;
  places: number[];
} {
  const across = Math.ceil(width / WINDOW);
  const members = new Map<number, number[]>();
  for (let token = 0; token < width * height; token++) {
    const [row, column] = [Math.floor(token / width), token % width];
    const window = Math.floor(row / WINDOW) * across + Math.floor(column / WINDOW);
    const own = members.get(window) ?? [];
    members.set(window, own);
    own.push(...Array.from({ length: 4 }, (_, i) => 4 * token + i));
  }
  const inside = Math.max(...[...members.values()].map(({ length }) => length));
  const places = Array.from({ length: 4 * width * height }, () => 0);
  const windows = [...members.values()].flatMap((own, window) => {
    for (const [i, patch] of own.entries()) places[patch] = window * inside + i;
    return Array.from({ length: inside }, (_, i) => own[i] ?? -1);
  });
  return { windows, inside, places };
}
