/** Nodes that carry several things in one link, loaders that make everything at once, and plain routing. */
import { fileName } from '../../found.ts';
import type { Clip, Latent, Model, Pass, Pipe, Rule, Rules, Seen, Value, Words } from '../graph.ts';
import { taggedIn } from './lora-lists.ts';
import { stackEntry, withLoras } from './models.ts';
import { behind, passOf } from './sampler-nodes.ts';
import { namedSize } from './sizes.ts';
import { encoded } from './words.ts';

type Members = Pipe['members'];

const asClip = (clip: Clip | undefined): Value | undefined => clip && { ...clip, is: 'clip' };

/** What a pipe is made of, by the names of its inputs; what a node does not give stays as it was. */
function packed(node: Seen, before: Members = {}): Pipe {
  const own: Members = {
    model: node.model('model'),
    clip: asClip(node.clip('clip')),
    positive: node.positive('positive', 'pos', 'optional_positive'),
    negative: node.negative('negative', 'neg', 'optional_negative'),
    latent: node.latent('latent'),
    image: node.latent('image', 'images'),
    seed: node.scalar('seed'),
    steps: node.scalar('steps'),
    cfg: node.scalar('cfg'),
    sampler: node.scalar('sampler'),
    scheduler: node.scalar('scheduler'),
    ckpt: node.scalar('ckpt_name'),
    positiveText: node.scalar('text_pos_g'),
  };
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return { is: 'pipe', members: { ...before, ...Object.fromEntries(given) } };
}

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

/** The model, the texts and the empty latent of a loader that has fields for all of them. */
export function loaderMembers(node: Seen): Members {
  const name = fileName(node.text('ckpt_name', 'base_ckpt_name', 'unet_name'));
  const bare: Model = { is: 'model', loras: [], ...(name !== undefined && { name }) };
  const weight = node.number('lora_model_strength') ?? 1;
  const own = stackEntry(
    fileName(node.text('lora_name')),
    weight,
    node.number('lora_clip_strength') ?? weight,
  );
  const all = [
    ...own,
    ...(node.loras('lora_stack', 'optional_lora_stack')?.loras ?? []),
    ...taggedIn(node.text('loras')),
  ];
  const skip = node.number('clip_skip', 'base_clip_skip');
  const bareClip: Clip = {
    loras: [],
    ...(skip !== undefined && { skip: Math.max(1, Math.abs(skip)) }),
  };
  const model = withLoras({ ...node, want: 'model' }, all, node.model('model_override') ?? bare);
  const clip = withLoras(
    { ...node, want: 'clip' },
    all,
    undefined,
    node.clip('clip_override') ?? bareClip,
  );
  const words = (field: string): Words | undefined => {
    const text = node.text(field);
    const a1111 =
      node.text('weight_interpretation', `${field}_weight_interpretation`) === 'A1111' ||
      node.kind === 'easy a1111Loader';
    return text === undefined
      ? undefined
      : { ...encoded({ text }, clip as Clip), ...(a1111 && { a1111 }) };
  };
  const size = namedSize(node);
  const latent: Latent = { is: 'latent', from: 'empty', ...size };
  const refinerName = fileName(node.text('refiner_ckpt_name'));
  return {
    model,
    clip,
    positive: words('positive'),
    negative: words('negative'),
    latent,
    ...(refinerName !== undefined && { refiner: { is: 'model', loras: [], name: refinerName } }),
  };
}

const loads =
  (...order: (string | null)[]): Rule =>
  (node) => {
    const members = loaderMembers(node);
    const name = order[node.slot];
    return name === null || name === undefined || node.want === 'pipe'
      ? { is: 'pipe', members }
      : members[name];
  };

/** Settings laid into the pipe for the sampler behind. */
const preSampling: Rule = (node) => {
  const members = node.pipe('pipe')?.members ?? {};
  const start = node.latent('latent', 'optional_latent', 'image_to_latent');
  return {
    is: 'pipe',
    members: { ...members, settings: { is: 'part', node }, ...(start && { latent: start }) },
  };
};

/** A sampler that takes what it lacks from a pipe. */
export function pipePass(node: Seen): Pass {
  const members = (node.pipe('pipe', 'basic_pipe', 'sdxl_tuple') ?? { members: {} as Members })
    .members;
  const settings = members['settings'];
  const from = typeof settings === 'object' && settings.is === 'part' ? settings.node : node;
  const own = passOf(from);
  const of = <T>(value: T | undefined, name: string): T | undefined =>
    value ?? (members[name] as T | undefined);
  const pass: Pass = {
    ...own,
    model: of(node.model('model'), 'model'),
    positive: of(node.positive('positive'), 'positive'),
    negative: of(node.negative('negative'), 'negative'),
    start: of(node.latent('latent_image', 'latent') ?? own.start ?? undefined, 'latent') ?? null,
  };
  const refineAt = node.number('refine_at_step') ?? -1;
  const refiner = members['refiner'];
  if (refineAt < 0 || !pass.steps || typeof refiner !== 'object' || refiner.is !== 'model')
    return pass;
  return { ...pass, refiner: { model: refiner, at: refineAt / pass.steps } };
}

const pipeSampler: Rule = (node) => {
  const members = node.pipe('pipe', 'basic_pipe', 'sdxl_tuple')?.members ?? {};
  const latent = behind(pipePass(node));
  if (node.want === 'pipe') return { is: 'pipe', members: { ...members, latent, image: latent } };
  if (node.want === 'latent') return latent;
  return node.want === 'model' ? node.model('model') : undefined;
};

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
