import { CHECKPOINT_SENTENCES } from './checkpoint/sentences-checkpoint.ts';
import { FAMILY_SENTENCES } from './families/sentences-families.ts';
import { MODEL_SENTENCES } from './model/sentences-model.ts';
import { RECIPE_SENTENCES } from './recipe/sentences-recipe.ts';
import { sayer } from './said.ts';

/**
 * Every sentence the engine has for a person, by its code: what was expected, what came, what to do. Whoever shows them
 * may say them in another language by the same codes and values. Values arrive ready to print.
 */
const ORDER_SENTENCES = {
  // Fields of a request
  'not-text': (field: string, found: string) => `${field} must be text, not ${found}.`,
  'text-too-long': (field: string, length: number, most: number) =>
    `${field} has ${length} characters; at most ${most} are taken.`,
  'not-in-range': (field: string, min: number, max: number, found: string) =>
    `${field} must be a number from ${min} to ${max}, not ${found}.`,
  'not-whole-in-range': (field: string, min: number, max: number, found: string) =>
    `${field} must be a whole number from ${min} to ${max}, not ${found}.`,
  'not-a-side': (field: string, factor: number, min: number, max: number, found: string) =>
    `${field} must be a multiple of ${factor} from ${min} to ${max}, not ${found}.`,
  'side-off-grid': (
    field: string,
    factor: number,
    min: number,
    max: number,
    found: string,
    below: number,
    above: number,
  ) =>
    `${field} must be a multiple of ${factor} from ${min} to ${max}, not ${found}; the nearest are ${below} and ${above}.`,
  'not-a-seed': (field: string, max: string, found: string) =>
    `${field} must be a whole number from 0 to ${max}, or left out for a random one, not ${found}.`,
  'unknown-name': (field: string, found: string, names: string) =>
    `${field} ${found} is not known. There are ${names}.`,
  'nearly-a-name': (field: string, found: string, near: string, names: string) =>
    `${field} ${found} is not known. Did you mean ${near}? There are ${names}.`,
  'not-a-size': (found: string) =>
    `size must be WIDTHxHEIGHT in pixels, such as 512x768, not ${found}.`,
  'variation-shape': (found: string) => `variation must have a seed and a strength, not ${found}.`,
  'seed-resize-shape': (found: string) =>
    `seed resize must have a width and a height, not ${found}.`,
  'hires-shape': (found: string) =>
    `hires must have a scale, steps, a strength and an upscaler, not ${found}.`,
  'no-picture-bytes': (field: string) => `${field} must be the bytes of a picture.`,
  'hires-too-large': (scale: number, side: number, most: number) =>
    `hires scale ${scale} makes a side of ${side} pixels; at most ${most} are painted. Choose a smaller scale or size.`,
  'hires-with-start': () =>
    'hires fix enlarges what was painted from text alone; with a start picture, choose a larger size instead.',
  'batch-shape': (count: number) =>
    `a batch whose pictures differ needs seed, guidance scale and clip skip for each of its ${count} pictures, in profile a1111 and without a variation.`,
  'replan-shape': (found: string) =>
    `replan must be a plan such as 12 steps and then 5 for the rest, not ${found}.`,
  'replan-too-long': (after: number, rest: number, steps: number) =>
    `replan: ${after} + ${rest} steps are more than the ${steps} that were planned.`,
  'negative-guidance-shape': () =>
    "NGMS and skip early cfg are A1111's: they need profile a1111, a noise level from 0 to 15 and a share from 0 to 1.",
  'pag-needs-unet': (model: string) =>
    `pag scale: model "${model}" is a transformer, which has no middle block to perturb. Leave pag out or choose another model.`,
  'pag-misfit': (model: string, cause: string) =>
    `Model "${model}" cannot be guided by perturbed attention (pag): ${cause}. Leave pag out, or export the model again without fused attention.`,
  'refiner-shape': () =>
    'refiner must name a model that takes over and the share of the way after which it does, such as 0.8.',
  'refiner-alone': () =>
    'a refiner goes together with hires fix only in profile a1111: leave one of them out.',
  'refiner-misfit': (name: string, model: string) =>
    `${name} cannot take over from ${model}: their latents or what they predict differ. Choose a refiner made for this model.`,
  'xl-only': (name: string) =>
    `${name} is no SDXL model: it takes neither a second prompt nor sizes. Leave them out.`,
  'second-prompt-shape': () =>
    'the second prompt must have as many AND and edits such as [a:b:5] as the first.',

  // Prompts
  'too-many-parts': (count: number, most: number) =>
    `prompt: ${count} parts are joined by AND; at most ${most} are painted together. Leave some of them out.`,
  'too-many-encodings': (runs: number, most: number) =>
    `prompt: its edits such as [a:b:5] and [a|b] make ${runs} texts of 75 tokens; at most ${most} are read for one picture. Use fewer edits, fewer words or fewer steps.`,
  'extra-weights': (tag: string) =>
    `prompt: ${tag} asks for a hypernetwork, which Darkroom does not apply. Take it out of the prompt to paint without it.`,
  'lora-in-negative': (tag: string) =>
    `negative prompt: ${tag} belongs into the prompt; with a strength below 0 it pushes away from what the LoRA knows.`,
  'lora-without-name': (tag: string) =>
    `prompt: ${tag} names no LoRA; write it like <lora:name:0.8>.`,
  'lora-strength': (tag: string, found: string, most: number) =>
    `prompt: the strength "${found}" of ${tag} must be a number from -${most} to ${most}; write it like <lora:name:0.8>.`,
  'too-many-loras': (count: number, most: number) =>
    `prompt: ${count} LoRAs are asked for; at most ${most} are applied at once.`,
  'no-lora': (name: string, names: string) => `There is no LoRA "${name}". There are ${names}.`,
  'no-lora-at-all': (name: string) =>
    `There is no LoRA "${name}", nor any other: put .safetensors files into the folder loras beside the models, or take it out of the prompt.`,
  'lora-unreadable': (name: string, file: string, cause: string) =>
    `The LoRA "${name}" (${file}) cannot be used: ${cause}. Take it out of the prompt or put another file in its place.`,
  'lora-misfit': (name: string, model: string, cause: string) =>
    `The LoRA "${name}" was made for another kind of model than "${model}": ${cause}. Take it out of the prompt or choose its model.`,
  'lora-partly': (name: string, left: number, all: number, cause: string) =>
    `The LoRA "${name}" was applied without ${left} of its ${all} layers: ${cause}.`,
  'lora-too-much': (name: string) =>
    `The LoRA "${name}" changes more of the weights than one graph can hold. Choose a smaller one.`,
  'weight-not-a-number': (found: string) =>
    `prompt: the weight "${found}" is not a number; write it like (cat:1.2).`,
  'embedding-left-out': (name: string) =>
    `There is no embedding "${name}": it was left out. Put its .safetensors file into the folder embeddings beside the models.`,
  'embedding-runs-programs': (name: string, kind: string) =>
    `The embedding "${name}" is a ${kind} file, which can run programs when it is opened. Convert it to .safetensors, or leave its name out of the prompt.`,
  'embedding-unreadable': (name: string, file: string, cause: string) =>
    `The embedding "${name}" (${file}) cannot be read: ${cause}. Download it again.`,
  'embedding-misfit': (
    name: string,
    found: string,
    model: string,
    width: number,
    encoder: string,
  ) =>
    `The embedding "${name}" was made for another kind of model: its vectors have ${found} numbers, model "${model}" takes ${width} (${encoder}). Leave its name out of the prompt or choose its model.`,
  'clip-skip-too-far': (clipSkip: number, model: string, layers: number) =>
    `clip skip ${clipSkip} is more than the text encoder of "${model}" has layers (${layers}). Choose 1 to ${layers}.`,

  // Pictures people give
  'picture-too-heavy': (size: string, most: string) =>
    `The picture has ${size}; at most ${most} are taken.`,
  'not-a-picture': () => 'The file is not a PNG, JPEG or WebP picture. Convert it and try again.',
  'picture-animated': () => 'The picture is animated. Send a still picture.',
  'picture-damaged': () =>
    'The picture is damaged: it could not be decoded. Save it anew and try again.',
  'picture-too-demanding': (seconds: number, megabytes: number) =>
    `Reading the picture took more than ${seconds} s or ${megabytes} MB, which no ordinary picture does. Save it anew with another program and try again.`,
  'picture-too-large': (side: number, size: string) =>
    `The picture is too large: at most ${side}x${side} pixels are taken, it has ${size}.`,
  'picture-too-large-to-double': (width: number, height: number, most: number) =>
    `The picture has ${width}x${height} pixels; twice that is more than ${most} on one side.`,
  'picture-too-large-to-upscale': (width: number, height: number, factor: number, most: number) =>
    `The picture has ${width}x${height} pixels; ${factor} times that is more than ${most} on one side.`,
  'upscaler-unknown': (name: string) =>
    `The upscaler "${name}" cannot be used: of .safetensors files ESRGAN's and Real-ESRGAN's networks are known, from colours to colours. Put such a file or an ONNX network in its place.`,
  'upscaler-misfit': (name: string) =>
    `The upscaler "${name}" cannot be used: it must be an ONNX network from a picture [1, 3, height, width] to one that is a whole number of times as large. Put another file in its place.`,
  'mask-misfit': (mask: string, picture: string) =>
    `The mask has ${mask} pixels, the start picture ${picture}. Draw the mask at the size of the picture: white where to repaint, black where to keep.`,
  'outpaint-too-large': (size: string, becomes: string, most: number) =>
    `Outpainting ${size} makes ${becomes} pixels; at most ${most} a side are painted. Add less, or start from a smaller picture.`,
  'no-parameters': () =>
    'The text holds no generation parameters: expected a line such as "Steps: 20, Sampler: Euler a, Seed: 1, …".',
  'graph-without-sampler': () =>
    'The picture carries a ComfyUI graph without a sampler that is known here (KSampler or SamplerCustom).',

  // What a model, a sampler or this machine cannot do
  'no-model': (name: string, names: string) => `There is no model "${name}". Available: ${names}.`,
  'no-model-at-all': (name: string, folder: string) =>
    `There is no model "${name}". Available: none; put one into ${folder}.`,
  'no-switch': (name: string, value: string) => `${name} must be true or false, not ${value}.`,
  'side-misfit': (side: string, value: number, model: string, factor: number) =>
    `${side} ${value} does not fit model "${model}": it must be a multiple of ${factor}.`,
  'one-size-only': (model: string, size: string, wanted: string) =>
    `Model "${model}" was exported for pictures of ${size} only, asked for ${wanted}. Choose that size, or export it again with dynamic axes.`,
  'needs-picture-and-mask': (model: string) =>
    `Model "${model}" is an inpainting model: it needs a start picture and a mask. Give both, or choose another model.`,
  'no-vae-encoder': (model: string) =>
    `Model "${model}" has no vae_encoder/model.onnx, which a start picture needs. Choose another model or leave the start picture out.`,
  'name-a-sampler': (names: string) =>
    `Name a sampler: only profile diffusers can leave it to the model. Choose one of ${names}.`,
  'sampler-not-for-flow': (sampler: string, names: string) =>
    `The sampler ${sampler} adds noise in a way this flow model was not trained for. Choose one of ${names}.`,
  'flow-sampler-only-for-flow': (names: string) =>
    `The sampler flow_euler is for flow models (SD3, Flux), and this model is not one. Choose one of ${names}.`,
  'sampler-not-made-for-flow': (sampler: string) =>
    `The sampler ${sampler} is not made for flow models like this one. Choose flow_euler.`,
  'scheduler-only-for-flow': (name: string) =>
    `The scheduler ${name} is for flow models (SD3, Flux), and this model is not one. Choose for example euler or dpmpp_2m.`,
  'too-many-steps-for-sampler': (sampler: string, most: number, steps: number) =>
    `The sampler ${sampler} can take at most ${most} steps, not ${steps}. Choose fewer steps.`,
  'too-few-steps-for-sampler': (sampler: string, least: number, left: number) =>
    `The sampler ${sampler} needs at least ${least} steps, and this request leaves it ${left}. Raise the steps, or choose another sampler.`,
  'too-few-steps-at-strength': (sampler: string, least: number, left: number) =>
    `The sampler ${sampler} needs at least ${least} steps, and this request leaves it ${left}. Raise the steps or the strength, or choose another sampler.`,
  'too-few-steps-for-pndm': (least: number, steps: number) =>
    `The PNDM scheduler of this model needs at least ${least} steps, not ${steps}. Raise the steps or choose another sampler.`,
  'no-step-left': (steps: number, strength: number) =>
    `${steps} steps at strength ${strength} leave no step to run. Raise the strength or the steps.`,
  'too-many-steps-for-training': (trained: number, steps: number) =>
    `This model was trained with ${trained} timesteps and cannot take ${steps} steps. Choose at most ${trained}.`,
  'too-many-steps-for-grid': (available: number, grid: number, steps: number) =>
    `This sampler has ${available} timesteps to choose from (a grid of ${grid}) and cannot take ${steps} steps. Choose fewer steps.`,
  'too-many-steps-for-grid-at-strength': (
    available: number,
    grid: number,
    strength: number,
    steps: number,
  ) =>
    `This sampler has ${available} timesteps to choose from (a grid of ${grid}, strength ${strength}) and cannot take ${steps} steps. Choose fewer steps or a higher strength.`,
  'cfgpp-needs-guidance': () =>
    'The sampler ddim_cfgpp needs guidance with a negative prompt, and this model runs without. Choose ddim.',
  'tcd-eta': (eta: number) => `The sampler tcd takes an eta from 0 to 1, not ${eta}.`,
  'not-in-diffusers': (sampler: string, names: string) =>
    `diffusers has no sampler ${sampler}. In profile diffusers choose one of ${names}, or choose profile a1111.`,
  'schedule-not-in-diffusers': (scheduler: string, schedule: string) =>
    `diffusers' ${scheduler} has no schedule ${schedule}. Leave the schedule on automatic, or choose profile a1111.`,
  'learned-variance': (variant: string) =>
    `This model predicts its own variance (variance_type ${variant}), which is not supported. Choose another sampler, for example ddim.`,
  'too-little-memory': (count: number, size: string) =>
    `The memory does not suffice for ${count} ${count === 1 ? 'picture' : 'pictures'} of ${size}. Choose a smaller size or fewer pictures.`,
  'device-does-not-work': (device: string, cause: string, hint: string) =>
    `DEVICE=${device} was asked for, but it does not work here. ONNX Runtime said: ${cause}. ${hint}`,
};

export type { CHECKPOINT_SENTENCES, FAMILY_SENTENCES, MODEL_SENTENCES, RECIPE_SENTENCES };

export const SENTENCES = {
  ...ORDER_SENTENCES,
  ...MODEL_SENTENCES,
  ...CHECKPOINT_SENTENCES,
  ...FAMILY_SENTENCES,
  ...RECIPE_SENTENCES,
};

/** One of the engine's sentences, for a UserError. */
export const say = sayer(SENTENCES);
