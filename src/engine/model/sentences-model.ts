/** About the files of a model: who keeps it must mend them. */
export const MODEL_SENTENCES = {
  'models-folder-unreadable': (folder: string) =>
    `The models folder ${folder} cannot be read. Create it or set MODELS_DIR to the folder that holds your models.`,
  'model-folder-unreadable': (folder: string) =>
    `Model folder ${folder} cannot be read. Expected a folder in the diffusers ONNX layout (unet/, vae_decoder/, …).`,
  'model-lacks': (model: string, file: string) =>
    `Model "${model}" lacks ${file}. A model folder needs unet/ (or transformer/), text_encoder/, tokenizer/, vae_decoder/ and scheduler/ with their model.onnx and config files, as \`optimum-cli export onnx\` writes them.`,
  'model-is-flux': (model: string) =>
    `Model "${model}" is a Flux model, which Darkroom does not run yet. Use a Stable Diffusion model.`,
  'model-file-empty': (model: string, file: string) =>
    `Model "${model}": ${file} is empty or cannot be read. Download or export it again.`,
  'model-weights-absent': (model: string, file: string, cause: string) =>
    `Model "${model}": ${file} refers to a weights file that is not beside it. Put its external data file (often model.onnx_data) into the same folder. ONNX Runtime said: ${cause}`,
  'model-changed': (model: string, file: string) =>
    `Model "${model}": ${file} was changed while it was opened. Ask again when it is copied completely.`,
  'model-file-damaged': (model: string, file: string, cause: string) =>
    `Model "${model}": ${file} is damaged or not an ONNX graph. Download or export it again. ONNX Runtime said: ${cause}`,
  'config-not-an-object': (model: string, file: string) =>
    `Model "${model}": ${file} is not a JSON object. Copy it again from where the model came from.`,
  'no-block-channels': (model: string, component: string) =>
    `Model "${model}": ${component}/config.json has no list "block_out_channels"; the picture size cannot be worked out. Copy the config.json of the original model there.`,
  'scaling-factor': (model: string, found: string) =>
    `Model "${model}": "scaling_factor" in vae_decoder/config.json must be a positive number, found ${found}. Copy the config.json of the original VAE into vae_decoder/.`,
  'own-defaults-name': (model: string, name: string, names: string) =>
    `Model "${model}": defaults.json has "${name}"; it may hold ${names}.`,
  'own-defaults-value': (model: string, name: string, found: string, allowed: string) =>
    `Model "${model}": "${name}" in defaults.json is ${found}; allowed: ${allowed}.`,
  'token-embeddings-out-of-reach': (file: string, cause: string) =>
    `${file} does not let Darkroom reach its token embeddings (${cause}). Paint without textual inversions, or export the text encoder again.`,
  'layers-out-of-reach': (file: string, cause: string) =>
    `${file} does not let Darkroom reach its inner layers (${cause}). Paint without clip skip, or export the text encoder again.`,
  'special-token-absent': (folder: string, role: string, token: string) =>
    `${folder}: the ${role} "${token}" is not in the tokenizer's vocabulary.`,
  'not-json': (file: string) => `${file} is not valid JSON. Download or export the model again.`,
  'no-tokenizer': (folder: string) =>
    `${folder} holds no tokenizer: expected tokenizer.json, or vocab.json with merges.txt.`,
  'vae-shape': (model: string, file: string, found: string, expected: string) =>
    `Model "${model}": ${file} made a picture of shape [${found}] where [${expected}] was expected. Its config.json ("block_out_channels") belongs to another VAE.`,
  'vae-not-finite': () =>
    'The VAE answered with numbers that are not finite, so there is no picture. This happens with fp16 VAEs that overflow: use the model’s fp32 VAE (or a "fp16-fix" VAE) in vae_decoder/, or set DEVICE=cpu.',
  'denoiser-not-finite': (model: string, file: string) =>
    `Model "${model}": the network in ${file} answers a plain test input with numbers that are not finite (NaN), so its weights are damaged. Download it again, or take another version of it.`,
  'latents-not-finite': (model: string) =>
    `Model "${model}" left the numbers on the way (NaN), so there is no picture. Weights of its UNet or text encoder are damaged, or a LoRA is too strong: try without LoRAs, or download the model again.`,
  'denoiser-asks-more': (model: string, file: string, unknown: string, known: string) =>
    `Model "${model}": ${file} asks for ${unknown}, which Darkroom cannot give. Known inputs: ${known}. Models with control nets or extra adapters are not supported.`,
  'not-a-denoiser': (model: string, file: string, names: string, lacking: string) =>
    `Model "${model}": ${file} has inputs ${names} but no ${lacking}. It is not the denoiser of a text-to-image model; put the right graph there.`,
  'denoiser-channels': (model: string, file: string, found: number, expected: number) =>
    `Model "${model}": ${file} takes ${found} channels where its config.json promises ${expected}. Graph and config.json belong to different models; copy both from the same place.`,
  'not-a-safety-checker': (model: string, file: string, names: string, known: string) =>
    `Model "${model}": ${file} has inputs ${names} where ${known} were expected, or no output has_nsfw_concepts. It is not the safety checker that diffusers and optimum export; put the right graph there, or take the folder safety_checker away.`,
  'safety-failed': (model: string, side: number, cause: string) =>
    `Model "${model}": its safety checker could not look at a picture cropped to ${side} pixels. Copy safety_checker/ and feature_extractor/ from the same place. ONNX Runtime said: ${cause}`,
  'safety-preprocessing': (model: string, file: string) =>
    `Model "${model}": ${file} asks for another preprocessing than CLIP's (resize bicubic, centre crop, rescale by 1/255, normalise). Copy the file of the original model there.`,
  'unknown-input-type': (dtype: string) =>
    `A graph of this model asks for input of type ${dtype}; Darkroom feeds float32, float16, float64, int32, int64 and bool. Export the model again as fp32 or fp16.`,

  // scheduler_config.json
  /** `allowed`: as it would stand in the file, such as `0.0` for any number */
  'scheduler-option': (key: string, allowed: string, found: string) =>
    `scheduler_config.json: ${key} is ${found}; allowed: ${allowed}. Correct the file or restore it from the model's source.`,
  'scheduler-sigma-min': (algorithm: string) =>
    `scheduler_config.json: algorithm_type ${algorithm} needs final_sigmas_type "sigma_min". Set it, or take dpmsolver++.`,
  'scheduler-two-spacings': (options: string) =>
    `scheduler_config.json asks for ${options}; only one can hold. Set the others to false.`,
  'scheduler-unknown': (name: string, names: string) =>
    `The model's scheduler_config.json names the class ${name}, which is not supported. Name a sampler: one of ${names}.`,
};
