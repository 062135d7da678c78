import type { FAMILY_SENTENCES } from '../../../../engine/sentences.ts';

const PARTS: Readonly<Record<string, string>> = {
  encoder: 'den Textencoder',
  transformer: 'den Transformer',
  vae: 'die VAE',
};

/** What the engine says of diffusion transformers and their networks. */
export const SAID_OF_FAMILIES: typeof FAMILY_SENTENCES = {
  'family-needs-encoder': (model, family, usual, folder) =>
    `${model} ist ein Transformer der Familie ${family} ohne Textencoder. Er braucht ${usual}: leg ihn in ${folder} oder nenne ihn mit --text-encoder.`,
  'family-needs-vae': (model, family, usual, folder) =>
    `${model} ist ein Transformer der Familie ${family} ohne VAE. Er braucht ${usual}: leg sie in ${folder} oder nenne sie mit --vae.`,
  'family-needs-tokenizer': (model, encoder, folder) =>
    `${model} braucht den Tokenizer von ${encoder}, den seine Datei nicht mitbringt: leg den Ordner mit tokenizer.json in ${folder} oder nenne ihn mit --tokenizer.`,
  'file-has-no-network': (folder) =>
    `Im Ordner ${folder} liegt keine .safetensors-Datei. Nenne eine Datei oder einen Ordner, wie diffusers ein Netz speichert.`,
  'family-vae-misfit': (file, model, family, usual) =>
    `${file} ist das VAE einer anderen Familie: ${model} (${family}) arbeitet mit ${usual}.`,
  'family-part-unknown': (file, family) =>
    `${file} ist kein Textencoder, mit dem ${family} Prompts liest.`,
  'family-part-damaged': (model, part, cause) =>
    `${part} von ${model} lässt sich nicht verwenden: ${cause}. Lade die Datei noch einmal von dort, wo sie herkam.`,
  'tokenizer-unreadable': (folder, file, cause) =>
    `${file} in ${folder} lässt sich nicht lesen: ${cause}.`,
  'prompt-too-many-words': (model, most, words) =>
    `Der Prompt ist zu lang für ${model}: höchstens ${most} Tokens, und dies sind ${words} Wörter. Kürze ihn.`,
  'schedule-not-for-family': (schedule, model, names) =>
    `Der Schedule ${schedule} ist nicht für Modelle wie ${model} gemacht. Wähle einen von ${names}.`,
  'option-needs-guidance': (option, model) =>
    `${model} ist dafür gemacht, ohne Guidance zu malen, ${option} bewirkt also nichts: lass es weg oder nimm ein anderes Modell.`,
  'steps-beyond-family': (steps, model, most) =>
    `${model} nimmt höchstens ${most} Schritte, nicht ${steps}.`,
  'prompt-too-many-tokens': (model, most, found) =>
    `Der Prompt ist zu lang für ${model}: höchstens ${most} Tokens, dieser hat ${found}. Kürze ihn.`,
  'side-beyond-places': (side, pixels, model, most) =>
    `${side} ${pixels} ist mehr, als ${model} Plätze hat: höchstens ${most} Pixel je Seite.`,
  'text-cut': (reader, most, found) =>
    `${reader} liest die ersten ${most} Tokens eines Textes, dieser hat ${found}: der Rest blieb weg.`,
  'no-references': (model) =>
    `${model} bearbeitet keine Bilder nach einem Satz. Nimm ein Modell, das es kann, etwa FLUX.2 klein, InstructPix2Pix, Flux.1 Kontext oder Qwen-Image-Edit (die letzten beiden sind an diesem Wort im Namen der Datei oder des Ordners zu erkennen).`,
  'encoder-without-eyes': (model) =>
    `Der Textencoder von ${model} sieht keine Bilder: Seiner Datei fehlt der Sehteil. Nimm qwen_2.5_vl_7b.safetensors (16,6 GB) oder die fp8-Form davon, die ihn haben.`,
  'too-many-references': (most, found) =>
    `Einem Modell können höchstens ${most} Vorlagen auf einmal gezeigt werden, nicht ${found}.`,
  'reference-shape': (width, height) =>
    `Eine Vorlage muss mindestens 64 Pixel breit und hoch und höchstens achtmal so lang wie breit sein, nicht ${width}x${height}.`,
  'gguf-damaged': (file) =>
    `${file} ist keine vollständige GGUF-Datei. Lade sie noch einmal von dort, wo sie herkam.`,
  'gguf-type': (file, type) =>
    `${file} enthält Zahlen einer Art (${type}), die Darkroom nicht kennt. Nimm eine Datei des Modells in Q8_0, Q4_K_M oder F16.`,
  'gguf-other': (file, architecture, titles) =>
    `${file} ist eine GGUF-Datei der Architektur „${architecture.slice(0, 40)}“, mit der Darkroom nicht malt. Es malt mit: ${titles}.`,
  'gguf-is-encoder': (file, folder) =>
    `${file} ist ein Textencoder und kein Modell, das malt: leg ihn in ${folder} oder nenne ihn neben dem Transformer mit --text-encoder.`,
  'guidance-unheard': (model) =>
    `${model} ist so destilliert, dass es ohne Guidance malt: cfg blieb unbeachtet.`,
  'distilled-guidance-unheard': (model) =>
    `${model} wird nicht gesagt, wie stark es sich führen lassen soll: die destillierte cfg blieb unbeachtet.`,
  'image-guidance-unheard': (model) =>
    `${model} ist kein InstructPix2Pix: die Bild-cfg blieb unbeachtet.`,
  'needs-picture-to-edit': (model) =>
    `${model} bearbeitet Bilder (InstructPix2Pix): zeig ihm das Bild, das es bearbeiten soll, oder nimm ein anderes Modell.`,
  'gguf-quantised': (file, type) =>
    `${file} ist als ${type} quantisiert, was Darkroom nicht liest. Nimm eine Datei des Modells in Q8_0, Q6_K, Q5_K, Q4_K oder Q4_0.`,
  'memory-too-small': (model, part, needed, there) =>
    `${model} braucht für ${PARTS[part] ?? part} ${needed} GB Speicher, da sind ${there} GB. Nimm eine kleinere Datei davon (Q8_0 oder Q4_K_M), oder lass es mit QUANTIZE=q8 oder q4 packen.`,
  'weights-no-room': (needed, free) =>
    `Die entpackten Gewichte des Modells brauchen ${needed} GB im Datenordner, frei sind ${free} GB. Schaffe dort Platz oder nimm ein kleiner gespeichertes Modell.`,
  'family-takes-text': (model, what) =>
    `${model} nimmt den Prompt als einen einfachen Text: ${what} geht damit nicht.`,
};
