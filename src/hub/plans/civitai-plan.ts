import { UserError } from '../../engine/errors.ts';
import type { Plan, Taste } from '../plan.ts';
import { sayOfHub } from '../sentences.ts';
import { isSafePath, type Source } from '../sources.ts';
import type { Web } from '../web.ts';

export type CivitaiSite = {
  /** without a slash at its end */
  address: string;
  token: string | null;
  web: Web;
};

/** What the API says of a file (developer.civitai.com); nothing in it is taken for granted. */
type CivitaiFile = {
  name: string;
  type: string;
  primary: boolean;
  downloadUrl: string;
  sha256: string | null;
  size: number | null;
  half: boolean;
  verdict: string | null;
};

/**
 * Asks Civitai's API for a version of a model, the newest where none is named, and chooses the file.
 * @throws UserError for what is not there, not in .safetensors, or not safe in the site's own words
 */
export async function planCivitai(
  { model, version }: Extract<Source, { kind: 'civitai' }>,
  { site, taste, signal }: { site: CivitaiSite; taste: Taste; signal: AbortSignal },
): Promise<Plan> {
  const what = `civitai:${model ?? ''}${version === null ? '' : `@${version}`}`;
  const { host } = new URL(site.address);
  const odd = () => new UserError(sayOfHub('pull-answer-odd', host));

  async function ask(route: string): Promise<Record<string, unknown>> {
    const response = await site.web.get(`${site.address}/api/v1/${route}`, { signal });
    if (response.status === 404) throw new UserError(sayOfHub('pull-not-found', what, host));
    if (response.status === 401 || response.status === 403) throw refused(site, what);
    if (!response.ok) throw new UserError(sayOfHub('pull-answered', host, response.status));
    const value: unknown = await response.json().catch(() => null);
    if (typeof value !== 'object' || value === null) throw odd();
    return value as Record<string, unknown>;
  }

  let found: Record<string, unknown>;
  let ofModel: Record<string, unknown>;
  if (version === null) {
    ofModel = await ask(`models/${model}`);
    const versions: unknown = ofModel['modelVersions'];
    const newest: unknown = Array.isArray(versions) ? versions[0] : null;
    if (typeof newest !== 'object' || newest === null) throw odd();
    found = newest as Record<string, unknown>;
  } else {
    found = await ask(`model-versions/${version}`);
    ofModel = Object(found['model']) as Record<string, unknown>;
    const isOther =
      model !== null && found['modelId'] !== undefined && String(found['modelId']) !== model;
    if (isOther) throw new UserError(sayOfHub('pull-not-found', what, host));
  }
  const list: unknown = found['files'];
  if (!Array.isArray(list)) throw odd();
  const file = choose(list.flatMap(readFile), what, taste);
  const id = String(found['id'] ?? version);
  const page = `${site.address}/models/${model ?? String(found['modelId'] ?? '')}?modelVersionId=${id}`;
  return {
    what,
    revision: id,
    layout: 'file',
    name: file.name.replace(/\.\w+$/, ''),
    licence: termsOf(ofModel),
    page,
    files: [
      {
        path: file.name,
        url: file.downloadUrl,
        size: file.size,
        sha256: file.sha256,
        gitSha1: null,
      },
    ],
    notes: [`${textOf(ofModel['name'])} ${textOf(found['name'])}, ${textOf(found['baseModel'])}`],
  };
}

/** Makes the error of a site that wants a token, or refuses the one it was given. */
export function refused(site: CivitaiSite, what: string): UserError {
  const code = site.token === null ? 'pull-needs-token' : 'pull-token-refused';
  return new UserError(sayOfHub(code, what, `${site.address}/user/account`, 'CIVITAI_TOKEN'));
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '?');

function readFile(value: unknown): CivitaiFile[] {
  const { name, type, primary, downloadUrl, hashes, sizeKB, metadata, ...rest } = Object(value);
  if (typeof name !== 'string' || typeof downloadUrl !== 'string') return [];
  if (!isSafePath(name) || name.includes('/')) return [];
  const hash: unknown = Object(hashes).SHA256;
  const bytes = Number(sizeKB) * 1024;
  const scans = [rest.pickleScanResult, rest.virusScanResult] as unknown[];
  const bad = scans.find((scan) => typeof scan === 'string' && /danger|infected/i.test(scan));
  return [
    {
      name,
      type: typeof type === 'string' ? type : '',
      primary: primary === true,
      downloadUrl,
      sha256: typeof hash === 'string' && /^[0-9a-f]{64}$/i.test(hash) ? hash.toLowerCase() : null,
      // The API tells kilobytes with a fraction: whole bytes are exact, others are not to be believed.
      size: Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null,
      half: Object(metadata).fp === 'fp16',
      verdict: typeof bad === 'string' ? bad : null,
    },
  ];
}

function choose(files: readonly CivitaiFile[], what: string, { half }: Taste): CivitaiFile {
  const models = files.filter(
    ({ type }) => !/^(?:vae|config|training data|archive|negative)$/i.test(type),
  );
  const open = models.filter(({ name }) => /\.(?:safetensors|sft|gguf)$/i.test(name));
  if (open.length === 0) {
    const code = models.length > 0 ? 'pull-pickles-only' : 'pull-no-weights';
    throw new UserError(sayOfHub(code, what));
  }
  const rank = (file: CivitaiFile): number =>
    (file.half === half ? 0 : 4) + (/pruned/i.test(file.type) ? 0 : 1) + (file.primary ? 0 : 2);
  const best = open.toSorted((a, b) => rank(a) - rank(b))[0]!;
  if (best.verdict !== null) throw new UserError(sayOfHub('pull-unsafe', what, best.verdict));
  return best;
}

/** What its page allows, in the API's own words. */
function termsOf(model: Record<string, unknown>): string | null {
  const uses: unknown = model['allowCommercialUse'];
  if (uses === undefined) return null;
  const list = Array.isArray(uses) ? uses : [uses];
  const credit = model['allowNoCredit'] === false ? ', with credit' : '';
  return `commercial use: ${list.map(String).join(', ') || 'None'}${credit}`;
}
