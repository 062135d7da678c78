/**
 * What of a transformer's networks is in memory at once. Encoder, transformer and VAE work one after the other, so that a
 * model needs no more than its largest network where all of them together do not fit.
 */
import { totalmem } from 'node:os';
import { quantisedBytes } from '../../checkpoint/file/quantised.ts';
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';

export type MemoryRules = {
  /** bytes that a model may take; null: nine tenths of the machine's memory */
  limit: number | null;
  /** bits that matrices of plain files are packed in where memory does not hold them; null: never */
  quantise: 4 | 8 | null;
};

/** Whether the person who runs this machine said what a model may take. */
export function hasOwnLimit(): boolean {
  return rules.limit !== null;
}

let rules: MemoryRules = { limit: null, quantise: null };

/** What holds from now on. */
export function planMemoryBy(own: MemoryRules): void {
  rules = own;
}

/** Beside the weights: what one evaluation takes at the size a model is made for, with ONNX Runtime itself. */
const BESIDE = 1.5 * 2 ** 30;

/** Of a model that is toy-sized nothing needs planning. */
const LEAST_PLANNED = 2 ** 30;

const MACHINE_SHARE = 0.9;

export type Network = { role: 'encoder' | 'transformer' | 'vae'; tensors: PartTensors };

export type MemoryPlan = {
  /** all networks stay open, or each is closed before the next is opened */
  keeps: 'all' | 'one';
  /** of the networks, in their order: bits that it is packed in first, or null */
  bits: readonly (4 | 8 | null)[];
  /** bytes at the most */
  needs: number;
  limit: number;
};

/** @throws RunError with the figure where not even the largest network fits */
export function planMemory(
  model: string,
  networks: readonly Network[],
  { limit: given, quantise }: MemoryRules = rules,
): MemoryPlan {
  const limit = given ?? MACHINE_SHARE * machineMemory();
  const sizes = networks.map(({ tensors }) => bytesOf(tensors));
  const planned = (bytes: readonly number[], bits: MemoryPlan['bits']): MemoryPlan | null => {
    const all = sum(bytes);
    const most = Math.max(...bytes);
    if (all < LEAST_PLANNED) return { keeps: 'all', bits, needs: all + BESIDE, limit };
    if (all + BESIDE <= limit) return { keeps: 'all', bits, needs: all + BESIDE, limit };
    if (most + BESIDE <= limit) return { keeps: 'one', bits, needs: most + BESIDE, limit };
    return null;
  };
  const plain = planned(
    sizes,
    networks.map(() => null),
  );
  if (plain !== null) return plain;
  // Only what does not fit by itself is packed.
  const bits = sizes.map((size) => (size + BESIDE > limit ? quantise : null));
  const smaller = networks.map(({ tensors }, i) =>
    bits[i] === null || bits[i] === undefined ? sizes[i]! : quantisedBytes(tensors, bits[i]),
  );
  const packed = quantise === null ? null : planned(smaller, bits);
  if (packed !== null) return packed;
  const largest = networks[smaller.indexOf(Math.max(...smaller))]!.role;
  const figures = [inGigabytes(Math.max(...smaller) + BESIDE), inGigabytes(limit)] as const;
  throw new RunError(say('memory-too-small', model, largest, ...figures));
}

/** Of a container what it may have of the machine's. */
function machineMemory(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}

function bytesOf(tensors: PartTensors): number {
  // the rows of a packed layer are counted once, whatever they are called
  return sum([...tensors.values()].map(({ length }) => length));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** Writes bytes in units of 1e9, with one decimal place. */
export function inGigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
