/** The small files beside a transformer's weights, which people edit while a bot runs. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Changes when one of the small files changes that were looked at, or would have been had they been there. */
export async function configStamps(
  path: string,
  encoders: readonly { path: string; tokenizers: readonly string[] }[],
  vae: string,
): Promise<string[]> {
  const networks = [vae, ...encoders.map((each) => each.path)];
  return stampsOf([
    ...['model_index.json', 'scheduler/scheduler_config.json', 'transformer/config.json'].map(
      (file) => join(path, file),
    ),
    ...PROCESSORS.map((file) => join(path, file)),
    ...networks.map((file) => join(dirname(file), 'config.json')),
    ...encoders.flatMap(({ tokenizers }) =>
      tokenizers.flatMap((folder) => TOKENIZER_FILES.map((file) => join(folder, file))),
    ),
  ]);
}

export const PROCESSORS = ['processor/processor_config.json', 'processor/preprocessor_config.json'];
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'vocab.json', 'merges.txt'];

/** Of those that are there. */
async function stampsOf(files: readonly string[]): Promise<string[]> {
  const stamps = [...new Set(files)].map(async (file) => {
    const info = await stat(file).catch(() => null);
    return info === null ? [] : [`${file}=${info.size}@${info.mtimeMs}`];
  });
  return (await Promise.all(stamps)).flat();
}
