/** Graphs that are opened otherwise than they lie in the folder: with LoRAs, perturbed, or for a layer of a text encoder. */
import { readFile } from 'node:fs/promises';
import type { EncoderPart } from '../text/encoder-run.ts';
import { RunError } from '../errors.ts';
import { type OnnxFile, readOnnx, writeOnnx } from '../onnx/graph.ts';
import { addPerturbation } from '../onnx/perturbed-attention.ts';
import { say } from '../sentences.ts';
import type { Session } from '../network/session.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { ModelLayout, TextEncoderFiles } from './layout.ts';
import { editTextEncoder } from './text-encoder-edit.ts';

export type GraphEdit = (graph: OnnxFile) => void;

/**
 * The denoiser's file with the branches of LoRAs, and with an input that perturbs its attention; undefined: as it lies
 * there. Throws RunError where there is nothing to perturb.
 */
export async function editDenoiser(
  { denoiser, name }: ModelLayout,
  addLoras: GraphEdit | null,
  perturbed: boolean,
): Promise<Uint8Array | undefined> {
  if (addLoras === null && !perturbed) return undefined;
  const file = readOnnx(await readFile(denoiser));
  addLoras?.(file);
  if (perturbed) perturb(file, name);
  return writeOnnx(file);
}

function perturb(file: OnnxFile, model: string): void {
  try {
    addPerturbation(file);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new RunError(say('pag-misfit', model, cause));
  }
}

export async function openEncoder(
  files: TextEncoderFiles,
  layout: ModelLayout,
  open: (path: string, graph?: Uint8Array) => Promise<Session>,
  addLoras: GraphEdit | null,
): Promise<EncoderPart> {
  const asItIs = (): Promise<Uint8Array> =>
    editTextEncoder(files.graph, { endAfter: null, vectors: false }, addLoras);
  let session = await open(files.graph, addLoras === null ? undefined : await asItIs());
  const readsInnerLayer = ['sdxl', 'sdxl-refiner', 'sd3'].includes(layout.family);
  if (readsInnerLayer && !session.outputs.has(`hidden_states.${files.hiddenLayers - 1}`)) {
    session = await open(files.graph, await asItIs());
  }
  const edited = new Map<string, Promise<Session>>();
  return {
    session,
    tokenizer: await loadTokenizer(files.tokenizer),
    layers: files.hiddenLayers,
    width: files.width,
    name: files.id === 'text_encoder' ? 'clip_l' : 'clip_g',
    edited(edit) {
      const key = JSON.stringify(edit);
      let opened = edited.get(key);
      if (opened === undefined) {
        opened = editTextEncoder(files.graph, edit, addLoras).then((graph) =>
          open(files.graph, graph),
        );
        edited.set(key, opened);
        opened.catch(() => edited.delete(key));
      }
      return opened;
    },
  };
}
