/** Nodes that pick a picture's size. */
import type { Rule, Seen } from '../graph.ts';
import { isTrue } from './text-making.ts';

const ASPECT = /(\d{2,5})\s?[x×*]\s?(\d{2,5})/;

/** `3:4 portrait 896x1152`: the sizes are in the name; "custom" takes the fields. */
export function namedSize(node: Seen): { width: number; height: number } | undefined {
  const chosen = node.text('aspect_ratio', 'resolution', 'dimensions', 'preset', 'ratio') ?? '';
  const isCustom = /custom/i.test(chosen) || chosen === '';
  const [, w, h] = isCustom ? [] : (ASPECT.exec(chosen) ?? []);
  const width =
    node.number('width_override') ||
    (w === undefined ? node.number('width', 'custom_width', 'empty_latent_width') : Number(w));
  const height =
    node.number('height_override') ||
    (h === undefined ? node.number('height', 'custom_height', 'empty_latent_height') : Number(h));
  if (width === undefined || height === undefined) return undefined;
  const turned = isTrue(node.scalar('swap_dimensions', 'swap'));
  const scale = node.number('prescale_factor') ?? 1;
  const [first, second] = turned ? [height, width] : [width, height];
  return { width: Math.trunc(first * scale), height: Math.trunc(second * scale) };
}

/** Width, height, then other things; the latent is made by words.ts' neighbours. */
export const aspectRatio: Rule = (node) => {
  const size = namedSize(node);
  if (size === undefined) return undefined;
  if (node.want === 'latent') return { is: 'latent', from: 'empty', ...size };
  if (node.slot === 0) return size.width;
  return node.slot === 1
    ? size.height
    : node.scalar(node.slot === 2 ? 'upscale_factor' : 'batch_size');
};

/** The latent comes first. */
export const sizePicker: Rule = (node) => {
  const size = namedSize(node);
  if (size === undefined) return undefined;
  if (node.want === 'latent') return { is: 'latent', from: 'empty', ...size };
  return node.slot === 1 ? size.width : size.height;
};
