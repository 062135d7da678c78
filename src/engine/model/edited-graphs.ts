/** Graphs that are opened otherwise than they lie in the folder: with LoRAs, or for a layer of a text encoder. */
import { readFile } from 'node:fs/promises';
import type { EncoderPart } from '../encoder-run.ts';
import { type OnnxFile, readOnnx, writeOnnx } from '../onnx/graph.ts';
import type { Session } from '../session.ts';
import { loadTokenizer } from '../tokenizer.ts';
import type { ModelLayout, TextEncoderFiles } from './layout.ts';
import { editTextEncoder } from './text-encoder-edit.ts';

export type GraphEdit = (graph: OnnxFile) => void;

/** The denoiser's file with the branches of LoRAs; undefined: as it lies there. */
export async function editDenoiser(
  { denoiser }: ModelLayout,
  addLoras: GraphEdit | null,
): Promise<Uint8Array | undefined> {
  if (addLoras === null) return undefined;
  const file = readOnnx(await readFile(denoiser));
  addLoras(file);
  return writeOnnx(file);
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
