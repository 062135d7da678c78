/** About the families of diffusion transformers and the networks they are made of. */
export const FAMILY_SENTENCES = {
  'family-needs-encoder': (model: string, family: string, usual: string, folder: string) =>
    `${model} is a ${family} transformer without its text encoder. It needs ${usual}: put it into ${folder}, or name it with --text-encoder.`,
  'family-needs-vae': (model: string, family: string, usual: string, folder: string) =>
    `${model} is a ${family} transformer without its VAE. It needs ${usual}: put it into ${folder}, or name it with --vae.`,
  'family-needs-tokenizer': (model: string, encoder: string, folder: string) =>
    `${model} needs the tokenizer of ${encoder}, which its file does not bring: put the folder with its tokenizer.json into ${folder}, or name it with --tokenizer.`,
  'file-has-no-network': (folder: string) =>
    `The folder ${folder} holds no .safetensors file. Name a file, or a folder as diffusers saves a network.`,
  'family-vae-misfit': (file: string, model: string, family: string, usual: string) =>
    `${file} is the VAE of another family: ${model} (${family}) works with ${usual}.`,
  'family-part-unknown': (file: string, family: string) =>
    `${file} is no text encoder that ${family} reads prompts with.`,
  'family-part-damaged': (model: string, part: string, cause: string) =>
    `The ${part} of ${model} cannot be used: ${cause}. Download it again from where it came from.`,
  'tokenizer-unreadable': (folder: string, file: string, cause: string) =>
    `${file} in ${folder} cannot be read: ${cause}.`,
  'prompt-too-many-words': (model: string, most: number, words: number) =>
    `The prompt is too long for ${model}: it takes ${most} tokens, and these are ${words} words. Shorten it.`,
  'schedule-not-for-family': (schedule: string, model: string, names: string) =>
    `The schedule ${schedule} was not made for models like ${model}. Choose one of ${names}.`,
  'option-needs-guidance': (option: string, model: string) =>
    `${model} was made to paint without guidance, so ${option} does nothing for it: leave it out, or choose another model.`,
  'steps-beyond-family': (steps: number, model: string, most: number) =>
    `${model} takes at most ${most} steps, not ${steps}.`,
  'prompt-too-many-tokens': (model: string, most: number, found: number) =>
    `The prompt is too long for ${model}: it takes ${most} tokens, this one has ${found}. Shorten it.`,
  'side-beyond-places': (side: string, pixels: number, model: string, most: number) =>
    `${side} ${pixels} is more than ${model} has places for: ${most} pixels a side at the most.`,
  'text-cut': (reader: string, most: number, found: number) =>
    `${reader} reads the first ${most} tokens of a text, this one has ${found}: the rest was left out.`,
  'no-references': (model: string) =>
    `${model} does not edit pictures by a sentence. Take a model that does, such as FLUX.2 klein, InstructPix2Pix, Flux.1 Kontext or Qwen-Image-Edit (the last two are known by that word in the name of the file or folder).`,
  'encoder-without-eyes': (model: string) =>
    `The text encoder of ${model} cannot see pictures: its file has no vision tower. Take qwen_2.5_vl_7b.safetensors (16.6 GB) or its fp8 form, which have one.`,
  'too-many-references': (most: number, found: number) =>
    `At most ${most} reference pictures can be shown to a model at once, not ${found}.`,
  'reference-shape': (width: number, height: number) =>
    `A reference picture must be at least 64 pixels wide and high and at most eight times as long as wide, not ${width}x${height}.`,
  'gguf-damaged': (file: string) =>
    `${file} is no whole GGUF file. Download it again from where it came from.`,
  'gguf-type': (file: string, type: number) =>
    `${file} holds numbers of a kind (${type}) that Darkroom does not know. Take a Q8_0, Q4_K_M or F16 file of the model.`,
  'gguf-other': (file: string, architecture: string, titles: string) =>
    `${file} is a GGUF of the architecture "${architecture.slice(0, 40)}", which is none that Darkroom paints with: ${titles}.`,
  'gguf-is-encoder': (file: string, folder: string) =>
    `${file} is a text encoder, not a model that paints: put it into ${folder}, or name it with --text-encoder beside the transformer.`,
  'guidance-unheard': (model: string) =>
    `${model} was distilled to paint without guidance: cfg was left aside.`,
  'distilled-guidance-unheard': (model: string) =>
    `${model} is not told how strongly to guide: the distilled cfg was left aside.`,
  'image-guidance-unheard': (model: string) =>
    `${model} is no InstructPix2Pix: the image cfg was left aside.`,
  'needs-picture-to-edit': (model: string) =>
    `${model} edits pictures (InstructPix2Pix): show it the one to edit, or choose another model.`,
  'gguf-quantised': (file: string, type: string) =>
    `${file} is quantised as ${type}, which Darkroom does not read. Take a Q8_0, Q6_K, Q5_K, Q4_K or Q4_0 file of the model.`,
  'memory-too-small': (model: string, part: string, needed: string, there: string) =>
    `${model} needs ${needed} GB of memory for its ${part}, and ${there} GB are there. Take a smaller file of it (Q8_0 or Q4_K_M), or have it packed with QUANTIZE=q8 or q4.`,
  'weights-no-room': (needed: string, free: string) =>
    `Unfolding the model's weights needs ${needed} GB in the data folder, where ${free} GB are free. Make room there, or take a model that is stored smaller.`,
  'family-takes-text': (model: string, what: string) =>
    `${model} takes the prompt as one plain text: ${what} is not possible with it.`,
};
