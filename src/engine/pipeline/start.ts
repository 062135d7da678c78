import type { Conditioner } from '../network/feeds.ts';
import type { EncodedInit } from '../start/init.ts';
import type { LatentShape, NoiseSource, PlannedSampling } from '../sampling/sampling.ts';
import type { GenerateRequest } from '../request.ts';
import type { Prompts } from '../text/conditioning.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
/** One run of the sampler: what it paints, at which size, in which steps. */
export type Pass = { request: GenerateRequest; shape: LatentShape; sampling: PlannedSampling };

export type Start = Prompts &
  Pass & {
    noise: NoiseSource;
    init: Omit<EncodedInit, 'noise' | 'extraChannels'> | null;
    /** [B,C',h,w], what the network reads beside the noise: see EncodedInit; null: nothing */
    extraChannels: Float32Array | null;
    /** what the network is told beside the prompts */
    conditioners: readonly Conditioner[];
    /** the model that takes over, with the prompts as it reads them */
    refiner: (Prompts & { model: LoadedModel }) | null;
  };
