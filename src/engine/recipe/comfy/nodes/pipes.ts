/** Nodes that carry several things in one link, loaders that make everything at once, and plain routing. */
import type { Rule, Rules, Seen, Value, Words } from '../graph.ts';
import { encoded } from './words.ts';
import { asClip, packed, loads, preSampling, pipeSampler } from './pipe-loaders.ts';

const packs =
  (...from: string[]): Rule =>
  (node) =>
    packed(node, from.length === 0 ? {} : node.pipe(...from)?.members);

/** A member for each output, as the pack orders them; null: the pipe itself. */
const unpacks =
  (from: readonly string[], order: readonly (string | null)[], edits = false): Rule =>
  (node) => {
    const before = node.pipe(...from)?.members ?? {};
    const pipe = edits ? packed(node, before) : { is: 'pipe' as const, members: before };
    const name = order[node.slot];
    if (name === null || node.want === 'pipe') return pipe;
    const member = name === undefined ? undefined : pipe.members[name];
    // What some call a picture is for others a latent: both are the run behind it.
    return (
      member ??
      (node.want === 'latent' ? (pipe.members['image'] ?? pipe.members['latent']) : undefined)
    );
  };

const firstOf =
  (stem: RegExp): Rule =>
  (node) => {
    const names = Object.keys(node.inputs)
      .filter((name) => stem.test(name))
      .toSorted();
    return routed(node, ...names);
  };

/** Whatever is wanted, from the first of these inputs that has it. */
export function routed(node: Seen, ...names: string[]): Value | undefined {
  switch (node.want) {
    case 'words':
      return node.words(...names);
    case 'model':
      return node.model(...names);
    case 'clip':
      return asClip(node.clip(...names));
    case 'latent':
      return node.latent(...names);
    case 'pipe':
      return node.pipe(...names);
    case 'loras':
      return node.loras(...names);
    default:
      return node.scalar(...names);
  }
}

const impactSwitch: Rule = (node) => routed(node, `input${node.number('select') ?? 1}`);

const CONTEXT = [
  null,
  'model',
  'clip',
  'vae',
  'positive',
  'negative',
  'latent',
  'image',
  'seed',
] as const;
const BIG_CONTEXT = [
  ...CONTEXT,
  'steps',
  'step_refiner',
  'cfg',
  'ckpt',
  'sampler',
  'scheduler',
] as const;
const EASY_OUT = [
  null,
  'model',
  'positive',
  'negative',
  'latent',
  'vae',
  'clip',
  'image',
  'seed',
] as const;
const BASIC = ['model', 'clip', 'vae', 'positive', 'negative'] as const;

const pass: Rule = (node) => routed(node, ...Object.keys(node.inputs));

export const PIPE_RULES: Rules = {
  Reroute: pass,
  'Reroute (rgthree)': pass,
  GetNode: pass,
  SetNode: pass,
  PreviewAny: pass,
  ImpactSwitch: impactSwitch,
  LatentSwitch: impactSwitch,
  'Any Switch (rgthree)': firstOf(/^any_\d+$/),
  'Context Switch (rgthree)': firstOf(/^ctx_\d+$/),
  'Context Switch Big (rgthree)': firstOf(/^ctx_\d+$/),
  'Context (rgthree)': unpacks(['base_ctx'], CONTEXT, true),
  'Context Big (rgthree)': unpacks(['base_ctx'], BIG_CONTEXT, true),
  'Context Merge (rgthree)': unpacks(['ctx_01'], CONTEXT, true),
  ToBasicPipe: packs(),
  EditBasicPipe: packs('basic_pipe'),
  FromBasicPipe: unpacks(['basic_pipe'], BASIC),
  FromBasicPipe_v2: unpacks(['basic_pipe'], [null, ...BASIC]),
  ToDetailerPipe: packs(),
  FromDetailerPipe: unpacks(['detailer_pipe'], BASIC),
  FromDetailerPipe_v2: unpacks(['detailer_pipe'], [null, ...BASIC]),
  BasicPipeToDetailerPipe: packs('basic_pipe'),
  DetailerPipeToBasicPipe: packs('detailer_pipe'),
  ImpactKSamplerBasicPipe: pipeSampler,
  ImpactKSamplerAdvancedBasicPipe: pipeSampler,
  'easy pipeIn': packs('pipe'),
  'easy pipeOut': unpacks(['pipe'], EASY_OUT),
  'easy pipeEdit': unpacks(['pipe'], EASY_OUT, true),
  'easy pipeToBasicPipe': packs('pipe'),
  'easy pipeEditPrompt': (node) => {
    const members = node.pipe('pipe')?.members ?? {};
    const { clip } = members;
    const words = (field: string): Words | undefined => {
      const text = node.text(field);
      return text === undefined
        ? undefined
        : encoded({ text }, typeof clip === 'object' && clip.is === 'clip' ? clip : undefined);
    };
    return {
      is: 'pipe',
      members: { ...members, positive: words('positive'), negative: words('negative') },
    };
  },
  'easy controlnetLoader': packs('pipe'),
  'easy controlnetLoaderADV': packs('pipe'),
  'easy fullLoader': loads(null, 'model', 'vae', 'clip', 'positive', 'negative', 'latent'),
  'easy a1111Loader': loads(null, 'model', 'vae', 'clip'),
  'easy comfyLoader': loads(null, 'model', 'vae', 'clip'),
  'easy fluxLoader': loads(null, 'model', 'vae', 'clip'),
  'easy hunyuanDiTLoader': loads(null, 'model', 'vae', 'clip'),
  'easy kolorsLoader': loads(null, 'model', 'vae', 'clip'),
  'easy preSampling': preSampling,
  'easy preSamplingAdvanced': preSampling,
  'easy preSamplingDynamicCFG': preSampling,
  'easy preSamplingNoiseIn': preSampling,
  'easy preSamplingCustom': preSampling,
  'easy preSamplingSdTurbo': preSampling,
  'easy kSampler': pipeSampler,
  'easy fullkSampler': pipeSampler,
  'easy kSamplerTiled': pipeSampler,
  'easy kSamplerCustom': pipeSampler,
  'Efficient Loader': loads('model', 'positive', 'negative', 'latent', 'vae', 'clip'),
  'Eff. Loader SDXL': loads(null, 'latent', 'vae'),
  'Pack SDXL Tuple': (node) => ({
    is: 'pipe',
    members: {
      model: node.model('base_model'),
      clip: asClip(node.clip('base_clip')),
      positive: node.positive('base_positive'),
      negative: node.negative('base_negative'),
      refiner: node.model('refiner_model'),
    },
  }),
  'Unpack SDXL Tuple': unpacks(
    ['sdxl_tuple'],
    ['model', 'clip', 'positive', 'negative', 'refiner'],
  ),
  'KSampler SDXL (Eff.)': pipeSampler,
  'CR Data Bus In': packs('pipe'),
  'CR Module Pipe Loader': packs(),
  'CR Module Input': unpacks(
    ['pipe'],
    [null, 'model', 'positive', 'negative', 'latent', 'vae', 'clip', 'controlnet', 'image', 'seed'],
  ),
  'CR Module Output': packs('pipe'),
};
