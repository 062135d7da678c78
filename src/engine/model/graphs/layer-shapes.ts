import { readFile } from 'node:fs/promises';
import type { LoraPart } from '../../lora/places.ts';
import { shapesInCheckpoint } from '../../lora/weights/own-weights.ts';
import type { LayerShapes } from '../../lora/packed-layers.ts';
import { readOnnx } from '../../onnx/graph.ts';
import { storedLayers } from '../../onnx/stored-weights.ts';
import type { ModelLayout, NetworkSource } from '../layout.ts';

/** The sizes of the layers that LoRAs may change, of all parts of a model. */
export async function layerShapes({
  denoiser,
  textEncoders,
  transformer,
}: ModelLayout): Promise<ReadonlyMap<LoraPart, LayerShapes>> {
  const shapes = new Map<LoraPart, LayerShapes>([['denoiser', await shapesOf(denoiser)]]);
  for (const { id, source } of textEncoders) shapes.set(id as LoraPart, await shapesOf(source));
  for (const { wanted, tensors } of transformer?.encoders ?? []) {
    const own = shapesInCheckpoint(tensors);
    shapes.set(wanted.part, own);
    // programs that name encoders by what they are cannot know that Flux' T5 is its second
    if (wanted.kind === 't5') shapes.set('text_encoder_3', own);
  }
  return shapes;
}

async function shapesOf(source: NetworkSource): Promise<LayerShapes> {
  if (source.kind === 'tensors') return shapesInCheckpoint(source.tensors);
  const stored = storedLayers(readOnnx(await readFile(source.path)));
  return new Map([...stored].map(([layer, { shape }]) => [layer, shape]));
}
