import { join } from 'node:path';
import { loadConfig } from '../config.ts';
import { UserError } from '../engine/errors.ts';
import { notesHere, recipeFields, recipeText } from '../engine/recipe.ts';
import { openUpscalers } from '../engine/upscalers.ts';
import { NoRecipeError, recipeFrom } from './arguments/read-recipe.ts';
import { complain, EXIT } from './screen/program.ts';

const HELP = `Prints how a picture was made, from what its program wrote into it.

  npm run -s recipe -- FILE [--json]
  npm run -s recipe -- - [--json] < FILE

FILE is a PNG, JPEG or WebP picture, a text of A1111's kind, or a ComfyUI graph or another program's JSON.
--json prints one object: prompt, negativePrompt, seed, steps, cfg, sampler, schedule, width, height, model,
clipSkip, denoise, hires, loras, source, notes; what is not there is absent.
Ends with 3 where there is no recipe. \`npm run -s imagine -- --from FILE\` paints it.
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    if (args.includes('--help') || args.includes('-h')) {
      process.stdout.write(HELP);
      return EXIT.done;
    }
    const json = args.includes('--json');
    const [file, ...more] = args.filter((arg) => arg !== '--json');
    const odd = more[0] ?? (file !== undefined && /^-./.test(file) ? file : undefined);
    if (odd !== undefined) throw new UserError(`"${odd}" is not understood. --help shows more.`);
    if (file === undefined)
      throw new UserError('A file is missing: npm run -s recipe -- FILE. --help shows more.');
    const upscalers = await openUpscalers(join(loadConfig().modelsDir, 'upscalers')).names();
    const read = await recipeFrom(file);
    const recipe = { ...read, notes: notesHere(read, upscalers) };
    if (json) {
      process.stdout.write(`${JSON.stringify(recipeFields(recipe))}\n`);
      return EXIT.done;
    }
    process.stdout.write(`${recipeText(recipe)}\n`);
    for (const { words } of recipe.notes) process.stderr.write(`${words}\n`);
    return EXIT.done;
  } catch (error) {
    const code = complain(error, process.stderr);
    return error instanceof NoRecipeError ? EXIT.nothing : code;
  }
}
