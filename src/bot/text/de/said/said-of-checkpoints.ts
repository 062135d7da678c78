import type { CHECKPOINT_SENTENCES } from '../../../../engine/sentences.ts';

const comma = (number: string): string => number.replace('.', ',');

const AGAIN = 'Lade sie noch einmal von dort, wo sie herkommt.';

/** About .safetensors files and folders of them. */
export const SAID_OF_CHECKPOINTS: typeof CHECKPOINT_SENTENCES = {
  'file-is-absent': (file) =>
    `${file} ist nicht da, oder ein Verweis auf eine Datei, die es nicht gibt.`,
  'file-unreadable': (file, code) =>
    `${file} lässt sich nicht lesen (${code}). Gib dem Konto, unter dem Darkroom läuft, das Recht dazu.`,
  'links-in-a-circle': (file) =>
    `${file} ist ein Verweis, der auf sich selbst zurückführt. Lege die Datei selbst dorthin.`,
  'not-a-file': (file) => `${file} ist keine Datei.`,
  'file-has-no-bytes': (file) => `${file} ist leer. ${AGAIN}`,
  'file-is-changing': (file) =>
    `${file} wurde kürzer, während sie gelesen wurde. Warte, bis sie ganz kopiert oder geladen ist.`,
  'file-breaks-off': (file, found, expected) =>
    `${file} bricht ab: da sind ${comma(found)} von ${comma(expected)}. Der Download ist abgebrochen, oder ein Tensor liegt hinter dem Ende. ${AGAIN}`,
  'header-breaks-off': (file) =>
    `${file} bricht ab, bevor die Liste ihrer Tensoren endet. ${AGAIN}`,
  'not-safetensors': (file) =>
    `${file} ist keine safetensors-Datei: am Anfang steht keine Liste von Tensoren. ${AGAIN}`,
  'file-goes-on': (file, more) =>
    `${file} geht hinter dem letzten Tensor noch ${comma(more)} weiter, als hingen zwei Dateien aneinander. ${AGAIN}`,
  'too-many-tensors': (file, found, most) =>
    `${file} nennt ${found} Tensoren; Netze haben einige tausend, gelesen werden höchstens ${most}. Das ist kein Modell für Darkroom.`,
  'tensor-twice': (file, tensor) =>
    `${file} nennt den Tensor ${tensor} zweimal. Sie ist beschädigt: ${AGAIN}`,
  'tensor-described-wrongly': (file, tensor) =>
    `${file} ist beschädigt: ihr Tensor ${tensor} hat keinen rechten Typ, keine Form oder keinen Ort. ${AGAIN}`,
  'tensor-type': (file, tensor, type) =>
    `${file} speichert ${tensor} als ${type}, eine Quantisierung, die Darkroom nicht kennt. Nimm eine Fassung in fp16, bf16, fp32 oder fp8.`,
  'tensor-length': (file, tensor, shape, type, found) =>
    `${file} ist beschädigt: ihr Tensor ${tensor} der Form [${shape}] in ${type} hat ${found} Bytes, das passt nicht. ${AGAIN}`,
  'tensor-overlaps': (file, tensor) =>
    `${file} ist beschädigt: ihr Tensor ${tensor} beginnt mitten in einem anderen. ${AGAIN}`,
  'tensor-hole': (file, tensor) =>
    `${file} ist beschädigt: vor ihrem Tensor ${tensor} liegen Bytes, die zu keinem gehören. ${AGAIN}`,

  'file-is-pickle': (file) =>
    `${file} ist ein Pickle (.ckpt, .pt, .bin), das beim Öffnen jedes beliebige Programm ausführen kann; Darkroom öffnet es nicht. Hol dir das Modell als .safetensors, oder wandle es einmal um: python -c "import torch,safetensors.torch as s,sys; d=torch.load(sys.argv[1],weights_only=True,map_location='cpu'); d=d.get('state_dict',d); s.save_file({k:v.contiguous().clone() for k,v in d.items() if hasattr(v,'dtype')},sys.argv[2])" alt.ckpt neu.safetensors`,
  'file-is-gguf': (file) => `${file} ist eine GGUF-Datei mit der falschen Endung. Nenne sie .gguf.`,
  'file-is-lfs-pointer': (file) =>
    `${file} ist ein Zeiger von Git LFS, nicht die Datei selbst. Rufe dort, wo sie herkommt, \`git lfs pull\` auf, oder lade die Datei von der Seite des Modells.`,
  'file-is-web-page': (file) =>
    `${file} ist eine Webseite, die statt des Modells gespeichert wurde, oft weil der Download eine Anmeldung braucht. Lade es im Browser oder mit deinem Zugangsschlüssel.`,
  'file-is-json': (file) =>
    `${file} ist JSON-Text, kein Modell; oft ist es die Antwort einer Seite, die den Download verweigert hat. ${AGAIN}`,
  'file-is-archive': (file) =>
    `${file} ist ein Archiv (zip, rar, 7z, gz). Packe es aus und lege die .safetensors-Datei daraus hierher.`,
  'file-is-picture': (file) => `${file} ist ein Bild, kein Modell.`,
  'file-is-onnx': (file) =>
    `${file} ist ein ONNX-Graph. ONNX-Modelle sind Ordner (unet/model.onnx, text_encoder/model.onnx, …): lege den ganzen Ordner in den Modellordner.`,
  'file-is-coming': (file) =>
    `${file} ist ein Download, der nicht fertig ist. Warte darauf, oder starte ihn neu.`,
  'gguf-not-yet': (file) =>
    `${file} ist eine GGUF-Datei eines Netzes, mit dem Darkroom nicht malt. Bekannt sind die Transformer von Z-Image, FLUX.2 klein, Flux.1 und Stable Diffusion 3.`,
  'not-a-model-file': (file) =>
    `${file} ist keine Modelldatei. Darkroom öffnet .safetensors-Dateien, diffusers-Ordner und ONNX-Ordner.`,
  'file-is-blank': (file) =>
    `${file} beginnt mit lauter Nullen: der Download hat den Platz reserviert und ist nicht fertig. Warte darauf, oder starte ihn neu.`,

  'file-is-model': (file, family) =>
    `${file} ist ein ganzes Modell (${family}). Lege es in den Modellordner.`,
  'file-is-lora': (file, folder) =>
    `${file} ist ein LoRA, kein Modell. Lege es nach ${folder} und schreibe <lora:name:0.8> in einen Prompt.`,
  'file-is-embedding': (file, folder) =>
    `${file} ist eine Textual Inversion, kein Modell. Lege sie nach ${folder} und schreibe ihren Namen in einen Prompt.`,
  'file-is-vae': (file, folder) =>
    `${file} ist eine VAE, kein Modell. Lege sie nach ${folder}, und nenne sie für ein Modell mit --vae oder mit „vae“ in dessen NAME.json.`,
  'file-is-tiny-vae': (file, channels, folder) =>
    `${file} ist ein winziger Autoencoder (TAESD) für Latents mit ${channels} Kanälen, kein Modell. Lege ihn nach ${folder}: entstehende Bilder werden damit gezeigt.`,
  'file-is-text-encoder': (file, folder) =>
    `${file} ist ein Text-Encoder, kein Modell. Lege ihn nach ${folder}: Modelle ohne Text-Encoder finden ihn dort.`,
  'file-is-upscaler': (file, folder) =>
    `${file} vergrößert Bilder und ist kein Modell zum Malen. Lege die Datei nach ${folder}: Vergrößern und Hires-Fix finden sie dort.`,
  'file-is-not-used': (file, kind) =>
    `${file} ist kein Modell zum Malen, sondern gehört zu ${kind}, was Darkroom noch nicht benutzt. Nimm die Datei aus dem Modellordner.`,
  'file-has-no-tensors': (file) => `${file} ist eine safetensors-Datei ohne Tensoren. ${AGAIN}`,
  'file-is-unknown': (file, example) =>
    `${file} ist keines der Modelle, die Darkroom kennt; darin sind Tensoren wie ${example}. Bekannt sind Stable Diffusion 1, 2, XL und 3, Flux.1, FLUX.2 klein, Z-Image und Qwen-Image als einzelne Datei oder als diffusers-Ordner.`,
  'family-not-yet': (file, family) =>
    `${file} ist ein Modell von ${family}, mit dem Darkroom noch nicht malt. Bekannt sind Stable Diffusion 1, 2, XL und 3, Flux.1, FLUX.2 klein, Z-Image und Qwen-Image.`,

  'part-lacks': (model, part, tensor) =>
    `${model} ist nicht ganz: dem Teil ${part} fehlt der Tensor ${tensor}. ${AGAIN}`,
  'part-misfit': (model, part, tensor, found, expected) =>
    `${model} passt nicht zusammen: der Tensor ${tensor} im Teil ${part} hat die Form [${found}], erwartet war [${expected}]. ${AGAIN}`,
  'part-quantised': (model, tensor) =>
    `${model} ist auf eine Weise quantisiert, die Darkroom nicht kennt (${tensor}). Nimm eine Fassung in fp16, bf16, fp32 oder einfachem fp8.`,
  'part-not-finite': (model, part, tensor) =>
    `${model} ist beschädigt: der Tensor ${tensor} im Teil ${part} ist voller Werte, die keine Zahlen sind (NaN). Nimm eine andere Fassung, oder mische sie neu.`,
  'unet-channels': (model, inputs, outputs) =>
    `${model} hat ein UNet, das ${inputs} Kanäle nimmt und ${outputs} gibt; Darkroom kennt solche mit 4 (oder 9 für Inpainting) und 4.`,
  'unet-without-prompt': (model) =>
    `${model} hat ein UNet, das keinen Prompt liest. Darkroom kennt die von Stable Diffusion 1, 2 und XL.`,
  'text-encoder-misfit': (model, part, found, expected) =>
    `${model} braucht einen ${part} der Breite ${expected}, dieser hat ${found}: er gehört zu einer anderen Modellfamilie.`,
  'text-encoder-vocabulary': (model, part, found, expected) =>
    `${model} hat einen ${part}, der ${found} Token kennt, CLIPs Tokenizer hat ${expected}: er braucht einen eigenen Tokenizer in einem diffusers-Ordner.`,
  'folder-lacks': (model, what) =>
    `${model} fehlt ${what}. Ein diffusers-Ordner braucht unet/, vae/, text_encoder/ und scheduler/ mit ihren config.json- und .safetensors-Dateien.`,
  'folder-has-pickles': (model, file) =>
    `${model} hat ${file} und keine .safetensors-Datei daneben. Pickles können beim Öffnen jedes Programm ausführen, deshalb öffnet Darkroom sie nicht: lade die .safetensors-Dateien desselben Modells.`,
  'shard-absent': (model, file, index) =>
    `${model} fehlt ${file}, die Datei ${index} nennt sie. Lade die fehlende Datei.`,
  'shards-absent': (model, found, expected) =>
    `${model} hat ${found} von ${expected} Teilen (…-of-${String(expected).padStart(5, '0')}.safetensors). Lade die fehlenden.`,
  'shard-lacks': (model, tensor, file) =>
    `${model}: der Tensor ${tensor} ist nicht in ${file}, wo er laut Verzeichnis liegt. Lade die Dateien ein und derselben Fassung.`,
  'shard-index': (model, index) =>
    `${model}: ${index} sagt nicht, welcher Tensor in welcher Datei daneben liegt. Lade die Datei noch einmal.`,

  'model-needs-vae': (model, folder) =>
    `${model} hat keine VAE, und es liegt keine bereit. Lege eine nach ${folder} (für Stable Diffusion 1 und 2 vae-ft-mse-840000, für SDXL sdxl_vae), neben das Modell als ${model}.vae.safetensors, oder nenne eine mit --vae.`,
  'model-needs-one-vae': (model, names) =>
    `${model} hat keine VAE, und mehrere könnten gemeint sein: ${names}. Nenne eine mit --vae, oder mit „vae“ in ${model}.json neben dem Modell.`,
  'model-needs-text-encoder': (model, part, width, folder) =>
    `${model} hat keinen ${part}, und es liegt keiner der Breite ${width} bereit. Lege ihn (clip_l, clip_g oder dergleichen, .safetensors) nach ${folder}, oder nenne ihn mit --text-encoder.`,
  'model-name-twice': (name, first, second) =>
    `Zwei Modelle heißen ${name}: ${first} wird benutzt, ${second} nicht. Gib einem davon einen anderen Namen.`,
  'no-vae': (name, names) => `Es gibt keine VAE „${name}“. Es gibt ${names}.`,
  'no-vae-at-all': (name, folder) =>
    `Es gibt keine VAE „${name}“: lege .safetensors-Dateien mit VAEs nach ${folder}.`,
  'no-vae-file': (file) => `Die VAE ${file} ist nicht da.`,
  'file-has-no-vae': (file) => `${file} enthält keine VAE. Nenne eine Datei, die eine hat.`,
  'vae-misfit': (file, model, found, expected) =>
    `Die VAE ${file} passt nicht zu ${model}: ihre Latents haben ${found} Kanäle, gebraucht werden ${expected}. Sie gehört zu einer anderen Modellfamilie.`,
  'file-has-no-text-encoder': (file) =>
    `${file} enthält keinen Text-Encoder von CLIP. Nenne eine Datei, die einen hat (clip_l, clip_g oder dergleichen).`,
  'export-keeps-parts': (model) =>
    `„${model}“ ist ein ONNX-Export: VAE und Text-Encoder gehören fest dazu. Andere lassen sich nur für .safetensors-Modelle nennen.`,
  'text-encoder-unused': (file, model, found, needed) =>
    `Der Text-Encoder ${file} passt nicht zu ${model}: er ist ${found} breit, gebraucht wird ${needed}. Er gehört zu einer anderen Modellfamilie.`,

  'override-not-json': (file) =>
    `${file} neben dem Modell ist kein JSON-Objekt. Berichtige die Datei, oder nimm sie weg.`,
  'override-name': (file, name, names) =>
    `In ${file} neben dem Modell steht „${name}“; erlaubt sind ${names}.`,
  'override-value': (file, name, found, allowed) =>
    `${file} neben dem Modell: „${name}“ ist ${found}; erlaubt: ${allowed}.`,
  'override-scheduler': (file) => `${file} neben dem Modell, „scheduler“:`,
  'override-family': (file, wanted, found) =>
    `${file} neben dem Modell sagt, es sei ${wanted}, aber seine Tensoren sind die von ${found}. Nimm „family“ heraus.`,

  'how-beside': (file) => `${file} neben dem Modell`,
  'how-named': (name) => `${name}, wie gewünscht`,
  'how-shelf': (file, folder) => `${file} in ${folder}`,
  'how-markers': (keys) => `die Merkmale ${keys.replace(', ', ' und ')}`,
  'how-marker': (key) => `das Merkmal ${key}`,
  'how-scheduler': () => 'scheduler/scheduler_config.json',
  'how-metadata': (key) => `__metadata__["${key}"]`,
  'how-weights': (spread, limit) =>
    `steht nirgends; so sagen es die Gewichte nach ComfyUIs Regel (die Biaswerte einer Norm streuen um ${comma(spread)}, über ${comma(limit)} ist es v_prediction)`,
  'how-unknown': () => 'in der Datei steht es nicht: epsilon als Vorgabe',
  'how-family': () => 'üblich für die Familie',
};
