/** Networks that make a picture larger, by their tensors: what each is called differs from program to program. */
import type { PartTensors, TensorSlice } from '../tensors.ts';

/** `rrdb`: ESRGAN (Wang et al. 2018); `compact`: Real-ESRGAN's small one (Wang et al. 2021, SRVGGNetCompact). */
export type UpscalerTensors = {
  kind: 'rrdb' | 'compact';
  /** by Real-ESRGAN's names */
  tensors: PartTensors;
  /** sides of the result as a multiple of the picture's */
  factor: number;
  /** sides of the squares of pixels that become channels at its entrance; 1: none do */
  folds: number;
};

/** Null for tensors of anything else, also of an upscaler of another making. */
export function upscalerTensors(found: ReadonlyMap<string, TensorSlice>): UpscalerTensors | null {
  const bare = new Map(
    [...found].map(([name, tensor]) => [
      name.replace(/^(?:module\.)?(?:params(?:_ema)?\.|netG\.|generator\.)?(?:module\.)?/, ''),
      tensor,
    ]),
  );
  return rrdbOf(withNewNames(bare)) ?? compactOf(bare);
}

/** The first ESRGAN's numbered layers, and BSRGAN's names, by those of Real-ESRGAN. */
function withNewNames(tensors: PartTensors): Map<string, TensorSlice> {
  const numbers = [...tensors.keys()].flatMap((name) => {
    const number = /^model\.(\d+)\.weight$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  const rows = numbers.toSorted((a, b) => a - b);
  const numbered = new Map<number, string>();
  const [last, before] = [rows.at(-1), rows.at(-2)];
  for (const [at, number] of rows.entries()) {
    if (at === 0) numbered.set(number, 'conv_first');
    else if (number === last) numbered.set(number, 'conv_last');
    else if (number === before) numbered.set(number, 'conv_hr');
    else numbered.set(number, `conv_up${at}`);
  }
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of tensors) renamed.set(newName(name, numbered), tensor);
  return renamed;
}

function newName(name: string, numbered: ReadonlyMap<number, string>): string {
  const [, number, kind] = /^model\.(\d+)\.(weight|bias)$/.exec(name) ?? [];
  const known = numbered.get(Number(number));
  if (known !== undefined) return `${known}.${kind}`;
  return name
    .replace(/^model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d|1x1)(?:\.0)?\./, 'body.$1.rdb$2.conv$3.')
    .replace(/^model\.1\.sub\.\d+\.(weight|bias)$/, 'conv_body.$1')
    .replace(/^RRDB_trunk\.(\d+)\.RDB(\d)\./, 'body.$1.rdb$2.')
    .replace(/^trunk_conv\./, 'conv_body.')
    .replace(/^upconv(\d)\./, 'conv_up$1.')
    .replace(/^HRconv\./, 'conv_hr.');
}

function rrdbOf(tensors: PartTensors): UpscalerTensors | null {
  const shape = (name: string): readonly number[] => tensors.get(`${name}.weight`)?.shape ?? [];
  const needed = ['conv_first', 'body.0.rdb3.conv5', 'conv_body', 'conv_hr', 'conv_last'];
  if (needed.some((name) => shape(name).length !== 4)) return null;
  let ups = 0;
  while (tensors.has(`conv_up${ups + 1}.weight`)) ups++;
  const folds = Math.sqrt((shape('conv_first')[1] ?? 0) / 3);
  const factor = 2 ** ups / folds;
  return isWhole(folds) && isFactor(factor) && shape('conv_last')[0] === 3
    ? { kind: 'rrdb', tensors, factor, folds }
    : null;
}

function compactOf(tensors: PartTensors): UpscalerTensors | null {
  const numbers = [...tensors.keys()].map(
    (name) => /^body\.(\d+)\.(?:weight|bias)$/.exec(name)?.[1],
  );
  if (numbers.length < 4 || numbers.some((number) => number === undefined)) return null;
  const last = Math.max(...numbers.map(Number));
  const shape = (at: number): readonly number[] => tensors.get(`body.${at}.weight`)?.shape ?? [];
  const factor = Math.sqrt((shape(last)[0] ?? 0) / 3);
  // Layers and the activations between them, each with a slope for every channel.
  const isSlope = shape(1).length === 1 && last % 2 === 0;
  return isSlope && shape(0)[1] === 3 && isFactor(factor)
    ? { kind: 'compact', tensors, factor, folds: 1 }
    : null;
}

const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1;
const isFactor = (value: number): boolean => isWhole(value) && value <= 8;
