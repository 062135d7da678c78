/** What is said about a recipe from elsewhere: what was left out of it, and what stands in its place. */
export const RECIPE_SENTENCES = {
  'recipe-sampler': (name: string) =>
    `The sampler ${name} is not known here: the model's default stands in for it.`,
  'recipe-schedule': (name: string) =>
    `The schedule ${name} is not known here: the sampler's own stands in for it.`,
  'recipe-upscaler': (name: string, instead: string) =>
    `The upscaler ${name} is not here: ${instead} stands in for it.`,
  'recipe-model': (name: string, instead: string) =>
    `The model ${name} is not here: ${instead} paints instead.`,
  'recipe-refiner': (name: string) => `The refiner ${name} is not here and was left out.`,
  'recipe-lora': (name: string) => `The LoRA ${name} is not here and was left out.`,
  'recipe-lora-renamed': (name: string, here: string) => `The LoRA ${name} is called ${here} here.`,
  'recipe-limit': (field: string, found: string, taken: string) =>
    `${field} ${found} is beyond what is taken here: ${taken}.`,
  'recipe-left-out': (what: string) => `Left out, because it is not done here: ${what}.`,
  'recipe-prompt-unread': () => 'The prompt is made in a way that cannot be read from the file.',
  'recipe-empty': () => 'Its prompt is empty.',
  'recipe-negative-unread': () =>
    'The negative prompt is made in a way that cannot be read from the file.',
  'recipe-size-unread': () => 'The size is made in a way that cannot be read from the file.',
  'recipe-joined': () =>
    'Its several texts were joined by AND and BREAK, which follow the rules of A1111.',
  'recipe-start': () => 'It began with another picture, which is not part of the file.',
};
