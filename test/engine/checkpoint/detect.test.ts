import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type CheckpointDescription,
  describeCheckpoint,
} from '../../../src/engine/checkpoint/describe.ts';
import { openCheckpoint, type OpenedCheckpoint } from '../../../src/engine/checkpoint/detect.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { type Made, safetensorsOf } from './file/make-safetensors.ts';
import {
  clipText,
  MINI_REFINER,
  MINI_SD1,
  MINI_SD2,
  MINI_SDXL,
  miniSd1,
  miniSd2,
  miniSdxl,
  openClipText,
  originalUnet,
  originalVae,
  type Tensors,
} from './mini-checkpoint.ts';

const root = await mkdtemp(join(tmpdir(), 'darkroom-detect-'));
after(() => rm(root, { recursive: true }));

let count = 0;

type Beside = Readonly<Record<string, unknown>>;

/** A file in a folder of its own, and what lies beside it: text as it is, everything else as JSON. */
async function put(
  tensors: Tensors,
  { metadata, beside = {} }: { metadata?: Record<string, string>; beside?: Beside } = {},
): Promise<string> {
  const folder = join(root, String(count++));
  await mkdir(folder);
  for (const [name, content] of Object.entries(beside)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(folder, name), text);
  }
  const path = join(folder, 'model.safetensors');
  await writeFile(path, safetensorsOf(tensors, metadata));
  return path;
}

async function describe(...given: Parameters<typeof put>): Promise<CheckpointDescription> {
  return describeCheckpoint((await openCheckpoint(await put(...given))).info);
}

async function refusal(path: string): Promise<UserError> {
  try {
    await openCheckpoint(path);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error;
  }
  assert.fail(`${path} was opened`);
}

const refusedAs = async (...given: Parameters<typeof put>): Promise<string | undefined> =>
  (await refusal(await put(...given))).said[0]?.code;

test('families are told by how their parts fit together', async () => {
  for (const [tensors, family, inpainting, encoders] of [
    [miniSd1(), 'sd1', false, ['clip-l']],
    [miniSd1({ inChannels: 9 }), 'sd1', true, ['clip-l']],
    [miniSd1({ guidance: 256 }), 'lcm', false, ['clip-l']],
    [miniSd2(), 'sd2', false, ['clip-h']],
    [miniSdxl(), 'sdxl', false, ['clip-l-xl', 'clip-g']],
    [
      {
        ...originalUnet(MINI_REFINER),
        ...openClipText(192, 'conditioner.embedders.0.model.'),
      },
      'sdxl-refiner',
      false,
      ['clip-g'],
    ],
  ] as const) {
    const found = await describe(tensors);
    assert.equal(found.family, family);
    assert.equal(found.inpainting, inpainting);
    assert.deepEqual(
      found.text_encoders.map(({ part }) => part),
      encoders,
    );
    assert.ok(found.has_text_encoders);
  }
});

test('networks with fewer blocks a level, and with one resnet in the middle', async () => {
  const tensors = { ...miniSd1({ resnets: 1, channels: [32, 64, 64], depths: [1, 1, 1] }) };
  const { unet } = (await openCheckpoint(await put(tensors))).info;
  assert.deepEqual(unet.resnets, [1, 1, 1]);
  const bare = {
    ...originalUnet({ ...MINI_SDXL, middle: 'one resnet' }),
  };
  assert.deepEqual((await openCheckpoint(await put(bare))).info.unet.middle, {
    resnets: 1,
    depth: 0,
  });
});

test('one network alone, with any name in front of its tensors or none', async () => {
  for (const front of ['model.diffusion_model.', 'diffusion_model.', '']) {
    const found = await describe(originalUnet(MINI_SD1, front));
    assert.equal(found.family, 'sd1', front);
    assert.equal(found.has_vae, false);
    assert.equal(found.has_text_encoders, false);
  }
});

test('text encoders have their tensors under old and new names', async () => {
  const roots = ['cond_stage_model.transformer.', 'cond_stage_model.transformer.text_model.'];
  const names = await Promise.all(
    roots.map(async (front) => {
      const tensors = { ...originalUnet(MINI_SD1), ...clipText(64, front) };
      const { parts } = await openCheckpoint(await put(tensors));
      return [...(parts.texts.get('text_encoder')?.keys() ?? [])];
    }),
  );
  assert.ok(names[0]?.includes('encoder.layers.1.self_attn.k_proj.bias'));
  assert.deepEqual(names[1], names[0]);
});

