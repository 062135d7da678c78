import type { RECIPE_SENTENCES } from '../../../../engine/sentences.ts';

/** About recipes from elsewhere: what was left out of them, and what stands in its place. */
export const SAID_OF_RECIPES: typeof RECIPE_SENTENCES = {
  'recipe-sampler': (name) =>
    `Den Sampler ${name} gibt es hier nicht: dafür steht der Vorgabe-Sampler des Modells.`,
  'recipe-schedule': (name) =>
    `Den Schedule ${name} gibt es hier nicht: dafür steht der des Samplers.`,
  'recipe-upscaler': (name, instead) =>
    `Den Upscaler ${name} gibt es hier nicht: dafür steht ${instead}.`,
  'recipe-model': (name, instead) => `Das Modell ${name} gibt es hier nicht: ${instead} malt.`,
  'recipe-refiner': (name) => `Den Refiner ${name} gibt es hier nicht, er blieb weg.`,
  'recipe-lora': (name) => `Das LoRA ${name} gibt es hier nicht, es blieb weg.`,
  'recipe-lora-renamed': (name, here) => `Das LoRA ${name} heißt hier ${here}.`,
  'recipe-limit': (field, found, taken) => `${field} ${found} ist mehr, als hier geht: ${taken}.`,
  'recipe-left-out': (what) => `Weggelassen, weil es das hier nicht gibt: ${what}.`,
  'recipe-prompt-unread': () =>
    'Der Prompt wird auf eine Weise gemacht, die sich aus der Datei nicht lesen lässt.',
  'recipe-empty': () => 'Der Prompt ist leer.',
  'recipe-negative-unread': () =>
    'Der Negativ-Prompt wird auf eine Weise gemacht, die sich aus der Datei nicht lesen lässt.',
  'recipe-size-unread': () =>
    'Die Größe wird auf eine Weise gemacht, die sich aus der Datei nicht lesen lässt.',
  'recipe-joined': () =>
    'Seine mehreren Texte wurden mit AND und BREAK verbunden, nach den Regeln von A1111.',
  'recipe-start': () => 'Es begann mit einem anderen Bild, das nicht in der Datei steht.',
};
