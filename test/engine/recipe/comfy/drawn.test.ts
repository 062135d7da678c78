/** Graphs as ComfyUI's editor saves them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recipeFields, recipeOfFile } from '../../../../src/engine/recipe.ts';

type Given = { widgets?: unknown; inputs?: object[]; outputs?: object[]; mode?: number };

function node(id: number, type: string, { widgets, ...given }: Given = {}): object {
  return { id, type, mode: 0, inputs: [], outputs: [], widgets_values: widgets, ...given };
}

const MODEL_AND_CLIP = [{ type: 'MODEL' }, { type: 'CLIP' }];
const lora = (id: number, name: string, [model, clip]: [number, number], mode: number): object =>
  node(id, 'LoraLoader', {
    widgets: [name, 0.7, 0.7],
    inputs: [
      { name: 'model', type: 'MODEL', link: model },
      { name: 'clip', type: 'CLIP', link: clip },
    ],
    outputs: MODEL_AND_CLIP,
    mode,
  });
const text = (id: number, words: string, link: number): object =>
  node(id, 'CLIPTextEncode', { widgets: [words], inputs: [{ name: 'clip', type: 'CLIP', link }] });

const SAMPLER_INPUTS = [
  { name: 'model', link: 5 },
  { name: 'positive', link: 6 },
  { name: 'negative', link: 8 },
  { name: 'latent_image', link: 9 },
  { name: 'seed', link: 10, widget: { name: 'seed' } },
];

/** Of before 2025: values of widgets without names; with a reroute, a primitive and a bypassed LoRA. */
const OLD = {
  version: 0.4,
  nodes: [
    node(4, 'CheckpointLoaderSimple', { widgets: ['tiny.safetensors'] }),
    lora(10, 'ink.safetensors', [1, 2], 0),
    lora(11, 'other.safetensors', [20, 21], 4),
    text(6, 'green teapot', 3),
    text(7, 'fog, grain', 4),
    node(5, 'EmptyLatentImage', { widgets: [512, 640, 1] }),
    node(12, 'Reroute', { inputs: [{ name: '', type: '*', link: 7 }] }),
    node(13, 'PrimitiveNode', { widgets: [8675309, 'randomize'] }),
    node(3, 'KSampler', {
      widgets: [1, 'randomize', 22, 6.5, 'euler', 'normal', 1],
      inputs: SAMPLER_INPUTS,
    }),
    node(8, 'VAEDecode', { inputs: [{ name: 'samples', link: 11 }] }),
    node(9, 'SaveImage', { widgets: ['a'], inputs: [{ name: 'images', link: 13 }] }),
    node(30, 'KSampler', { widgets: [7, 'fixed', 1, 1, 'lms', 'karras', 1], mode: 2 }),
  ],
  links: [
    [1, 4, 0, 10, 0, 'MODEL'],
    [2, 4, 1, 10, 1, 'CLIP'],
    [20, 10, 0, 11, 0, 'MODEL'],
    [21, 10, 1, 11, 1, 'CLIP'],
    [3, 11, 1, 6, 0, 'CLIP'],
    [4, 11, 1, 7, 0, 'CLIP'],
    [5, 11, 0, 3, 0, 'MODEL'],
    [6, 6, 0, 3, 1, 'CONDITIONING'],
    [7, 7, 0, 12, 0, 'CONDITIONING'],
    [8, 12, 0, 3, 2, 'CONDITIONING'],
    [9, 5, 0, 3, 3, 'LATENT'],
    [10, 13, 0, 3, 4, 'INT'],
    [11, 3, 0, 8, 0, 'LATENT'],
    [13, 8, 0, 9, 0, 'IMAGE'],
  ],
};

const READ = {
  prompt: 'green teapot',
  negativePrompt: 'fog, grain',
  seed: '8675309',
  steps: 22,
  cfg: 6.5,
  sampler: 'euler',
  schedule: 'normal',
  width: 512,
  height: 640,
  model: 'tiny',
  loras: [{ name: 'ink', weight: 0.7 }],
  source: 'ComfyUI',
  notes: [],
};

async function read(graph: object) {
  const recipe = await recipeOfFile(Buffer.from(JSON.stringify(graph)));
  return recipe && recipeFields(recipe);
}

test("an editor's graph is read as what it runs", async () => {
  assert.deepEqual(await read(OLD), READ);
  assert.deepEqual(await read({ workflow: OLD }), READ);
});

test('widgets that a node names itself are read by these names', async () => {
  const named = OLD.nodes.map((one) =>
    (one as { id: number }).id === 5
      ? node(5, 'SomePack.EmptyLatent', {
          widgets: [512, 640],
          inputs: [
            { name: 'width', link: null, widget: { name: 'width' } },
            { name: 'height', link: null, widget: { name: 'height' } },
          ],
        })
      : one,
  );
  const found = await read({ ...OLD, nodes: named });
  assert.deepEqual([found?.['width'], found?.['height']], [512, 640]);
});

/** A text encoder inside, whose words are a widget of the outer node. */
const SUBGRAPH = {
  id: '5c1d',
  inputs: [{ name: 'text' }, { name: 'clip' }],
  outputs: [{ name: 'CONDITIONING' }],
  nodes: [
    node(6, 'CLIPTextEncode', {
      widgets: ['of the inside'],
      inputs: [
        { name: 'clip', type: 'CLIP', link: 2 },
        { name: 'text', type: 'STRING', link: 1, widget: { name: 'text' } },
      ],
    }),
  ],
  links: [
    { id: 1, origin_id: -10, origin_slot: 0, target_id: 6, target_slot: 1 },
    { id: 2, origin_id: -10, origin_slot: 1, target_id: 6, target_slot: 0 },
    { id: 3, origin_id: 6, origin_slot: 0, target_id: -20, target_slot: 0 },
  ],
};
const outer = node(6, '5c1d', {
  widgets: ['red boat'],
  inputs: [
    { name: 'text', link: null, widget: { name: 'text' } },
    { name: 'clip', type: 'CLIP', link: 3 },
  ],
});

test('subgraphs are followed in and out', async () => {
  const nodes = OLD.nodes.map((one) => ((one as { id: number }).id === 6 ? outer : one));
  const graph = { ...OLD, nodes, definitions: { subgraphs: [SUBGRAPH] } };
  assert.deepEqual(await read(graph), { ...READ, prompt: 'red boat' });
});

test('circles, and subgraphs that hold themselves, end', async () => {
  const held = [1, 2, 3].map((id) => node(id, 'self', { inputs: [{ name: 'a', link: id }] }));
  const links = [1, 2, 3].map((id) => [id, id, 0, id, 0, 'X']);
  const inside = [1, 2, 3].map((id) => ({ id, origin_id: id, origin_slot: 0, target_id: id }));
  const back = { id: 9, origin_id: 1, origin_slot: 0, target_id: -20, target_slot: 0 };
  const self = { id: 'self', nodes: held, links: [...inside, back] };
  assert.equal(await read({ nodes: held, links, definitions: { subgraphs: [self] } }), null);
});