test('OpenCLIP’s packed projections are three slices, and SD 2 leaves its last layer', async () => {
  const { info, parts } = await openCheckpoint(await put(miniSd2()));
  const text = parts.texts.get('text_encoder');
  const at = (name: string): number =>
    text?.get(`encoder.layers.0.self_attn.${name}.weight`)?.offset ?? -1;
  assert.equal(at('k_proj') - at('q_proj'), 64 * 64 * 2);
  assert.equal(at('v_proj') - at('k_proj'), 64 * 64 * 2);
  assert.equal(info.texts[0]?.layers, 2);
  assert.equal(info.texts[0]?.shape.layers, 3);
});

test('types: one word where all agree, else each network’s', async () => {
  assert.equal((await describe(originalUnet(MINI_SD1))).dtype, 'fp16');
  const vae = Object.fromEntries(
    Object.entries(originalVae()).map(([name, { shape }]): [string, Made] => [
      name,
      { type: 'F32', shape },
    ]),
  );
  const found = await describe({ ...originalUnet(MINI_SD1), ...vae });
  assert.equal(found.dtype, 'mixed: unet fp16, vae fp32');
});

const TELLING = 'model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias' as const;
const FOUR_LEVELS = { channels: [32, 32, 32, 32], depths: [1, 1, 1, 0] };

/** SD 2 with biases that are spread by `spread`. */
function sd2With(spread: number): Tensors {
  const values = Float32Array.from({ length: 32 }, (_, i) => (i % 2 ? spread : -spread));
  return {
    ...originalUnet({ ...MINI_SD2, ...FOUR_LEVELS }),
    [TELLING]: { type: 'F32', shape: [32], bytes: new Uint8Array(values.buffer) },
  };
}

const empty: Made = { type: 'F32', shape: [0] };

test('the prediction type comes from whoever is nearest to the model, and says from whom', async () => {
  const sdxl = originalUnet(MINI_SDXL);
  const v = { 'modelspec.prediction_type': 'v' };
  for (const [what, given, value, how] of [
    ['nothing', [sdxl], 'epsilon', /^unknown from the file: epsilon by default$/],
    ['markers', [{ ...sdxl, v_pred: empty, ztsnr: empty }], 'v_prediction', /v_pred and ztsnr$/],
    ['one marker', [{ ...sdxl, v_pred: empty }], 'v_prediction', /^marker key v_pred$/],
    ['metadata', [sdxl, { metadata: v }], 'v_prediction', /modelspec\.prediction_type/],
    ['a trainer', [sdxl, { metadata: { ss_v_parameterization: 'True' } }], 'v_prediction', /ss_v_/],
    ['narrow biases', [sd2With(0.05)], 'epsilon', /spread by 0\.050/],
    ['wide biases', [sd2With(0.2)], 'v_prediction', /spread by 0\.200/],
    [
      'a config beside it',
      [
        sd2With(0.05),
        { beside: { 'model.yaml': 'model:\n  params:\n    parameterization: "v"\n' } },
      ],
      'v_prediction',
      /^model\.yaml beside/,
    ],
    [
      'a config that leaves the word out',
      [
        sd2With(0.2),
        {
          beside: { 'model.yaml': 'model:\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n' },
        },
      ],
      'epsilon',
      /^model\.yaml beside/,
    ],
    [
      'a site',
      [sd2With(0.05), { beside: { 'model.civitai.info': { baseModel: 'SD 2.1 768' } } }],
      'v_prediction',
      /^model\.civitai\.info beside/,
    ],
    [
      'the keeper before all others',
      [
        { ...sdxl, v_pred: empty },
        { metadata: v, beside: { 'model.json': { prediction: 'epsilon' } } },
      ],
      'epsilon',
      /^model\.json beside/,
    ],
    [
      'the keeper’s scheduler',
      [sdxl, { beside: { 'model.json': { scheduler: { prediction_type: 'v_prediction' } } } }],
      'v_prediction',
      /^model\.json beside/,
    ],
  ] as const) {
    const { prediction } = await describe(...(given as unknown as Parameters<typeof put>));
    assert.equal(prediction.value, value, what);
    assert.match(prediction.how, how, what);
  }
});

test('zero terminal SNR rescales the betas of the scheduler that nobody named', async () => {
  const tensors = { ...originalUnet(MINI_SDXL), v_pred: empty, ztsnr: empty };
  const { info } = await openCheckpoint(await put(tensors));
  assert.ok(info.zeroTerminalSnr);
  assert.deepEqual(
    ['prediction_type', 'rescale_betas_zero_snr', 'timestep_spacing', 'beta_start'].map(
      (key) => info.scheduler.config[key],
    ),
    ['v_prediction', true, 'trailing', 0.00085],
  );
});

