/// <reference lib="esnext.float16" />
/** The weights of a network that lies in a checkpoint, by the layers that LoRA files name. */
import type { PartTensors, TensorSlice } from '../../checkpoint/tensors.ts';
import { textLayer } from '../places.ts';
import type { LayerShapes } from '../packed-layers.ts';

/** `encoder.layers.0.self_attn.q_proj.weight` by `encoder_layers_0_self_attn_q_proj`. */
export function namesByLayer(tensors: PartTensors): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const name of tensors.keys()) {
    if (!name.endsWith('.weight')) continue;
    const flat = name.slice(0, -'.weight'.length).replaceAll('.', '_');
    names.set(/encoder_layers_\d/.test(flat) ? textLayer(flat) : flat, name);
  }
  return names;
}

/** The shape of each layer's weights, [out, in, …], by the layer's path. */
export function shapesInCheckpoint(tensors: PartTensors): LayerShapes {
  return new Map(
    [...namesByLayer(tensors)].map(([layer, name]) => [layer, tensors.get(name)?.shape ?? []]),
  );
}

/** In half precision where the file has it, else in single. */
export function sliceOf(before: TensorSlice, data: Float32Array): TensorSlice {
  const isHalf = before.type === 'F16';
  const numbers = isHalf ? Float16Array.from(data) : Float32Array.from(data);
  const bytes = new Uint8Array(numbers.buffer);
  return { ...before, type: isHalf ? 'F16' : 'F32', length: bytes.length, offset: 0, bytes };
}
