/** Loaders and samplers that make or take everything at once. */
import { fileName } from '../../found.ts';
import type { Clip, Latent, Model, Pass, Pipe, Rule, Seen, Value, Words } from '../graph.ts';
import { taggedIn } from './lora-lists.ts';
import { stackEntry, withLoras } from './lora-loaders.ts';
import { behind, passOf } from './sampler-nodes.ts';
import { namedSize } from './sizes.ts';
import { encoded } from './words.ts';

type Members = Pipe['members'];

export const asClip = (clip: Clip | undefined): Value | undefined =>
  clip && { ...clip, is: 'clip' };

/** What a pipe is made of, by the names of its inputs; what a node does not give stays as it was. */
export function packed(node: Seen, before: Members = {}): Pipe {
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

export const loads =
  (...order: (string | null)[]): Rule =>
  (node) => {
    const members = loaderMembers(node);
    const name = order[node.slot];
    return name === null || name === undefined || node.want === 'pipe'
      ? { is: 'pipe', members }
      : members[name];
  };

/** Settings laid into the pipe for the sampler behind. */
export const preSampling: Rule = (node) => {
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

export const pipeSampler: Rule = (node) => {
  const members = node.pipe('pipe', 'basic_pipe', 'sdxl_tuple')?.members ?? {};
  const latent = behind(pipePass(node));
  if (node.want === 'pipe') return { is: 'pipe', members: { ...members, latent, image: latent } };
  if (node.want === 'latent') return latent;
  return node.want === 'model' ? node.model('model') : undefined;
};
