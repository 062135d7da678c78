/** Small files beside a model that speak of it: the owner's own NAME.json, a training config, what a site says. */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { say } from '../sentences.ts';
import type { Words } from './checkpoint.ts';
import { distilledIn } from './metadata.ts';
import { readOverride } from './override.ts';
import { readTextFile } from '../text/text-file.ts';

const LARGEST = 1 << 20;

/** The VAE beside a model counts as part of what lies there; it is read elsewhere. */
const ENDINGS = [
  '.json',
  '.yaml',
  '.yml',
  '.civitai.info',
  '.cm-info.json',
  '.metadata.json',
  '.vae.safetensors',
];

/** Those that are there, by their endings. */
async function sidecarsOf(path: string): Promise<Map<string, Stats>> {
  const infos = await Promise.all(
    ENDINGS.map((ending) => stat(baseOf(path) + ending).catch(() => null)),
  );
  return new Map(ENDINGS.flatMap((ending, i) => (infos[i]?.isFile() ? [[ending, infos[i]]] : [])));
}

/** Changes when one of the files beside a model does, or comes, or goes. */
export async function sidecarStamp(path: string): Promise<string> {
  return stampOf(await sidecarsOf(path));
}

function stampOf(sidecars: ReadonlyMap<string, Stats>): string {
  return [...sidecars]
    .map(([ending, { size, mtimeMs }]) => `${ending}=${size}@${mtimeMs}`)
    .join(' ');
}

function baseOf(path: string): string {
  return join(dirname(path), basename(path).replace(/\.(?:safetensors|sft|gguf)$/i, ''));
}

/** Of a file or a folder; `path` as it was given, since links lead to places where nothing lies beside. */
export async function readWords(path: string): Promise<Words> {
  const sidecars = await sidecarsOf(path);
  const text = async (ending: string): Promise<{ file: string; text: string } | null> => {
    const info = sidecars.get(ending);
    if (info === undefined || info.size > LARGEST) return null;
    const file = baseOf(path) + ending;
    const content = await readTextFile(file).catch(() => null);
    return content === null ? null : { file: basename(file), text: content };
  };
  const own = await text('.json');
  const override = own === null ? null : readOverride(own.file, own.text);
  const training = (await text('.yaml')) ?? (await text('.yml'));
  const site = await siteWords(text);
  const trained = training === null ? null : readTraining(training.file, training.text);
  return {
    override,
    prediction: trained?.prediction ?? site?.prediction ?? null,
    zeroTerminalSnr: trained?.zeroTerminalSnr ?? null,
    distilled: site?.distilled ?? null,
    stamp: stampOf(sidecars),
  };
}

/** The configs of Stability AI's own repositories; a few lines of them say what the file cannot. */
function readTraining(file: string, text: string): Pick<Words, 'prediction' | 'zeroTerminalSnr'> {
  const kind = /^\s*parameterization\s*:\s*["']?(v|eps|x0)\b/m.exec(text)?.[1];
  const scaling = /denoiser_scaling\.(\w+)/.exec(text)?.[1];
  const value =
    kind === 'v' || scaling?.startsWith('VScaling')
      ? 'v_prediction'
      : kind === 'x0'
        ? 'sample'
        : kind === 'eps' || scaling?.startsWith('EpsScaling')
          ? 'epsilon'
          : null;
  const zeroSnr =
    /^\s*(?:zero_snr|zsnr|ztsnr|rescale_betas_zero_snr|zero_terminal_snr)\s*:\s*(?:true|1)\b/im.test(
      text,
    );
  return {
    // The first Stable Diffusion's configs leave the word out where noise is predicted.
    prediction:
      value === null && !/^\s*target\s*:.*(?:LatentDiffusion|DiffusionEngine)/m.test(text)
        ? null
        : { value: value ?? 'epsilon', how: say('how-beside', file) },
    zeroTerminalSnr: zeroSnr ? true : null,
  };
}

type SiteWords = Pick<Words, 'prediction' | 'distilled'>;

/** Download programs keep what the model's page says: `baseModel` is Civitai's word for the family. */
async function siteWords(
  text: (ending: string) => Promise<{ file: string; text: string } | null>,
): Promise<SiteWords | null> {
  for (const ending of ['.civitai.info', '.cm-info.json', '.metadata.json', '.json']) {
    const found = await text(ending);
    if (found === null) continue;
    const base = baseModelOf(found.text);
    if (base === null) continue;
    const is768 = /^SD 2\.\d 768$/i.test(base);
    return {
      prediction: is768 ? { value: 'v_prediction', how: say('how-beside', found.file) } : null,
      distilled: distilledIn(base),
    };
  }
  return null;
}

function baseModelOf(text: string): string | null {
  try {
    const json = JSON.parse(text) as Record<string, unknown> | null;
    const base = json?.['baseModel'] ?? json?.['BaseModel'] ?? json?.['base_model'];
    return typeof base === 'string' ? base : null;
  } catch {
    return null;
  }
}
