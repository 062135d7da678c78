import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { SamplerName, ScheduleName } from '../names.ts';
import type { RequestInput } from '../request.ts';

/** What ComfyUI calls the samplers that go by another name here. */
export const COMFY_SAMPLERS: Readonly<Record<string, SamplerName>> = {
  euler: 'euler',
  euler_ancestral: 'euler_a',
  heun: 'heun',
  dpm_2: 'dpm2',
  dpm_2_ancestral: 'dpm2_a',
  lms: 'lms',
  dpm_fast: 'dpm_fast',
  dpm_adaptive: 'dpm_adaptive',
  dpmpp_2s_ancestral: 'dpmpp_2s_a',
  dpmpp_sde: 'dpmpp_sde',
  dpmpp_2m: 'dpmpp_2m',
  dpmpp_2m_sde: 'dpmpp_2m_sde',
  dpmpp_2m_sde_heun: 'dpmpp_2m_sde_heun',
  dpmpp_3m_sde: 'dpmpp_3m_sde',
  ddpm: 'ddpm',
  lcm: 'lcm',
  // Its "ddim" is the Euler method on the same sigmas.
  ddim: 'euler',
  deis: 'deis',
  uni_pc: 'unipc',
  uni_pc_bh2: 'unipc',
};

export const COMFY_SCHEDULES: Readonly<Record<string, ScheduleName>> = {
  normal: 'normal',
  karras: 'karras',
  exponential: 'exponential',
  sgm_uniform: 'sgm_uniform',
  simple: 'simple',
  ddim_uniform: 'ddim_uniform',
  beta: 'beta',
  kl_optimal: 'kl_optimal',
};

type Node = { kind: string; inputs: Readonly<Record<string, unknown>> };
type Graph = ReadonlyMap<string, Node>;

/** Links are followed no further than this: graphs of people hold cycles and whole libraries. */
const MAX_VISITED = 500;

/**
 * The request a ComfyUI graph describes (the JSON of a picture's `prompt` entry), for parseRequest: the sampler that
 * leads to the saved picture, the two texts, the checkpoint, size and clip skip behind it. Samplers and schedules
 * that do not exist here are left out; a start picture is not part of the text. Throws UserError when the graph
 * holds no sampler.
 */
export function requestFromWorkflow(json: string): RequestInput {
  const graph = readGraph(json);
  const sampler = graph && samplerOf(graph);
  if (!graph || !sampler) {
    throw new UserError(say('graph-without-sampler'));
  }
  const at = (input: string): Node | null => target(graph, sampler.inputs[input]);
  const guider = at('guider');
  const base = guider ?? sampler;
  const sigmas = at('sigmas');
  const value = (node: Node | null, ...names: string[]): unknown =>
    names.map((name) => constant(graph, node?.inputs[name])).find((found) => found !== undefined);
  const positive = target(graph, base.inputs['positive'] ?? base.inputs['conditioning']);
  const words = find(graph, positive, isTextEncoder);
  const input: RequestInput = {
    profile: 'comfy',
    rng: 'cpu',
    prompt: textOf(graph, positive),
    negativePrompt: textOf(graph, target(graph, base.inputs['negative'])),
    seed: decimal(value(sampler, 'seed', 'noise_seed') ?? value(at('noise'), 'noise_seed')),
    steps: value(sampler, 'steps') ?? value(sigmas, 'steps'),
    guidanceScale: value(base, 'cfg') ?? (guider ? 1 : undefined),
  };
  const samplerName = value(sampler, 'sampler_name') ?? value(at('sampler'), 'sampler_name');
  input.sampler = named(COMFY_SAMPLERS, samplerName);
  const schedule = value(sampler, 'scheduler') ?? value(sigmas, 'scheduler');
  if (input.sampler !== undefined) input.schedule = named(COMFY_SCHEDULES, schedule);
  const pag = find(
    graph,
    target(graph, base.inputs['model']),
    ({ kind }) => kind === 'PerturbedAttentionGuidance',
  );
  input.pagScale = value(pag, 'scale') ?? 0;
  const size = find(graph, at('latent_image'), ({ inputs }) => typeof inputs['width'] === 'number');
  input.width = value(size, 'width');
  input.height = value(size, 'height');
  const checkpoint = find(
    graph,
    target(graph, base.inputs['model']),
    ({ inputs }) => typeof (inputs['ckpt_name'] ?? inputs['unet_name']) === 'string',
  );
  input.model = modelName(value(checkpoint, 'ckpt_name', 'unet_name'));
  const skip = find(
    graph,
    words && target(graph, words.inputs['clip']),
    ({ kind }) => kind === 'CLIPSetLastLayer',
  );
  const layer = value(skip, 'stop_at_clip_layer');
  if (typeof layer === 'number') input.clipSkip = Math.max(1, -layer);
  return input;
}

