/** Files whose weights stand for other numbers, in ways that are not read here. */
import { RunError } from '../../errors.ts';
import type { TensorSlice } from '../../checkpoint/tensors.ts';
import { say } from '../../sentences.ts';

/** What bitsandbytes, GPTQ, AWQ and Nunchaku keep beside the weights. */
const BESIDE =
  /\.(?:absmax|nested_absmax|quant_map|nested_quant_map|quant_state\b.*|qweight|qzeros|SCB|wscales|smooth_factor(?:_orig)?)$/;

const FACTOR = /\.(?:scale_weight|weight_scale)$/;

/** @throws RunError naming a tensor that tells of a kind of quantisation that is not known */
export function refuseForeignNumbers(
  model: string,
  tensors: ReadonlyMap<string, TensorSlice>,
): void {
  for (const [name, { shape }] of tensors) {
    // fp8 with one factor a layer can be read, with a factor a row or a block it cannot
    const isPerRow = FACTOR.test(name) && shape.reduce((product, side) => product * side, 1) !== 1;
    if (isPerRow || BESIDE.test(name)) throw new RunError(say('part-quantised', model, name));
  }
}
