const AGAIN = 'Download it again from where it came from.';

/** About .safetensors files and folders of them: what they are, what is wrong with them, and where they belong. */
export const CHECKPOINT_SENTENCES = {
  // What is wrong with a file
  'file-is-absent': (file: string) =>
    `${file} is not there, or it is a link to a file that is not.`,
  'file-unreadable': (file: string, code: string) =>
    `${file} cannot be read (${code}). Give the account that runs Darkroom the right to read it.`,
  'links-in-a-circle': (file: string) =>
    `${file} is a link that leads back to itself. Put the file itself there.`,
  'not-a-file': (file: string) => `${file} is not a file.`,
  'file-has-no-bytes': (file: string) => `${file} has no bytes. ${AGAIN}`,
  'file-is-changing': (file: string) =>
    `${file} became shorter while it was read. Wait until it is copied or downloaded completely.`,
  'file-breaks-off': (file: string, found: string, expected: string) =>
    `${file} breaks off: it has ${found} of ${expected}. The download was cut short, or a tensor lies beyond the end. ${AGAIN}`,
  'header-breaks-off': (file: string) =>
    `${file} breaks off before the list of its tensors ends. ${AGAIN}`,
  'not-safetensors': (file: string) =>
    `${file} is not a safetensors file: it does not begin with a list of tensors. ${AGAIN}`,
  'file-goes-on': (file: string, more: string) =>
    `${file} goes on for ${more} behind its last tensor, as if two files had been joined. ${AGAIN}`,
  'too-many-tensors': (file: string, found: number, most: number) =>
    `${file} names ${found} tensors; networks have some thousands, and at most ${most} are read. It is not a model for Darkroom.`,
  'tensor-twice': (file: string, tensor: string) =>
    `${file} names the tensor ${tensor} twice. It is damaged: ${AGAIN}`,
  'tensor-described-wrongly': (file: string, tensor: string) =>
    `${file} is damaged: its tensor ${tensor} has no proper type, shape and place. ${AGAIN}`,
  'tensor-type': (file: string, tensor: string, type: string) =>
    `${file} stores ${tensor} as ${type}, a kind of quantisation that Darkroom does not know. Take a version in fp16, bf16, fp32 or fp8.`,
  'tensor-length': (file: string, tensor: string, shape: string, type: string, found: number) =>
    `${file} is damaged: its tensor ${tensor} of shape [${shape}] in ${type} has ${found} bytes, which do not fit. ${AGAIN}`,
  'tensor-overlaps': (file: string, tensor: string) =>
    `${file} is damaged: its tensor ${tensor} begins inside another one. ${AGAIN}`,
  'tensor-hole': (file: string, tensor: string) =>
    `${file} is damaged: before its tensor ${tensor} are bytes that belong to none. ${AGAIN}`,

  // What a file is instead
  'file-is-pickle': (file: string) =>
    `${file} is a pickle (.ckpt, .pt, .bin), which can run any program when it is opened; Darkroom does not open it. Get the model as .safetensors, or convert it once: python -c "import torch,safetensors.torch as s,sys; d=torch.load(sys.argv[1],weights_only=True,map_location='cpu'); d=d.get('state_dict',d); s.save_file({k:v.contiguous().clone() for k,v in d.items() if hasattr(v,'dtype')},sys.argv[2])" old.ckpt new.safetensors`,
  'file-is-gguf': (file: string) => `${file} is a GGUF file with the wrong ending. Call it .gguf.`,
  'file-is-lfs-pointer': (file: string) =>
    `${file} is a pointer of Git LFS, not the file itself. Run \`git lfs pull\` where it came from, or download the file from the model's page.`,
  'file-is-web-page': (file: string) =>
    `${file} is a web page that was saved in place of the model, often because the download needs a login. Download it in the browser, or with your access token.`,
  'file-is-json': (file: string) =>
    `${file} is JSON text, not a model; often it is a site's answer that the download was refused. ${AGAIN}`,
  'file-is-archive': (file: string) =>
    `${file} is an archive (zip, rar, 7z, gz). Unpack it and put the .safetensors file that is inside here.`,
  'file-is-picture': (file: string) => `${file} is a picture, not a model.`,
  'file-is-onnx': (file: string) =>
    `${file} is an ONNX graph. ONNX models are folders (unet/model.onnx, text_encoder/model.onnx, …): put the whole folder into the models folder.`,
  'file-is-coming': (file: string) =>
    `${file} is a download that has not finished. Wait for it, or start it again.`,
  'gguf-not-yet': (file: string) =>
    `${file} is a GGUF file of a network that Darkroom does not paint with. Known are the transformers of Z-Image, FLUX.2 klein, Flux.1 and Stable Diffusion 3.`,
  'not-a-model-file': (file: string) =>
    `${file} is no model file. Darkroom opens .safetensors files, diffusers folders and ONNX folders.`,
  'file-is-blank': (file: string) =>
    `${file} begins with zeros only: its download has set the space aside and not finished. Wait for it, or start it again.`,

  'file-is-model': (file: string, family: string) =>
    `${file} is a whole model (${family}). Put it into the models folder.`,
  'file-is-lora': (file: string, folder: string) =>
    `${file} is a LoRA, not a model. Put it into ${folder} and write <lora:name:0.8> into a prompt.`,
  'file-is-embedding': (file: string, folder: string) =>
    `${file} is a textual inversion, not a model. Put it into ${folder} and write its name into a prompt.`,
  'file-is-vae': (file: string, folder: string) =>
    `${file} is a VAE, not a model. Put it into ${folder}, and name it for a model with --vae or with "vae" in the model's NAME.json.`,
  'file-is-tiny-vae': (file: string, channels: number, folder: string) =>
    `${file} is a tiny autoencoder (TAESD) for latents of ${channels} channels, not a model. Put it into ${folder}: pictures on their way are shown with it.`,
  'file-is-text-encoder': (file: string, folder: string) =>
    `${file} is a text encoder, not a model. Put it into ${folder}: models that lack one find it there.`,
  'file-is-upscaler': (file: string, folder: string) =>
    `${file} makes pictures larger and is no model to paint with. Put it into ${folder}: Enlarge and hires fix find it there.`,
  'file-is-not-used': (file: string, kind: string) =>
    `${file} is no model to paint with but belongs to ${kind}, which Darkroom does not use yet. Take it out of the models folder.`,
  'file-has-no-tensors': (file: string) =>
    `${file} is a safetensors file without tensors. ${AGAIN}`,
  'file-is-unknown': (file: string, example: string) =>
    `${file} is none of the models that Darkroom knows; it has tensors such as ${example}. Known are Stable Diffusion 1, 2, XL and 3, Flux.1, FLUX.2 klein, Z-Image and Qwen-Image, as single files or diffusers folders.`,
  'family-not-yet': (file: string, family: string) =>
    `${file} is a model of ${family}, which Darkroom does not paint with yet. Known are Stable Diffusion 1, 2, XL and 3, Flux.1, FLUX.2 klein, Z-Image and Qwen-Image.`,

  // What is wrong with a model
  'part-lacks': (model: string, part: string, tensor: string) =>
    `${model} is not whole: its ${part} lacks the tensor ${tensor}. ${AGAIN}`,
  'part-misfit': (model: string, part: string, tensor: string, found: string, expected: string) =>
    `${model} does not fit together: the tensor ${tensor} of its ${part} has the shape [${found}] where [${expected}] was expected. ${AGAIN}`,
  'part-quantised': (model: string, tensor: string) =>
    `${model} is quantised in a way that Darkroom does not know (${tensor}). Take a version in fp16, bf16, fp32 or plain fp8.`,
  'part-not-finite': (model: string, part: string, tensor: string) =>
    `${model} is damaged: the tensor ${tensor} of its ${part} is full of values that are no numbers (NaN). Take another version of it, or merge it again.`,
  'unet-channels': (model: string, inputs: number, outputs: number) =>
    `${model} has a UNet that takes ${inputs} channels and gives ${outputs}; Darkroom knows those with 4 (or 9 for inpainting) and 4.`,
  'unet-without-prompt': (model: string) =>
    `${model} has a UNet that reads no prompt. Darkroom knows those of Stable Diffusion 1, 2 and XL.`,
  'text-encoder-misfit': (model: string, part: string, found: number, expected: number) =>
    `${model} needs a ${part} of width ${expected}, and this one has ${found}: it belongs to another family of models.`,
  'text-encoder-vocabulary': (model: string, part: string, found: number, expected: number) =>
    `${model} has a ${part} that knows ${found} tokens where CLIP's tokenizer has ${expected}: it needs a tokenizer of its own in a diffusers folder.`,
  'folder-lacks': (model: string, what: string) =>
    `${model} lacks ${what}. A diffusers folder needs unet/, vae/, text_encoder/ and scheduler/ with their config.json and .safetensors files.`,
  'folder-has-pickles': (model: string, file: string) =>
    `${model} has ${file} and no .safetensors beside it. Pickles can run any program when they are opened, so Darkroom does not open them: download the .safetensors files of the same model.`,
  'shard-absent': (model: string, file: string, index: string) =>
    `${model} lacks ${file}, which ${index} names. Download the missing file.`,
  'shards-absent': (model: string, found: number, expected: number) =>
    `${model} has ${found} of ${expected} parts (…-of-${String(expected).padStart(5, '0')}.safetensors). Download the missing ones.`,
  'shard-lacks': (model: string, tensor: string, file: string) =>
    `${model}: the tensor ${tensor} is not in ${file}, where the index says it is. Download the files of one and the same version.`,
  'shard-index': (model: string, index: string) =>
    `${model}: ${index} does not say which tensor lies in which file beside it. Download it again.`,

  // Networks in files of their own
  'model-needs-vae': (model: string, folder: string) =>
    `${model} has no VAE, and none is at hand. Put one into ${folder} (for Stable Diffusion 1 and 2 vae-ft-mse-840000, for SDXL sdxl_vae), beside the model as ${model}.vae.safetensors, or name one with --vae.`,
  'model-needs-one-vae': (model: string, names: string) =>
    `${model} has no VAE, and several could be meant: ${names}. Name one with --vae, or with "vae" in ${model}.json beside the model.`,
  'model-needs-text-encoder': (model: string, part: string, width: number, folder: string) =>
    `${model} has no ${part}, and none of width ${width} is at hand. Put it (clip_l, clip_g or the like, .safetensors) into ${folder}, or name it with --text-encoder.`,
  'model-name-twice': (name: string, first: string, second: string) =>
    `Two models are called ${name}: ${first} is used, ${second} is not. Give one of them another name.`,
  'no-vae': (name: string, names: string) => `There is no VAE "${name}". There are ${names}.`,
  'no-vae-at-all': (name: string, folder: string) =>
    `There is no VAE "${name}": put .safetensors files of VAEs into ${folder}.`,
  'no-vae-file': (file: string) => `The VAE ${file} is not there.`,
  'file-has-no-vae': (file: string) => `${file} has no VAE in it. Name a file that has one.`,
  'vae-misfit': (file: string, model: string, found: number, expected: number) =>
    `The VAE ${file} does not fit ${model}: it has latents of ${found} channels where ${expected} are needed. It belongs to another family of models.`,
  'file-has-no-text-encoder': (file: string) =>
    `${file} has no text encoder of CLIP in it. Name a file that has one (clip_l, clip_g or the like).`,
  'export-keeps-parts': (model: string) =>
    `"${model}" is an ONNX export: its VAE and text encoders are part of it. Others can be named for .safetensors models only.`,
  'text-encoder-unused': (file: string, model: string, found: string, needed: string) =>
    `The text encoder ${file} does not fit ${model}: its width is ${found} where ${needed} is needed. It belongs to another family of models.`,

  // NAME.json beside a model
  'override-not-json': (file: string) =>
    `${file} beside the model is not a JSON object. Correct it, or take it away.`,
  'override-name': (file: string, name: string, names: string) =>
    `${file} beside the model has "${name}"; it may hold ${names}.`,
  'override-value': (file: string, name: string, found: string, allowed: string) =>
    `${file} beside the model: "${name}" is ${found}; allowed: ${allowed}.`,
  'override-scheduler': (file: string) => `${file} beside the model, "scheduler":`,
  'override-family': (file: string, wanted: string, found: string) =>
    `${file} beside the model says that it is ${wanted}, but its tensors are those of ${found}. Take "family" out of it.`,

  // How something is known of a model
  'how-beside': (file: string) => `${file} beside the model`,
  'how-named': (name: string) => `${name}, as asked for`,
  'how-shelf': (file: string, folder: string) => `${file} in ${folder}`,
  'how-markers': (keys: string) => `marker keys ${keys.replace(', ', ' and ')}`,
  'how-marker': (key: string) => `marker key ${key}`,
  'how-scheduler': () => 'scheduler/scheduler_config.json',
  'how-metadata': (key: string) => `__metadata__["${key}"]`,
  'how-weights': (spread: string, limit: string) =>
    `not in any key; the weights say so by ComfyUI's rule (the biases of one norm are spread by ${spread}, above ${limit} is v_prediction)`,
  'how-unknown': () => 'unknown from the file: epsilon by default',
  'how-family': () => 'usual for the family',
};