function readGraph(json: string): Graph | null {
  let parsed: unknown;
  try {
    // ComfyUI is Python: it writes NaN, which JSON has no word for, and seeds that a JavaScript number cannot hold.
    const readable = json
      .replaceAll(/:\s*NaN\b/g, ': null')
      .replaceAll(/("(?:noise_)?seed"\s*:\s*)(\d{16,20})(?=\s*[,}])/g, '$1"$2"');
    parsed = JSON.parse(readable);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const graph = new Map<string, Node>();
  for (const [id, node] of Object.entries(parsed)) {
    const { class_type: kind, inputs } = Object(node);
    if (typeof kind === 'string' && typeof inputs === 'object' && inputs !== null) {
      graph.set(id, { kind, inputs });
    }
  }
  return graph;
}

/** The sampler behind the first saved picture; where nothing is saved, the first sampler there is. */
function samplerOf(graph: Graph): Node | null {
  const nodes = [...graph.values()];
  const outputs = nodes.filter(
    ({ kind, inputs }) => /Save|Preview/.test(kind) && ('images' in inputs || 'image' in inputs),
  );
  for (const output of outputs) {
    const found = find(graph, output, isSampler);
    if (found) return found;
  }
  return nodes.find(isSampler) ?? null;
}

function isSampler({ kind, inputs }: Node): boolean {
  return /^(KSampler|SamplerCustom)/.test(kind) && ('positive' in inputs || 'guider' in inputs);
}

function isTextEncoder({ kind, inputs }: Node): boolean {
  return /TextEncode/.test(kind) && ('text' in inputs || 'text_g' in inputs);
}

/** The node a link `["id", output]` points at. */
function target(graph: Graph, link: unknown): Node | null {
  if (!Array.isArray(link) || link.length !== 2) return null;
  const [id]: unknown[] = link;
  return typeof id === 'string' || typeof id === 'number' ? (graph.get(`${id}`) ?? null) : null;
}

/** A value that stands in the graph, or the one a chain of value nodes leads to. */
function constant(graph: Graph, value: unknown): unknown {
  let now = value;
  for (let hops = 0; hops < 8; hops++) {
    if (typeof now === 'string' || typeof now === 'number') return now;
    const inputs = target(graph, now)?.inputs;
    if (inputs === undefined) return undefined;
    now = ['value', 'text', 'string', 'seed', 'int', 'float', 'number']
      .map((name) => inputs[name])
      .find((found) => found !== undefined);
  }
  return undefined;
}

/** The nearest node that fits, this one included, against the direction of the links. */
function find(graph: Graph, from: Node | null, fits: (node: Node) => boolean): Node | null {
  const line = from === null ? [] : [from];
  const seen = new Set(line);
  for (const node of line) {
    if (fits(node)) return node;
    for (const link of Object.values(node.inputs)) {
      const next = target(graph, link);
      if (next === null || seen.has(next) || seen.size > MAX_VISITED) continue;
      seen.add(next);
      line.push(next);
    }
  }
  return null;
}

function textOf(graph: Graph, conditioning: Node | null): string {
  const encoder = find(graph, conditioning, isTextEncoder);
  const text = constant(graph, encoder?.inputs['text'] ?? encoder?.inputs['text_g']);
  return typeof text === 'string' ? text : '';
}

/** A seed as decimal text; undefined for what is none. */
export function decimal(seed: unknown): unknown {
  if (typeof seed === 'string' && /^\d{1,20}$/.test(seed)) return seed;
  return typeof seed === 'number' && Number.isInteger(seed) && seed >= 0
    ? BigInt(seed).toString()
    : undefined;
}

/** `sd/dreamlike-1.0.safetensors` -> `dreamlike-1.0`. */
export function modelName(file: unknown): string | undefined {
  if (typeof file !== 'string') return undefined;
  return file.replace(/^.*[/\\]/, '').replace(/\.(safetensors|ckpt|pt|gguf|onnx)$/i, '');
}

export function named<T>(table: Readonly<Record<string, T>>, said: unknown): T | undefined {
  if (typeof said !== 'string') return undefined;
  const name = said.replace(/_gpu$/, '');
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
