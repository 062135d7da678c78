/** How graphs are written and opened for a provider. */
import type { ProviderName } from '../names.ts';
import type { GraphStyle } from './builder.ts';

export type Flavour = {
  style: GraphStyle;
  /** the VAE's: that of SDXL leaves the range of float16, and of the others some do */
  vaeStyle: GraphStyle;
  /** of the session: see network/session.ts */
  session: { mapWeights: boolean; asWritten: boolean };
};

const PLAIN_32: GraphStyle = { compute: 'float32', attention: 'plain' };
const FUSED_32: GraphStyle = { compute: 'float32', attention: 'fused' };

/**
 * Weights stay mapped and are cast in every run: a file in float16 takes no more memory than it is long, opens at once,
 * and its steps are some three per cent slower than with weights that were cast and kept. Whatever free memory there
 * is, the same sums are done in the same order, so that a request gives the same bytes.
 */
function onCpu(block: number | null): Flavour {
  const style = block === null ? FUSED_32 : { ...FUSED_32, block };
  // blocks would be two more copies of a picture in the VAE's memory, of which there is a plan
  return { style, vaeStyle: FUSED_32, session: { mapWeights: true, asWritten: true } };
}

/** Weights are copied to the device, in what it calculates in. */
const ON_DEVICE = { mapWeights: false, asWritten: false };

/**
 * The flavours to try in order: a driver whose fused attention or half precision is wrong fails the test run against
 * the CPU, and the next one is plainer. `block`: of channels, see GraphStyle; null: none.
 */
export function flavoursFor(
  provider: ProviderName,
  block: number | null = null,
): readonly Flavour[] {
  if (provider === 'cpu') return [onCpu(block)];
  const plain: Flavour = { style: PLAIN_32, vaeStyle: PLAIN_32, session: ON_DEVICE };
  if (provider === 'coreml') return [plain];
  const half = (attention: GraphStyle['attention']): Flavour => ({
    style: { compute: 'float16', attention },
    vaeStyle: { compute: 'float32', attention },
    session: ON_DEVICE,
  });
  // WebGPU's fused attention gave wrong numbers on two software drivers
  return provider === 'webgpu' ? [half('plain'), plain] : [half('fused'), half('plain'), plain];
}
