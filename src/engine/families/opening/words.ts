import type { OpenedEncoder } from './networks/choose-encoders.ts';
import type { LayerNames } from '../../lora/transformer-layers.ts';
import type { GuidanceRule } from '../../request.ts';
import type { ReferenceRules, VisionLimits } from '../editing/reference-rules.ts';
import type { TransformerFamily } from '../transformer-family.ts';

/** What tells a transformer from a UNet once it is a model. */
export type TransformerWords = {
  family: TransformerFamily;
  encoders: readonly OpenedEncoder[];
  guidance: GuidanceRule;
  /** distilled to a guidance of its own, which it is told */
  isGuided: boolean;
  /** what it is told of guidance where nobody says */
  distilledGuidance: number;
  /** how it is shown pictures to edit from; null: it is not */
  references: ReferenceRules | null;
  /** in which sizes its text encoder may be shown them */
  vision: VisionLimits;
  /** how LoRA files call its layers */
  layerNames: LayerNames;
  /** before its graphs are opened: what is packed is unfolded */
  prepare(): Promise<void>;
};
