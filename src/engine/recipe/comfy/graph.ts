/** A ComfyUI graph as its `prompt` entry holds it, read from its outputs against the direction of the links. */
import type { Said } from '../../said.ts';
import { isRecord } from '../../is-record.ts';
import { readJson, type RecipeLora } from '../found.ts';
import { fromDrawn } from './drawn.ts';

export type Node = { id: string; kind: string; inputs: Readonly<Record<string, unknown>> };
export type Graph = ReadonlyMap<string, Node>;

/** A text of one encoder, or two where the encoder has two (SDXL's text_g and text_l), or three with SD 3's t5xxl. */
export type EncodedText = { text: string; second?: string; third?: string };

export type Clip = {
  /** in the order they were applied; the strength on the text encoders */
  loras: readonly { name: string; weight: number }[];
  /** counts as A1111 does */
  skip?: number;
};

/** A conditioning: its texts are predicted apart and averaged, each of several pieces that stand behind each other. */
export type Words = {
  is: 'words';
  parts: readonly (readonly EncodedText[])[];
  clip?: Clip;
  /** by A1111's rules for weights, as some encoders offer it */
  a1111?: boolean;
  /** what a network that was distilled to its guidance is told */
  guidance?: number;
  /** what was done to it that is left out here */
  without?: readonly string[];
};

export type Model = {
  is: 'model';
  name?: string;
  loras: readonly { name: string; weight: number }[];
  pag?: number;
  rescale?: number;
  without?: readonly string[];
};

export type Latent = {
  is: 'latent';
  /** `empty`: noise alone; `picture`: one that was loaded; else a pass of a sampler */
  from: 'empty' | 'picture' | Pass;
  /** pixels, where they are known */
  width?: number;
  height?: number;
  /** times the size of what it comes from, where the size is not known */
  factor?: number;
  upscaler?: string;
  without?: readonly string[];
};

/** One run of a sampler. */
export type Pass = {
  seed?: unknown;
  steps?: number;
  cfg?: number;
  sampler?: unknown;
  scheduler?: unknown;
  /** share of the noise it begins with */
  denoise: number;
  /** `false`: it goes on with what another one left over */
  addsNoise: boolean;
  startsAt?: number;
  endsAt?: number;
  model?: Model | undefined;
  positive?: Words | undefined;
  negative?: Words | undefined;
  start: Latent | null;
  /** a second pass that the node runs itself */
  hires?: { scale: number; steps?: number; denoise?: number; upscaler?: string };
  refiner?: { model?: Model | undefined; at: number };
};

export type Pipe = { is: 'pipe'; members: Readonly<Record<string, Value | undefined>> };
export type Loras = {
  is: 'loras';
  loras: readonly Required<Pick<RecipeLora, 'name' | 'weight' | 'textWeight'>>[];
};
export type Part = { is: 'part'; node: Seen };

export type Scalar = string | number | boolean;
export type Value = Scalar | Words | Model | (Clip & { is: 'clip' }) | Latent | Pipe | Loras | Part;
export type Kind = 'scalar' | 'words' | 'model' | 'clip' | 'latent' | 'pipe' | 'loras' | 'part';

/** Which of a sampler's two conditionings is looked for: decides only where a node of unknown kind has both. */
export type Role = 'positive' | 'negative';

/** A node as a rule sees it: one of its outputs, and what its inputs come to. */
export type Seen = Node & {
  slot: number;
  want: Kind;
  role: Role;
  /** the first of these inputs that is there, as it stands */
  raw(...names: string[]): unknown;
  has(...names: string[]): boolean;
  scalar(...names: string[]): Scalar | undefined;
  text(...names: string[]): string | undefined;
  number(...names: string[]): number | undefined;
  words(...names: string[]): Words | undefined;
  positive(...names: string[]): Words | undefined;
  negative(...names: string[]): Words | undefined;
  model(...names: string[]): Model | undefined;
  clip(...names: string[]): Clip | undefined;
  latent(...names: string[]): Latent | undefined;
  pipe(...names: string[]): Pipe | undefined;
  loras(...names: string[]): Loras | undefined;
  part(...names: string[]): Seen | undefined;
  note(said: Said): void;
};

export type Rule = (node: Seen) => Value | undefined;
export type Rules = Readonly<Record<string, Rule>>;

/** Null for what is no graph; one that an editor saved is turned into what it runs. Node ids may be any text: subgraphs have `57:3`, Civitai `resource-stack-1`. */
export function readGraph(
  json: string,
): { graph: Graph; all: Readonly<Record<string, unknown>> } | null {
  const all = readJson(json);
  if (all === null) return null;
  // Some programs wrap it: `{"prompt": {…}, "workflow": {…}}`.
  const own = isRecord(all['prompt']) ? all['prompt'] : null;
  const drawn = fromDrawn(isRecord(all['workflow']) ? all['workflow'] : all);
  const nodes = own ?? (drawn === null ? all : Object.fromEntries(drawn));
  const graph = new Map<string, Node>();
  for (const [id, node] of Object.entries(nodes)) {
    if (!isRecord(node)) continue;
    const { class_type: kind, inputs } = node;
    if (typeof kind === 'string' && isRecord(inputs)) graph.set(id, { id, kind, inputs });
  }
  return graph.size === 0 ? null : { graph, all };
}

/** The node and output that a link `["id", output]` names. */
export function linkOf(graph: Graph, value: unknown): { node: Node; slot: number } | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [id, slot] = value as [unknown, unknown];
  if ((typeof id !== 'string' && typeof id !== 'number') || !Number.isInteger(Number(slot)))
    return null;
  const node = graph.get(String(id));
  return node === undefined ? null : { node, slot: Number(slot) };
}
