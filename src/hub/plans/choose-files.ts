import { UserError } from '../../engine/errors.ts';
import { isSafePath } from '../sources.ts';
import { sayOfHub } from '../sentences.ts';
import type { Taste } from '../plan.ts';

/** A file of a repository. */
export type Listed = { path: string; size: number };

export type Chosen = { layout: 'folder' | 'file'; paths: readonly string[] };

/** Sub-folders whose networks are read; the denoiser's two names first. */
const NETWORKS = [
  'unet',
  'transformer',
  'vae',
  'vae_decoder',
  'vae_encoder',
  'text_encoder',
  'text_encoder_2',
  'text_encoder_3',
  'safety_checker',
];
const SETTINGS = ['scheduler', 'tokenizer', 'tokenizer_2', 'tokenizer_3', 'feature_extractor'];
const DENOISERS = ['unet', 'transformer'];

const SINGLE = /\.(?:safetensors|sft|gguf)$/i;
const PICKLE = /\.(?:ckpt|pt|pth|bin|msgpack|h5)$/i;
const SMALL = /\.(?:json|txt|model)$/i;
const NAMES_SHOWN = 8;

/**
 * What of a repository this machine will use: a folder as diffusers saves models, one variant of each network; else the
 * one file that is a model. `wanted`: one file that was named.
 * @throws UserError when there is none, when only pickles are, or when several could be meant
 */
export function chooseFiles(
  files: readonly Listed[],
  { what, wanted, taste }: { what: string; wanted: string | null; taste: Taste },
): Chosen {
  const odd = files.find(({ path }) => !isSafePath(path));
  if (odd !== undefined) throw new UserError(sayOfHub('pull-odd-path', what));
  if (wanted !== null) {
    if (PICKLE.test(wanted)) throw new UserError(sayOfHub('pull-pickles-only', wanted));
    if (!files.some(({ path }) => path === wanted)) {
      throw new UserError(sayOfHub('pull-not-found', wanted, what));
    }
    return { layout: 'file', paths: [wanted] };
  }
  const paths = files.map(({ path }) => path);
  const folders = new Set(paths.map((path) => path.split('/')[0] ?? ''));
  const isFolder =
    DENOISERS.some((name) => folders.has(name)) &&
    paths.some((path) => path === 'model_index.json' || /^vae(?:_decoder)?\//.test(path));
  if (isFolder) return { layout: 'folder', paths: folderFiles(paths, what, taste) };
  return { layout: 'file', paths: [singleFile(paths, what, taste)] };
}

function folderFiles(paths: readonly string[], what: string, taste: Taste): string[] {
  const chosen: string[] = paths.filter((path) =>
    ['model_index.json', 'defaults.json'].includes(path),
  );
  for (const network of NETWORKS) {
    const inside = paths.filter(
      (path) => path.startsWith(`${network}/`) && path.split('/').length === 2,
    );
    if (inside.length === 0) continue;
    const weights = networkFiles(inside, taste);
    if (weights.length === 0 && inside.some((path) => PICKLE.test(path))) {
      throw new UserError(sayOfHub('pull-pickles-only', `${what}/${network}`));
    }
    const small = inside.filter(
      (path) => SMALL.test(path) && !/\.index\.(?:[\w-]+\.)?json$/.test(path),
    );
    chosen.push(...small, ...weights);
  }
  for (const folder of SETTINGS) {
    chosen.push(...paths.filter((path) => path.startsWith(`${folder}/`) && SMALL.test(path)));
  }
  const hasDenoiser = chosen.some((path) =>
    /^(?:unet|transformer)\/.*\.(?:safetensors|onnx)$/.test(path),
  );
  if (!hasDenoiser) throw new UserError(sayOfHub('pull-no-weights', what));
  return [...new Set(chosen)];
}

/** A file of weights: which variant it belongs to, and whether it is one of several parts. */
type Weights = { path: string; variant: string; isPart: boolean };

/**
 * `diffusion_pytorch_model.fp16.safetensors`, `model-00001-of-00002.fp16.safetensors` (transformers),
 * `diffusion_pytorch_model.fp16-00001-of-00002.safetensors` (diffusers).
 */
function weightsOf(path: string): Weights | null {
  const file = path.split('/').at(-1) ?? '';
  if (!file.endsWith('.safetensors')) return null;
  const stem = file.slice(0, -'.safetensors'.length);
  const isPart = /-\d{5}-of-\d{5}/.test(stem);
  const [, variant = ''] = /\.([\w-]+)$/.exec(stem.replace(/-\d{5}-of-\d{5}/, '')) ?? [];
  return { path, variant, isPart };
}

/** The one variant of a network, with the list of its parts where it has several. */
function networkFiles(inside: readonly string[], taste: Taste): string[] {
  const all = inside.flatMap((path) => weightsOf(path) ?? []);
  if (all.length === 0) {
    return inside.filter((path) => /\.onnx$|\.onnx[._]data$|\/weights\.pb$|\.pb$/.test(path));
  }
  const variants = new Set(all.map(({ variant }) => variant));
  const order = taste.half ? ['fp16', '', 'bf16', 'fp32'] : ['', 'fp32', 'fp16', 'bf16'];
  const best = order.find((variant) => variants.has(variant)) ?? all[0]!.variant;
  const own = all.filter(({ variant }) => variant === best);
  const whole = own.filter(({ isPart }) => !isPart);
  if (whole.length > 0) return whole.map(({ path }) => path);
  const ending =
    best === '' ? /\.safetensors\.index\.json$/ : /\.safetensors\.index\.([\w-]+)\.json$/;
  const lists = inside.filter((path) => {
    const found = ending.exec(path);
    return found !== null && (best === '' || found[1] === best);
  });
  return [...lists, ...own.map(({ path }) => path)];
}

/** Words of a file's name that say how its numbers are stored, not which model it is. */
const STORED =
  /[._-]?(?:fp16|fp32|bf16|half|full|pruned|emaonly|ema-only|ema|no-?ema)(?=[._-]|$)/gi;

function singleFile(paths: readonly string[], what: string, taste: Taste): string {
  const singles = paths.filter((path) => SINGLE.test(path) && weightsOf(path)?.isPart !== true);
  const [only] = singles;
  if (only === undefined) {
    const code = paths.some((path) => PICKLE.test(path)) ? 'pull-pickles-only' : 'pull-no-weights';
    throw new UserError(sayOfHub(code, what));
  }
  if (singles.length === 1) return only;
  const models = new Set(singles.map((path) => path.replace(/\.\w+$/, '').replaceAll(STORED, '')));
  if (models.size > 1) {
    const shown = singles.slice(0, NAMES_SHOWN).map((path) => `${what}/${path}`);
    const more = singles.length > NAMES_SHOWN ? ', …' : '';
    throw new UserError(sayOfHub('pull-many-files', what, shown.join(', ') + more));
  }
  return singles.toSorted((a, b) => rank(a, taste) - rank(b, taste))[0] ?? only;
}

/** The lower the better. */
function rank(path: string, { half }: Taste): number {
  const name = path.toLowerCase();
  const isHalf = /fp16|bf16|half/.test(name);
  // Training's own leftovers (whole, without the averaged weights) are of no use for painting.
  const leftovers = /no-?ema|full/.test(name) ? 4 : /emaonly|ema-only/.test(name) ? 0 : 1;
  return leftovers + (isHalf === half ? 0 : 8) + (/fp32/.test(name) ? 2 : 0);
}
