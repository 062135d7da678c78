import { UserError } from '../engine/errors.ts';
import { sayOfHub } from './sentences.ts';

/** Where a model is fetched from, as somebody named it. */
export type Source =
  /** `path`: one file of the repository; null: what paints there */
  | { kind: 'hub'; repo: string; path: string | null; revision: string | null }
  /** one of both is known */
  | { kind: 'civitai'; model: string | null; version: string | null }
  | { kind: 'url'; url: URL };

export type Sites = { hub: string; civitai: string };

const REPO = /^[\w][\w.-]{0,95}\/[\w][\w.-]{0,95}$/;
const WEIGHTS = /\.(?:safetensors|sft|gguf|onnx|ckpt|pt|pth|bin)$/i;

/**
 * `owner/name`, `owner/name/path/file.safetensors`, `owner/name@revision`, `civitai:123`, `civitai:123@456`, an AIR
 * (`urn:air:sdxl:checkpoint:civitai:123@456`), or an address: pages and files of the hub and of Civitai are known.
 * @throws UserError for anything else
 */
export function parseSource(given: string, sites: Sites): Source {
  const text = given.trim();
  const refuse = () => new UserError(sayOfHub('pull-what', JSON.stringify(text.slice(0, 120))));
  const civitai = /^(?:urn:air:[\w.-]+:[\w.-]+:)?civitai:(\d{1,12})(?:@(\d{1,12}))?$/i.exec(text);
  if (civitai !== null) {
    return { kind: 'civitai', model: civitai[1] ?? null, version: civitai[2] ?? null };
  }
  if (/^\d{1,12}$/.test(text)) return { kind: 'civitai', model: text, version: null };
  if (/^https?:\/\//i.test(text)) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null) throw refuse();
    return hubPage(url, sites) ?? civitaiPage(url, sites) ?? { kind: 'url', url };
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new UserError(sayOfHub('pull-address-refused', text.slice(0, 120)));
  }
  return hubName(text.replace(/^(?:hf|hub):/i, '')) ?? fail(refuse());
}

function fail(error: Error): never {
  throw error;
}

function hubName(text: string): Source | null {
  const [whole = '', revision, ...more] = text.split('@');
  if (more.length > 0 || revision === '') return null;
  const [owner = '', name = '', ...rest] = whole.split('/');
  if (!REPO.test(`${owner}/${name}`) || /^\.+$/.test(name)) return null;
  const path = rest.length === 0 ? null : rest.join('/');
  if (path !== null && !(WEIGHTS.test(path) && isSafePath(path))) return null;
  return { kind: 'hub', repo: `${owner}/${name}`, path, revision: revision ?? null };
}

/** https://huggingface.co/owner/name[/tree|blob|resolve/REVISION[/path]], of the mirror in use too. */
function hubPage(url: URL, { hub }: Sites): Source | null {
  const bases = [hub, 'https://huggingface.co', 'https://hf.co'];
  const base = bases.find((one) => url.href.startsWith(`${one.replace(/\/+$/, '')}/`));
  if (base === undefined) return null;
  const from = new URL(base).pathname.replace(/\/+$/, '').length;
  const [owner, name, view, revision, ...path] = url.pathname
    .slice(from)
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  if (owner === undefined || name === undefined || !REPO.test(`${owner}/${name}`)) return null;
  if (WEIGHTS.test(name)) return null;
  if (view !== undefined && !['tree', 'blob', 'resolve', 'raw'].includes(view)) return null;
  const file = path.join('/');
  if (file !== '' && !isSafePath(file)) return null;
  return {
    kind: 'hub',
    repo: `${owner}/${name}`,
    path: file === '' || view === 'tree' ? null : file,
    revision: revision ?? null,
  };
}

/** civitai.com/models/123/…?modelVersionId=456 and /api/download/models/456 */
function civitaiPage(url: URL, { civitai }: Sites): Source | null {
  const hosts = [new URL(civitai).host, 'civitai.com', 'www.civitai.com', 'civitai.red'];
  if (!hosts.includes(url.host)) return null;
  const version = url.searchParams.get('modelVersionId');
  const [, model] = /^\/models\/(\d{1,12})(?:\/|$)/.exec(url.pathname) ?? [];
  const known = version !== null && /^\d{1,12}$/.test(version) ? version : null;
  if (model !== undefined) return { kind: 'civitai', model, version: known };
  const [, direct] = /^\/api\/download\/models\/(\d{1,12})$/.exec(url.pathname) ?? [];
  return direct === undefined ? null : { kind: 'civitai', model: null, version: direct };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Leads below the folder it is joined to, on every system. */
export function isSafePath(path: string): boolean {
  return (
    path.length < 500 &&
    // oxlint-disable-next-line no-control-regex
    !/[\0-\x1f\\:]/.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}
