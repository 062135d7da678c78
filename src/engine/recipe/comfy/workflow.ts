/** The recipe in a ComfyUI graph: which sampler made the saved picture, from what, and what came before and after it. */
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';
import { isRecord } from '../../is-record.ts';
import {
  fileName,
  numberOf,
  readJson,
  type Recipe,
  type RecipeLora,
  seedText,
  words,
} from '../found.ts';
import { samplerOf } from '../sampler-of.ts';
import { samples } from './fallback.ts';
import {
  type EncodedText,
  type Graph,
  type Latent,
  linkOf,
  type Node,
  type Pass,
  readGraph,
  type Words,
} from './graph.ts';
import { createReader, type GraphReader } from './reader.ts';
import { chainOf, hiresOf, refinerOf, leftOut } from './chain.ts';

/**
 * The recipe that a graph describes (the JSON of a picture's `prompt` entry), for parseRequest: every link is followed by
 * the output it hangs on, from the saved picture back to the sampler that began with an empty latent. One behind it that
 * begins with less noise is hires fix, one of another model that goes on with the rest a refiner. Null when nothing in it
 * samples.
 */
export function fromWorkflow(json: string): Recipe | null {
  const read = readGraph(json);
  if (read === null) return null;
  const reader = createReader(read.graph);
  const last = lastLatent(read.graph, reader);
  if (last === null) return null;
  const recipe = recipeOf(last, reader.notes);
  return isRecord(read.all['extra']) || read.all['extraMetadata'] !== undefined
    ? withCivitai(recipe, read.all)
    : recipe;
}

/** The latent of the first saved picture that a sampler made, else of the first node that nothing hangs on. */
function lastLatent(graph: Graph, reader: GraphReader): Latent | null {
  const linked = new Set<Node>();
  for (const { inputs } of graph.values()) {
    for (const value of Object.values(inputs)) {
      const link = linkOf(graph, value);
      if (link !== null) linked.add(link.node);
    }
  }
  const ends = [...graph.values()].filter((node) => !linked.has(node));
  const rank = ({ kind }: Node): number =>
    /save|output/i.test(kind) ? 0 : /preview/i.test(kind) ? 1 : 2;
  const order = [
    ...ends.toSorted((a, b) => rank(a) - rank(b)),
    ...[...graph.values()].filter(samples),
  ];
  for (const node of order) {
    const view = reader.seen(node, 0, 'latent');
    const shown = view.latent('images', 'image', 'samples', 'latent', 'pixels', 'input');
    const latent = shown ?? reader.at(node, 0, 'latent');
    if (typeof latent === 'object' && latent.is === 'latent' && typeof latent.from === 'object')
      return latent;
  }
  return null;
}

function recipeOf(last: Latent, noted: readonly Said[]): Recipe {
  const { base, later, refiner } = chainOf(last);
  const notes = [...noted];
  const { positive, negative, model, start } = base;
  const { notes: unknown, ...sampled } = samplerOf(base.sampler, base.scheduler, 'comfy');
  notes.push(...unknown);
  const prompt = textOf(positive);
  const unwanted = textOf(negative);
  if (prompt === undefined) notes.push(say('recipe-prompt-unread'));
  if (negative === undefined && (base.cfg ?? 7) !== 1) notes.push(say('recipe-negative-unread'));
  const isJoined = [positive, negative].some((each) => (each?.parts.flat().length ?? 0) > 1);
  if (isJoined) notes.push(say('recipe-joined'));
  const started =
    start?.from === 'picture' || (start !== null && base.denoise < 1 && start.from !== 'empty');
  if (started) notes.push(say('recipe-start'));
  if (start?.width === undefined && !started) notes.push(say('recipe-size-unread'));
  notes.push(...leftOut(last, base, later));
  const skip = positive?.clip?.skip;
  const hires = hiresOf(base, later, last);
  const strength = hires?.strength ?? (started ? base.denoise : undefined);
  return {
    source: 'ComfyUI',
    input: {
      profile: isJoined || positive?.a1111 === true ? 'a1111' : 'comfy',
      rng: 'cpu',
      ...(prompt !== undefined && { prompt }),
      ...(unwanted !== undefined && { negativePrompt: unwanted }),
      seed: seedText(base.seed),
      steps: base.steps === undefined ? undefined : base.steps,
      guidanceScale: base.cfg,
      ...sampled,
      ...(positive?.guidance !== undefined && { distilledGuidance: positive.guidance }),
      pagScale: model?.pag ?? 0,
      ...(model?.rescale !== undefined && { guidanceRescale: model.rescale }),
      width: start?.width,
      height: start?.height,
      model: model?.name,
      ...(skip !== undefined && { clipSkip: skip }),
      ...(hires && { hires }),
      ...refinerOf(base, refiner),
    },
    ...(strength !== undefined && { denoise: strength }),
    ...secondTexts(positive, negative),
    loras: lorasOf(base),
    notes,
  };
}

