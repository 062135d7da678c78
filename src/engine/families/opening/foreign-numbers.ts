/** Files whose weights stand for other numbers, in ways that are not read here. */
import { RunError } from '../../errors.ts';
import { FACTOR, factorKind } from '../../checkpoint/file/factors.ts';
import type { TensorSlice } from '../../checkpoint/tensors.ts';
import { say } from '../../sentences.ts';

/** What bitsandbytes, GPTQ, AWQ and Nunchaku keep beside the weights. */
const BESIDE =
  /\.(?:absmax|nested_absmax|quant_map|nested_quant_map|quant_state\b.*|qweight|qzeros|SCB|wscales|smooth_factor(?:_orig)?)$/;

/** @throws RunError naming a tensor that tells of a kind of quantisation that is not known */
export function refuseForeignNumbers(
  model: string,
  tensors: ReadonlyMap<string, TensorSlice>,
): void {
  for (const [name, factor] of tensors) {
    const weight = tensors.get(name.replace(FACTOR, '.weight'));
    const isOther = FACTOR.test(name) && factorKind(factor, weight) === null;
    if (isOther || BESIDE.test(name)) throw new RunError(say('part-quantised', model, name));
  }
}
