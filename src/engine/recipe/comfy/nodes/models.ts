/** Nodes that load or change models and text encoders: checkpoints, clip skip, guidance; LoRAs in lora-loaders.ts. */
import { fileIn, LORA_RULES } from './lora-loaders.ts';
import type { Rule, Rules } from '../graph.ts';

const loaded =
  (...names: string[]): Rule =>
  (node) => {
    if (node.want === 'clip') return { is: 'clip', loras: [] };
    if (node.want === 'scalar') return node.text(...names);
    const name = fileIn(node, ...names);
    return { is: 'model', loras: [], ...(name !== undefined && { name }) };
  };

const lastLayer: Rule = (node) => {
  const clip = node.clip('clip');
  const layer = node.number('stop_at_clip_layer');
  return (
    clip && {
      ...clip,
      is: 'clip',
      ...(layer !== undefined && { skip: Math.max(1, Math.abs(layer)) }),
    }
  );
};

/** A change of the model that is not made here. */
export const changed =
  (name: string | null): Rule =>
  (node) => {
    if (node.want === 'clip') {
      const clip = node.clip('clip');
      return clip && { ...clip, is: 'clip' };
    }
    const model = node.model('model', 'model1');
    return model && name !== null ? { ...model, without: [...(model.without ?? []), name] } : model;
  };

const perturbed: Rule = (node) => {
  const model = node.model('model');
  const scale = node.number('scale');
  return model && { ...model, ...(scale !== undefined && { pag: scale }) };
};

const rescaled: Rule = (node) => {
  const model = node.model('model');
  const multiplier = node.number('multiplier');
  return model && { ...model, ...(multiplier !== undefined && { rescale: multiplier }) };
};

const switchedModel: Rule = (node) => {
  const side = node.scalar('boolean') === true ? 'a' : 'b';
  if (node.want !== 'clip') return node.model(`model_${side}`);
  const clip = node.clip(`clip_${side}`);
  return clip && { ...clip, is: 'clip' };
};

export const MODEL_RULES: Rules = {
  CheckpointLoaderSimple: loaded('ckpt_name'),
  CheckpointLoader: loaded('ckpt_name'),
  'CheckpointLoader|pysssss': loaded('ckpt_name'),
  CheckpointLoaderNF4: loaded('ckpt_name'),
  unCLIPCheckpointLoader: loaded('ckpt_name'),
  ImageOnlyCheckpointLoader: loaded('ckpt_name'),
  ECHOCheckpointLoaderSimple: loaded('ckpt_name'),
  'Checkpoint Loader': loaded('ckpt_name'),
  'Checkpoint Loader (Simple)': loaded('ckpt_name'),
  'Load Checkpoint': loaded('ckpt_name'),
  UNETLoader: loaded('unet_name'),
  UnetLoaderGGUF: loaded('unet_name'),
  UnetLoaderGGUFAdvanced: loaded('unet_name'),
  NunchakuFluxDiTLoader: loaded('model_path'),
  DiffusersLoader: loaded('model_path'),
  CLIPLoader: () => ({ is: 'clip', loras: [] }),
  DualCLIPLoader: () => ({ is: 'clip', loras: [] }),
  TripleCLIPLoader: () => ({ is: 'clip', loras: [] }),
  QuadrupleCLIPLoader: () => ({ is: 'clip', loras: [] }),
  CLIPLoaderGGUF: () => ({ is: 'clip', loras: [] }),
  DualCLIPLoaderGGUF: () => ({ is: 'clip', loras: [] }),
  TripleCLIPLoaderGGUF: () => ({ is: 'clip', loras: [] }),
  ...LORA_RULES,
  'Lora Input Switch': switchedModel,
  CLIPSetLastLayer: lastLayer,
  PerturbedAttentionGuidance: perturbed,
  RescaleCFG: rescaled,
  FreeU: changed('FreeU'),
  FreeU_V2: changed('FreeU'),
  HyperTile: changed('HyperTile'),
  TomePatchModel: changed('token merging'),
  PatchModelAddDownscale: changed('Kohya deep shrink'),
  SelfAttentionGuidance: changed('self-attention guidance'),
  IPAdapter: changed('IP-Adapter'),
  IPAdapterAdvanced: changed('IP-Adapter'),
  IPAdapterApply: changed('IP-Adapter'),
  IPAdapterFaceID: changed('IP-Adapter'),
  ADE_AnimateDiffLoaderGen1: changed('AnimateDiff'),
  ADE_AnimateDiffLoaderWithContext: changed('AnimateDiff'),
  ADE_UseEvolvedSampling: changed('AnimateDiff'),
  ModelMergeSimple: changed('merging of models'),
  ModelMergeBlocks: changed('merging of models'),
  ModelMergeSubtract: changed('merging of models'),
  ModelMergeAdd: changed('merging of models'),
  SkipLayerGuidanceSD3: changed('skip-layer guidance'),
  SkipLayerGuidanceDiT: changed('skip-layer guidance'),
  DifferentialDiffusion: changed('differential diffusion'),
  ModelSamplingDiscrete: changed(null),
  ModelSamplingContinuousEDM: changed(null),
  ModelSamplingAuraFlow: changed(null),
  CFGNorm: changed('CFG norm'),
  CFGZeroStar: changed('CFG-Zero*'),
  TorchCompileModel: changed(null),
  ModelSamplingFlux: changed(null),
  ModelSamplingSD3: changed(null),
  DynamicThresholdingFull: changed('dynamic thresholding'),
  DynamicThresholdingSimple: changed('dynamic thresholding'),
};