/**
 * Pieces behind each other are divided by BREAK, parts by AND. Brackets of A1111 that ComfyUI does not know are text
 * wherever the joined prompt is read by A1111's rules.
 */
function textOf(given: Words | undefined): string | undefined {
  if (given === undefined) return undefined;
  const isJoined = given.parts.flat().length > 1;
  const plain = (text: string): string =>
    isJoined && given.a1111 !== true ? text.replaceAll(/(?<!\\)[[\]]/g, '\\$&') : text;
  return given.parts
    .map((pieces) =>
      pieces
        .map(({ text, second = '', third = '' }) =>
          plain([text, second, third].filter((each) => each !== '').join(', ')),
        )
        .join(' BREAK '),
    )
    .join(' AND ');
}

/** Of SDXL's two texts text_l is the first encoder's and text_g the second's; SD 3's third is T5's. */
function secondTexts(
  positive: Words | undefined,
  negative: Words | undefined,
): Pick<Recipe, 'texts'> {
  const only = (given: Words | undefined) =>
    given?.parts.length === 1 && given.parts[0]?.length === 1 ? given.parts[0][0] : undefined;
  const [own, other] = [only(positive), only(negative)];
  const isOne = (each: EncodedText | undefined): boolean =>
    each?.second === undefined && each?.third === undefined;
  if (isOne(own) && isOne(other)) return {};
  return {
    texts: {
      ...(own && {
        prompt: own.second ?? own.text,
        ...(own.second !== undefined && { prompt2: own.text }),
        ...(own.third !== undefined && { prompt3: own.third }),
      }),
      ...(other && {
        negativePrompt: other.second ?? other.text,
        ...(other.second !== undefined && { negativePrompt2: other.text }),
        ...(other.third !== undefined && { negativePrompt3: other.third }),
      }),
    },
  };
}

function lorasOf({ model, positive }: Pass): RecipeLora[] {
  const clip = positive?.clip;
  const texts = [...(clip?.loras ?? [])];
  const found: RecipeLora[] = (model?.loras ?? []).map(({ name, weight }) => {
    const at = texts.findIndex((lora) => lora.name === name);
    const [text] = at < 0 ? [] : texts.splice(at, 1);
    const textWeight = clip === undefined ? weight : (text?.weight ?? 0);
    return { name, weight, ...(textWeight !== weight && { textWeight }) };
  });
  const textOnly = texts.map(({ name, weight }) => ({ name, weight: 0, textWeight: weight }));
  return [...found, ...textOnly];
}

/**
 * Civitai's own pictures say beside the graph what was asked for: it fills what the graph does not tell. Models and LoRAs
 * have addresses there, which nobody's folder knows.
 */
function withCivitai(recipe: Recipe, all: Readonly<Record<string, unknown>>): Recipe {
  const given = all['extraMetadata'];
  const extra = isRecord(given) ? given : readJson(words(given));
  const { input } = recipe;
  const name = (value: unknown): string | undefined =>
    /^urn:air:|^[^.]*@\d+$/.test(words(value)) ? undefined : fileName(value);
  if (extra === null)
    return { ...recipe, source: 'Civitai', input: { ...input, model: name(input.model) } };
  const { notes: _notes, ...sampled } = samplerOf(extra['sampler']);
  return {
    ...recipe,
    source: 'Civitai',
    input: {
      ...input,
      prompt: input.prompt ?? (words(extra['prompt']) || undefined),
      negativePrompt: input.negativePrompt ?? words(extra['negativePrompt']),
      seed: input.seed ?? seedText(extra['seed']),
      steps: input.steps ?? numberOf(extra['steps']),
      guidanceScale: input.guidanceScale ?? numberOf(extra['cfgScale']),
      width: input.width ?? numberOf(extra['width']),
      height: input.height ?? numberOf(extra['height']),
      ...(input.sampler === undefined && sampled),
      model: name(input.model),
    },
  };
}
