/** The families of diffusion transformers. */
import { FLUX2 } from './flux2.ts';
import { FLUX } from './flux.ts';
import { QWEN_IMAGE } from './qwen-image.ts';
import { SD3 } from './sd3.ts';
import type { TransformerFamily } from './transformer-family.ts';
import { Z_IMAGE } from './z-image.ts';

/** In the order in which they are asked: FLUX.2 shares most names with Flux.1. */
export const TRANSFORMERS: readonly TransformerFamily[] = [Z_IMAGE, FLUX2, FLUX, SD3, QWEN_IMAGE];
