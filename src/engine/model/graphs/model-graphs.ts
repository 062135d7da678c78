/**
 * The networks of a model as graphs to open. Of an ONNX folder: its files, edited where the variant or a layer of a
 * text encoder ask for it. Of a checkpoint: graphs written over its tensors, with all of that in them.
 */
import { readFile } from 'node:fs/promises';
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { clipReading } from '../../families/families.ts';
import type { GraphStyle } from '../../graphs/builder.ts';
import { clipTextGraph } from '../../graphs/language/clip-text.ts';
import { safetyCheckerGraph } from '../../graphs/safety-checker.ts';
import { unetConfig } from '../../graphs/unet-config.ts';
import { unetGraph } from '../../graphs/unet.ts';
import { vaeDecoderGraph, vaeEncoderGraph, vaeNorm } from '../../graphs/vae.ts';
import type { LoraPart } from '../../lora/places.ts';
import { builtSource, editedFile, type GraphSource } from '../../network/graph-source.ts';
import type { Session } from '../../network/session.ts';
import { readOnnx, writeOnnx } from '../../onnx/graph.ts';
import type { EncoderPart } from '../../text/encoder-run.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import type { ModelLayout, NetworkSource, TextEncoderFiles } from '../layout.ts';
import { editTextEncoder, type TextEncoderEdit } from './text-encoder-edit.ts';
import { exportedWith, type OpenedEdit, tensorsWith, writtenWith } from './variant.ts';

/** @throws RunError for an edit of another kind of model */
export async function denoiserSource(
  { denoiser, name }: ModelLayout,
  edits: readonly OpenedEdit[],
  style: GraphStyle,
): Promise<GraphSource> {
  if (denoiser.kind === 'file') {
    const edit = exportedWith(edits, 'denoiser', denoiser.path);
    if (edit === null) return denoiser;
    const file = readOnnx(await readFile(denoiser.path));
    edit(file);
    return editedFile(denoiser.path, writeOnnx(file));
  }
  const { write } = denoiser;
  const tensors = await tensorsWith(edits, 'denoiser', denoiser.tensors);
  refuseHeavy(edits, tensors, name);
  const graph = writtenWith(
    edits,
    'denoiser',
    name,
    (branches) =>
      write?.(style, branches, tensors) ??
      unetGraph(tensors, unetConfig(tensors, denoiser.words), style, branches),
  );
  return builtSource(denoiser.path, graph);
}

/** Weights that were calculated anew lie inside the graph, which holds no more than two gigabytes. */
const MOST_ANEW = 1.5 * 2 ** 30;

function refuseHeavy(edits: readonly OpenedEdit[], tensors: PartTensors, model: string): void {
  let anew = 0;
  for (const { bytes } of tensors.values()) anew += bytes?.length ?? 0;
  const edit = edits.find((each) => each.written('denoiser')?.tensors !== undefined);
  if (anew <= MOST_ANEW || edit === undefined) return;
  const size = (anew / 2 ** 30).toFixed(1);
  throw edit.misfit(model, `it changes ${size} GiB of whole weights, of which 1.5 can be`);
}

/** Gives the graph of a VAE's decoder: its ONNX file, or one written around its weights. */
export function vaeDecoderSource(decoder: NetworkSource, style: GraphStyle): GraphSource {
  if (decoder.kind === 'file') return decoder;
  const graph =
    decoder.write?.(style) ?? vaeDecoderGraph(decoder.tensors, style, vaeNorm(decoder.groups));
  return builtSource(decoder.path, graph);
}

/** Gives the graph of a VAE's encoder: its ONNX file, or one written around its weights. */
export function vaeEncoderSource(encoder: NetworkSource, style: GraphStyle): GraphSource {
  if (encoder.kind === 'file') return encoder;
  const graph =
    encoder.write?.(style) ?? vaeEncoderGraph(encoder.tensors, style, vaeNorm(encoder.groups));
  return builtSource(encoder.path, graph);
}

/** Gives the graph of a safety checker: its ONNX file, or one written around its weights. */
export function safetyCheckerSource(checker: NetworkSource, style: GraphStyle): GraphSource {
  if (checker.kind === 'file') return checker;
  return builtSource(checker.path, safetyCheckerGraph(checker.tensors, style, checker.heads));
}

const AS_IT_IS: TextEncoderEdit = { endAfter: null, vectors: false };

/**
 * Opens a text encoder with its tokenizer. An exported file that no edit touches is opened as it lies there; one that
 * lacks the inner layer that its family reads is opened edited.
 */
export async function openEncoder(
  files: TextEncoderFiles,
  layout: ModelLayout,
  edits: readonly OpenedEdit[],
  open: (source: GraphSource) => Promise<Session>,
  style: GraphStyle,
): Promise<EncoderPart> {
  const sourceOf = (edit: TextEncoderEdit): Promise<GraphSource> =>
    encoderSource(files, layout, { edits, edit, style });
  const { source } = files;
  const isBare =
    source.kind === 'file' && exportedWith(edits, files.id as LoraPart, source.path) === null;
  let session = await open(isBare ? source : await sourceOf(AS_IT_IS));
  const readsInnerLayer = clipReading(layout.family).states === 'inner';
  if (readsInnerLayer && !session.outputs.has(`hidden_states.${files.hiddenLayers - 1}`)) {
    session = await open(await sourceOf(AS_IT_IS));
  }
  const edited = new Map<string, Promise<Session>>();
  return {
    session,
    tokenizer: await loadTokenizer(files.tokenizer.folder, files.tokenizer.padding),
    layers: files.hiddenLayers,
    width: files.width,
    name: files.id === 'text_encoder' ? 'clip_l' : 'clip_g',
    edited(edit) {
      const key = JSON.stringify(edit);
      let opened = edited.get(key);
      if (opened === undefined) {
        opened = sourceOf(edit).then(open);
        edited.set(key, opened);
        opened.catch(() => edited.delete(key));
      }
      return opened;
    },
  };
}

async function encoderSource(
  { source, id, clip, hiddenLayers }: TextEncoderFiles,
  { name }: ModelLayout,
  {
    edits,
    edit,
    style,
  }: { edits: readonly OpenedEdit[]; edit: TextEncoderEdit; style: GraphStyle },
): Promise<GraphSource> {
  const part = id as LoraPart;
  if (source.kind === 'file') {
    const graph = await editTextEncoder(source.path, edit, exportedWith(edits, part, source.path));
    return editedFile(source.path, graph);
  }
  const config = { ...clip, layers: hiddenLayers };
  const tensors = await tensorsWith(edits, part, source.tensors);
  const graph = writtenWith(edits, part, name, (branches) =>
    clipTextGraph(tensors, config, style, edit, branches),
  );
  return builtSource(source.path, graph);
}
