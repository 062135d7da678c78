import type { MODEL_SENTENCES } from '../../../../engine/sentences.ts';

/** About the files of a model. */
export const SAID_OF_MODELS: typeof MODEL_SENTENCES = {
  'models-folder-unreadable': (folder) =>
    `Der Modellordner ${folder} lässt sich nicht lesen. Lege ihn an, oder setze MODELS_DIR auf den Ordner mit deinen Modellen.`,
  'model-folder-unreadable': (folder) =>
    `Der Ordner ${folder} lässt sich nicht lesen. Erwartet wird ein Ordner im ONNX-Layout von diffusers (unet/, vae_decoder/, …).`,
  'model-lacks': (model, file) =>
    `Dem Modell „${model}“ fehlt ${file}. Ein Modellordner braucht unet/ (oder transformer/), text_encoder/, tokenizer/, vae_decoder/ und scheduler/ mit ihren model.onnx und config-Dateien, wie \`optimum-cli export onnx\` sie schreibt.`,
  'model-is-flux': (model) =>
    `„${model}“ ist ein Flux-Modell, das Darkroom noch nicht ausführt. Nimm ein Stable-Diffusion-Modell.`,
  'model-file-empty': (model, file) =>
    `Modell „${model}“: ${file} ist leer oder lässt sich nicht lesen. Lade oder exportiere es noch einmal.`,
  'model-weights-absent': (model, file, cause) =>
    `Modell „${model}“: ${file} verweist auf eine Datei mit Gewichten, die nicht daneben liegt. Lege sie (oft model.onnx_data) in denselben Ordner. ONNX Runtime sagt: ${cause}`,
  'model-changed': (model, file) =>
    `Modell „${model}“: ${file} wurde verändert, während es geöffnet wurde. Frage noch einmal, wenn die Datei ganz kopiert ist.`,
  'model-file-damaged': (model, file, cause) =>
    `Modell „${model}“: ${file} ist beschädigt oder kein ONNX-Graph. Lade oder exportiere es noch einmal. ONNX Runtime sagt: ${cause}`,
  'config-not-an-object': (model, file) =>
    `Modell „${model}“: ${file} ist kein JSON-Objekt. Kopiere es noch einmal von dort, wo das Modell herkommt.`,
  'no-block-channels': (model, component) =>
    `Modell „${model}“: ${component}/config.json hat keine Liste „block_out_channels“; die Bildgröße lässt sich nicht errechnen. Kopiere die config.json des ursprünglichen Modells dorthin.`,
  'scaling-factor': (model, found) =>
    `Modell „${model}“: „scaling_factor“ in vae_decoder/config.json muss eine positive Zahl sein, da steht ${found}. Kopiere die config.json der ursprünglichen VAE nach vae_decoder/.`,
  'own-defaults-name': (model, name, names) =>
    `Modell „${model}“: in defaults.json steht „${name}“; erlaubt sind ${names}.`,
  'own-defaults-value': (model, name, found, allowed) =>
    `Modell „${model}“: „${name}“ in defaults.json ist ${found}; erlaubt: ${allowed}.`,
  'token-embeddings-out-of-reach': (file, cause) =>
    `${file} lässt Darkroom nicht an seine Token-Embeddings (${cause}). Male ohne Textual Inversions, oder exportiere den Text-Encoder neu.`,
  'layers-out-of-reach': (file, cause) =>
    `${file} lässt Darkroom nicht an seine inneren Schichten (${cause}). Male ohne Clip Skip, oder exportiere den Text-Encoder neu.`,
  'special-token-absent': (folder, role, token) =>
    `${folder}: der ${role} „${token}“ ist nicht im Wortschatz des Tokenizers.`,
  'not-json': (file) =>
    `${file} ist kein gültiges JSON. Lade oder exportiere das Modell noch einmal.`,
  'no-tokenizer': (folder) =>
    `${folder} enthält keinen Tokenizer: erwartet wird tokenizer.json, oder vocab.json mit merges.txt.`,
  'vae-shape': (model, file, found, expected) =>
    `Modell „${model}“: ${file} machte ein Bild der Form [${found}], erwartet war [${expected}]. Seine config.json („block_out_channels“) gehört zu einer anderen VAE.`,
  'vae-not-finite': () =>
    'Die VAE antwortete mit Zahlen, die nicht endlich sind, deshalb gibt es kein Bild. So laufen VAEs in fp16 über: lege die fp32-VAE des Modells (oder eine „fp16-fix“-VAE) nach vae_decoder/, oder setze DEVICE=cpu.',
  'denoiser-not-finite': (model, file) =>
    `Modell „${model}“: das Netz in ${file} antwortet auf eine einfache Probe mit Werten, die keine Zahlen sind (NaN), seine Gewichte sind also beschädigt. Lade es noch einmal, oder nimm eine andere Fassung.`,
  'latents-not-finite': (model) =>
    `Modell „${model}“ hat unterwegs die Zahlen verlassen (NaN), deshalb gibt es kein Bild. Gewichte von UNet oder Text-Encoder sind beschädigt, oder ein LoRA ist zu stark: versuche es ohne LoRAs, oder lade das Modell noch einmal.`,
  'denoiser-asks-more': (model, file, unknown, known) =>
    `Modell „${model}“: ${file} verlangt ${unknown}, was Darkroom nicht geben kann. Bekannte Eingaben: ${known}. Modelle mit ControlNets oder weiteren Adaptern werden nicht unterstützt.`,
  'not-a-denoiser': (model, file, names, lacking) =>
    `Modell „${model}“: ${file} hat die Eingaben ${names}, aber nicht ${lacking}. Das ist nicht der Denoiser eines Text-zu-Bild-Modells; lege den richtigen Graphen dorthin.`,
  'denoiser-channels': (model, file, found, expected) =>
    `Modell „${model}“: ${file} nimmt ${found} Kanäle, wo seine config.json ${expected} verspricht. Graph und config.json gehören zu verschiedenen Modellen; kopiere beide vom selben Ort.`,
  'not-a-safety-checker': (model, file, names, known) =>
    `Modell „${model}“: ${file} hat die Eingaben ${names}, wo ${known} erwartet wurden, oder keine Ausgabe has_nsfw_concepts. Das ist nicht der Safety Checker, den diffusers und optimum exportieren; lege den richtigen Graphen dorthin, oder nimm den Ordner safety_checker weg.`,
  'safety-failed': (model, side, cause) =>
    `Modell „${model}“: sein Safety Checker konnte ein auf ${side} Pixel zugeschnittenes Bild nicht ansehen. Kopiere safety_checker/ und feature_extractor/ vom selben Ort. ONNX Runtime sagt: ${cause}`,
  'safety-preprocessing': (model, file) =>
    `Modell „${model}“: ${file} verlangt eine andere Vorverarbeitung als die von CLIP (bikubisch verkleinern, Mitte ausschneiden, durch 255 teilen, normieren). Kopiere die Datei des ursprünglichen Modells dorthin.`,
  'unknown-input-type': (dtype) =>
    `Ein Graph dieses Modells will Eingaben vom Typ ${dtype}; Darkroom gibt float32, float16, float64, int32, int64 und bool. Exportiere das Modell noch einmal als fp32 oder fp16.`,
  'scheduler-option': (key, allowed, found) =>
    `scheduler_config.json: ${key} ist ${found}; erlaubt: ${allowed}. Berichtige die Datei, oder hole sie noch einmal von der Quelle des Modells.`,
  'scheduler-sigma-min': (algorithm) =>
    `scheduler_config.json: algorithm_type ${algorithm} braucht final_sigmas_type „sigma_min“. Setze es, oder nimm dpmsolver++.`,
  'scheduler-two-spacings': (options) =>
    `scheduler_config.json verlangt ${options}; nur eines kann gelten. Setze die anderen auf false.`,
  'scheduler-unknown': (name, names) =>
    `Die scheduler_config.json des Modells nennt die Klasse ${name}, die nicht unterstützt wird. Nenne einen Sampler: einen von ${names}.`,
};