test('distilled models are known where the file or a site says so', async () => {
  const sdxl = originalUnet(MINI_SDXL);
  for (const [given, kind, steps] of [
    [{ metadata: { 'modelspec.title': 'Dream XL Lightning 8 steps' } }, 'lightning', 8],
    [{ metadata: { 'modelspec.architecture': 'stable-diffusion-xl-turbo-v1' } }, 'turbo', 4],
    [{ beside: { 'model.civitai.info': { baseModel: 'SDXL Hyper' } } }, 'hyper', 8],
    [{ beside: { 'model.civitai.info': { baseModel: 'SDXL 1.0 LCM' } } }, 'lcm', 4],
  ] as const) {
    assert.deepEqual((await describe(sdxl, given)).distilled, { kind, steps });
  }
  const other = { metadata: { 'modelspec.title': 'Turbocharged hyperrealism, enlightning' } };
  assert.equal((await describe(sdxl, other)).distilled, null);
});

test('NAME.json: what suits the model, in its keeper’s words', async () => {
  const { info } = await openCheckpoint(
    await put(originalUnet(MINI_SDXL), {
      beside: {
        'model.json': {
          clip_skip: 2,
          vae: 'sdxl-fp16-fix',
          steps: 24,
          guidance_scale: 5,
          sampler: 'euler_a',
          scheduler: { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' },
        },
      },
    }),
  );
  assert.equal(info.clipSkip, 2);
  assert.equal(info.vaeName, 'sdxl-fp16-fix');
  assert.deepEqual(info.defaults, { steps: 24, guidanceScale: 5, sampler: 'euler_a' });
  assert.equal(info.scheduler.config['timestep_spacing'], 'trailing');
  assert.equal(info.scheduler.config['beta_end'], 0.012);
});

test('NAME.json with a mistake is refused by its name; another program’s is left alone', async () => {
  const sdxl = originalUnet(MINI_SDXL);
  for (const [json, code] of [
    ['[1]', 'override-not-json'],
    ['{"prediction": "v"', 'override-not-json'],
    [{ predicton: 'v' }, 'override-name'],
    [{ prediction: 'velocity' }, 'override-value'],
    [{ clip_skip: 0 }, 'override-value'],
    [{ family: 'sd9' }, 'override-value'],
    [{ family: 'sd1' }, 'override-family'],
    [{ steps: 'many' }, 'override-value'],
    [{ scheduler: 'euler' }, 'override-value'],
    [{ scheduler: { prediction_type: 'noise' } }, 'override-scheduler'],
    [{ constructor: 1 }, 'override-name'],
  ] as const) {
    assert.equal(await refusedAs(sdxl, { beside: { 'model.json': json } }), code);
  }
  for (const json of [
    { description: 'my best', notes: 'CFG 7', 'sd version': 'SDXL' },
    { id: 1, modelId: 2, baseModel: 'SDXL 1.0', files: [] },
  ]) {
    const found = await describe(sdxl, { beside: { 'model.json': json } });
    assert.equal(found.prediction.value, 'epsilon');
  }
});

const weight = (...shape: number[]): Made => ({ type: 'F16', shape });

test('what is no model is told what it is, and where it belongs', async () => {
  for (const [what, tensors, sentence] of [
    ['LoRA', { 'lora_unet_mid_block_attentions_0_proj_in.lora_down.weight': weight(4, 8) }, /LoRA/],
    [
      'PEFT',
      { 'unet.mid_block.attentions.0.proj_in.lora_A.weight': weight(4, 8) },
      /models\/loras/,
    ],
    ['LoKr', { 'lora_unet_out_2.lokr_w1': weight(4, 8) }, /models\/loras/],
    ['embedding', { emb_params: weight(8, 768) }, /textual inversion.*models\/embeddings/],
    ['XL embedding', { clip_l: weight(8, 768), clip_g: weight(8, 1280) }, /models\/embeddings/],
    ['VAE', originalVae(undefined, ''), /VAE.*models\/vae/],
    ['CLIP-L', clipText(64, 'text_model.'), /text encoder.*models\/text_encoders/],
    ['OpenCLIP', openClipText(64, ''), /models\/text_encoders/],
    ['T5', { 'encoder.block.0.layer.0.SelfAttention.q.weight': weight(8, 8) }, /text encoder/],
    ['ControlNet', { 'control_model.input_blocks.0.0.weight': weight(8, 4, 3, 3) }, /ControlNet/],
    ['ControlNet of diffusers', { 'controlnet_down_blocks.0.weight': weight(8, 8) }, /ControlNet/],
    ['IP-Adapter', { 'image_proj.proj.weight': weight(8, 8) }, /IP-Adapter/],
    ['upscaler', { 'model.1.sub.0.RDB1.conv1.0.weight': weight(8, 8, 3, 3) }, /Upscaler/],
    ['AnimateDiff', { 'down_blocks.0.motion_modules.0.norm.weight': weight(8) }, /AnimateDiff/],
    ['Flux', { 'double_blocks.0.img_attn.qkv.weight': weight(8, 8) }, /FLUX\.1/],
    [
      'Flux in a checkpoint',
      { 'model.diffusion_model.double_blocks.0.img_attn.qkv.weight': weight(8, 8) },
      /FLUX\.1/,
    ],
    ['SD 3', { 'model.diffusion_model.joint_blocks.0.x_block.mlp.fc1.weight': weight(8) }, /3/],
    ['nothing known', { 'a.weight': weight(8, 8) }, /none of the models.*a\.weight/],
    ['nothing at all', {}, /without tensors/],
    ['depth', originalUnet({ ...MINI_SD1, inChannels: 5 }), /depth/],
    [
      'Zero123',
      { ...originalUnet({ ...MINI_SD1, inChannels: 8 }), 'cc_projection.weight': weight(64, 68) },
      /Zero123/,
    ],
    ['unCLIP', originalUnet({ ...MINI_SD2, adm: 2048 }), /unCLIP/],
  ] as const) {
    const { message } = await refusal(await put(tensors as Tensors));
    assert.match(message, sentence, what);
  }
});

test('a network that is not whole, does not fit, or holds no numbers is named', async () => {
  const key = 'model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight';
  const whole = miniSd1();
  const without = (pattern: RegExp): Tensors =>
    Object.fromEntries(Object.entries(whole).filter(([name]) => !pattern.test(name)));
  assert.equal(await refusedAs(without(/input_blocks\.1\.1.*attn1\.to_q/)), 'part-lacks');
  assert.equal(await refusedAs(without(/output_blocks\.2\.0\.out_layers\.3\.bias/)), 'part-lacks');
  assert.equal(await refusedAs(without(/input_blocks\.2\.1\./)), 'part-lacks');
  assert.equal(await refusedAs(without(/decoder\.mid\.attn_1\.q\.weight/)), 'part-lacks');
  assert.equal(await refusedAs(without(/layers\.1\.mlp\.fc1\.bias/)), 'part-lacks');
  assert.equal(await refusedAs({ ...whole, [key]: weight(16, 32) }), 'part-misfit');
  assert.equal(await refusedAs({ ...whole, ...clipText(128) }), 'text-encoder-misfit');
  assert.equal(
    await refusedAs({ ...whole, [key]: { type: 'I8', shape: [32, 32] } }),
    'tensor-type',
  );
  const scale = 'model.diffusion_model.input_blocks.1.1.proj_in.weight.absmax';
  assert.equal(await refusedAs({ ...whole, [scale]: weight(1) }), 'part-quantised');
  const factor = 'model.diffusion_model.input_blocks.1.1.proj_in.weight_scale';
  for (const shape of [[16], [1, 32], [32, 2]]) {
    assert.equal(await refusedAs({ ...whole, [factor]: weight(...shape) }), 'part-quantised');
  }
  await openCheckpoint(await put({ ...whole, [factor]: weight(32) }));
  const { parts } = await openCheckpoint(await put({ ...whole, [factor]: weight() }));
  assert.ok(parts.unet.has('down_blocks.0.attentions.0.proj_in.scale_weight'));
  const nan = new Uint8Array(2 * 32 * 4 * 9).fill(0xff);
  const bad: Made = { type: 'F16', shape: [32, 4, 3, 3], bytes: nan };
  const first = 'model.diffusion_model.input_blocks.0.0.weight';
  assert.equal(await refusedAs({ ...whole, [first]: bad }), 'part-not-finite');
});

test('endings that need no look inside', async () => {
  for (const [name, code] of [
    ['old.ckpt', 'file-is-pickle'],
    ['pytorch_model.bin', 'file-is-pickle'],
    ['new.safetensors.part', 'file-is-coming'],
    ['unet.onnx', 'file-is-onnx'],
    ['flux-Q4.gguf', 'gguf-not-yet'],
    ['notes.txt', 'not-a-model-file'],
  ] as const) {
    assert.equal((await refusal(join(root, name))).said[0]?.code, code);
  }
});

test('what lies beside the file is part of what it is: a changed word changes the stamp', async () => {
  const path = await put(originalUnet(MINI_SD1), { beside: { 'model.json': { clip_skip: 1 } } });
  const before: OpenedCheckpoint = await openCheckpoint(path);
  assert.equal((await openCheckpoint(path)).stamp, before.stamp);
  await writeFile(
    path.replace('.safetensors', '.json'),
    JSON.stringify({ clip_skip: 2, steps: 9 }),
  );
  const changed = await openCheckpoint(path);
  assert.notEqual(changed.stamp, before.stamp);
  assert.equal(changed.info.clipSkip, 2);
});
