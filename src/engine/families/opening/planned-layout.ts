/** A transformer's layout as the memory plan has it, and the plan in words. */
import { quantised } from '../../checkpoint/file/quantised.ts';
import type { MadeTensors } from '../../checkpoint/file/weights-cache.ts';
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { ModelLayout } from '../../model/layout.ts';
import { hasOwnLimit, inGigabytes, type Network, planMemory } from './memory-plan.ts';

type PlannedLayout = {
  layout: ModelLayout;
  keeps: 'all' | 'one';
  /** what will be done, where that is not the usual */
  lines: readonly string[];
};

/**
 * Null: nothing is planned, because it is not known what the device holds.
 * @throws RunError with the figure where the memory does not hold it
 */
export function planFor(layout: ModelLayout, onCpu: boolean): PlannedLayout | null {
  const { transformer, denoiser, vaeDecoder } = layout;
  if (transformer === undefined || (!onCpu && !hasOwnLimit())) return null;
  const networks: Network[] = [
    ...transformer.encoders.map(({ tensors }) => ({ role: 'encoder', tensors }) as const),
    { role: 'transformer', tensors: tensorsOf(denoiser) },
    { role: 'vae', tensors: tensorsOf(vaeDecoder) },
  ];
  const { keeps, bits, needs, limit } = planMemory(layout.name, networks);
  const lines: string[] = [];
  const made: (MadeTensors | null)[] = networks.map(({ role, tensors }, i) => {
    const own = bits[i];
    if (own == null) return null;
    lines.push(
      `${layout.name}: the ${role} does not fit into memory as it is, and is packed in ${own} bits a number first (once, in the data folder).`,
    );
    return quantised(tensors, own, `${layout.stamp} ${role} ${i}`);
  });
  if (keeps === 'one') {
    const [all, most] = [inGigabytes(limit), inGigabytes(needs)];
    lines.push(
      `${layout.name}: encoders, transformer and VAE are loaded one after the other: together they do not fit into ${all} GB, the largest takes ${most} GB.`,
    );
  }
  const encoders = transformer.encoders.map((encoder, i) => ({
    ...encoder,
    tensors: made[i]?.tensors ?? encoder.tensors,
  }));
  const own = made[encoders.length];
  return {
    keeps,
    lines,
    layout: {
      ...layout,
      denoiser:
        own == null || denoiser.kind === 'file' ? denoiser : { ...denoiser, tensors: own.tensors },
      transformer: {
        ...transformer,
        encoders,
        async prepare() {
          await transformer.prepare();
          for (const each of made) await each?.prepare();
        },
      },
    },
  };
}

function tensorsOf(network: ModelLayout['denoiser']): PartTensors {
  return network.kind === 'file' ? new Map() : network.tensors;
}
