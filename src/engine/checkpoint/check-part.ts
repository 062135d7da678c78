/** Is a network whole, and are its weights numbers that can be calculated with? */
import { FACTOR, factorKind } from './file/factors.ts';
import { RunError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { CheckpointParts } from './checkpoint.ts';
import { isFloating, readBytes, toFloat32 } from './file/numbers.ts';
import { shown } from './file/header.ts';
import { type Blueprint, firstMisfit } from './shape/blueprint.ts';
import type { PartTensors, TensorSlice } from './tensors.ts';

/** @throws RunError naming the first tensor that is missing, of another size, or of a type nobody reads */
export function checkPart(
  model: string,
  part: string,
  tensors: PartTensors,
  blueprint: Blueprint,
): void {
  refuseQuantised(model, tensors);
  const misfit = firstMisfit(tensors, blueprint);
  if (misfit === null) return;
  const { name, found, expected } = misfit;
  if (found === null) throw new RunError(say('part-lacks', model, part, shown(name)));
  throw new RunError(
    say('part-misfit', model, part, shown(name), found.join(', '), expected.join(', ')),
  );
}

/** Quantised files keep scales and maps beside the weights, which stand for other numbers then. */
const SCALES = /\.(?:absmax|quant_map|quant_state\b.*|qweight|qzeros|scales|SCB|wscales)$/;

/** What is no weight: places of tokens, and notes about how the file was made. */
const NOTES = /(?:^|\.)(?:position_ids|comfy_quant|scaled_fp8)$/;

function refuseQuantised(model: string, tensors: PartTensors): void {
  for (const [name, { type, shape }] of tensors) {
    const weight = tensors.get(name.replace(FACTOR, '.weight'));
    const isOther = FACTOR.test(name) && factorKind({ shape }, weight) === null;
    if (isOther || SCALES.test(name)) {
      throw new RunError(say('part-quantised', model, shown(name)));
    }
    if (!isFloating(type) && !NOTES.test(name)) {
      throw new RunError(say('tensor-type', model, shown(name), type));
    }
  }
}

const WORDS: Readonly<Record<string, string>> = {
  F64: 'fp64',
  F32: 'fp32',
  F16: 'fp16',
  BF16: 'bf16',
  F8_E4M3: 'fp8',
  F8_E5M2: 'fp8_e5m2',
};

/** What most of a network's bytes are stored in. */
export function dtypeOf(tensors: PartTensors): string {
  const bytes = new Map<string, number>();
  for (const { type, length } of tensors.values()) {
    if (isFloating(type)) bytes.set(type, (bytes.get(type) ?? 0) + length);
  }
  const [most = ''] = [...bytes].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  return WORDS[most] ?? most;
}

/** One tensor a network that everything passes through, of a few thousand numbers. */
const LOOKED_AT = {
  unet: ['conv_in.weight', 'conv_out.weight'],
  vae: ['decoder.conv_in.weight', 'decoder.conv_out.weight'],
  text: ['final_layer_norm.weight'],
} as const;

/** @throws RunError for a network whose first numbers are none; a run on a small input looks at all of them later */
export async function checkFinite(
  model: string,
  { unet, vae, texts }: CheckpointParts,
): Promise<void> {
  const looked: { part: string; name: string; tensor: TensorSlice }[] = [];
  const look = (part: string, tensors: PartTensors, names: readonly string[]): void => {
    for (const name of names) {
      const tensor = tensors.get(name);
      if (tensor !== undefined) looked.push({ part, name, tensor });
    }
  };
  look('unet', unet, LOOKED_AT.unet);
  if (vae !== null) look('vae', vae, LOOKED_AT.vae);
  for (const [role, tensors] of texts) look(role, tensors, LOOKED_AT.text);
  const bytes = await readBytes(looked.map(({ tensor }) => tensor));
  for (const [i, { part, name, tensor }] of looked.entries()) {
    const numbers = toFloat32((bytes[i] as Uint8Array<ArrayBuffer>).buffer, tensor.type);
    if (!numbers.every(Number.isFinite)) {
      throw new RunError(say('part-not-finite', model, part, name));
    }
  }
}
