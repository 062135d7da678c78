import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { UserError } from '../../engine/errors.ts';
import type { Plan, PlannedFile, Taste } from '../plan.ts';
import { sayOfHub } from '../sentences.ts';
import type { Source } from '../sources.ts';
import type { Web } from '../web.ts';
import { chooseFiles } from './choose-files.ts';

export type HubSite = {
  /** without a slash at its end */
  address: string;
  token: string | null;
  web: Web;
};

/** More than any repository of a model has. */
const MOST_ENTRIES = 20_000;

/** What the hub says of a file. */
type Entry = { path: string; size: number; oid?: string; lfs?: { oid: string; size: number } };

/**
 * Asks the hub what a repository holds at one commit, and chooses what of it is fetched.
 * @throws UserError for a repository that is not there or not for this token, and where nothing can be chosen
 */
export async function planHub(
  { repo, path, revision }: Extract<Source, { kind: 'hub' }>,
  { site, taste, signal }: { site: HubSite; taste: Taste; signal: AbortSignal },
): Promise<Plan> {
  const page = `${site.address}/${repo}`;
  const asked = {
    hubUrl: site.address,
    fetch: fetchOf(site.web, signal),
    ...(revision !== null && { revision }),
  };
  const entries: Entry[] = [];
  let listed = 0;
  let commit: string;
  let licence: string | null;
  try {
    const info = await modelInfo({ name: repo, ...asked, additionalFields: ['sha', 'cardData'] });
    commit = /^[0-9a-f]{40}$/.test(String(info.sha)) ? String(info.sha) : (revision ?? 'main');
    licence = licenceOf(info.cardData);
    // The commit, not the branch: what is fetched is of one moment.
    const wanted = { ...asked, revision: commit, repo, recursive: true };
    for await (const entry of listFiles(wanted)) {
      if (entry.type === 'file' && typeof entry.path === 'string') entries.push(entry);
      if (++listed > MOST_ENTRIES) throw new Error('a listing without end');
    }
  } catch (error) {
    throw inWords(error, { repo, page, site });
  }
  const files = new Map(entries.map((entry) => [entry.path, entry]));
  const sizes = entries.map(({ path: name, size, lfs }) => ({
    path: name,
    size: lfs?.size ?? size,
  }));
  const { layout, paths } = chooseFiles(sizes, { what: repo, wanted: path, taste });
  const planned = paths.map((name): PlannedFile => {
    const entry = files.get(name)!;
    const url = `${site.address}/${repo}/resolve/${commit}/${name.split('/').map(encodeURIComponent).join('/')}`;
    return { ...plannedOf(entry), path: layout === 'file' ? lastOf(name) : name, url };
  });
  const own = layout === 'file' ? lastOf(paths[0] ?? repo).replace(/\.\w+$/, '') : lastOf(repo);
  return {
    what: path === null ? repo : `${repo}/${path}`,
    revision: commit,
    layout,
    name: own,
    licence,
    page,
    // The small ones first: what is wrong with a repository shows at once.
    files: planned.toSorted((a, b) => (a.size ?? 0) - (b.size ?? 0)),
    notes: [],
  };
}

const lastOf = (path: string): string => path.split('/').at(-1) ?? path;

function plannedOf({ size, oid, lfs }: Entry): Omit<PlannedFile, 'path' | 'url'> {
  const sha256 =
    lfs !== undefined && /^[0-9a-f]{64}$/i.test(lfs.oid) ? lfs.oid.toLowerCase() : null;
  const isGits = sha256 === null && typeof oid === 'string' && /^[0-9a-f]{40}$/i.test(oid);
  const bytes = lfs?.size ?? size;
  return {
    size: Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null,
    sha256,
    gitSha1: isGits ? oid.toLowerCase() : null,
  };
}

function licenceOf(card: unknown): string | null {
  const { license, license_name: named, license_link: link } = Object(card);
  const name = typeof named === 'string' ? named : license;
  if (typeof name !== 'string') return null;
  return typeof link === 'string' ? `${name} (${link})` : name;
}

/** The client of the hub asks through our rules; the token is added there, for the hub alone. */
function fetchOf(web: Web, signal: AbortSignal): typeof fetch {
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    return web.get(address, { headers: new Headers(init?.headers), signal });
  };
}

function inWords(
  error: unknown,
  { repo, page, site }: { repo: string; page: string; site: HubSite },
): unknown {
  if (error instanceof UserError) return error;
  const { host } = new URL(site.address);
  if (error instanceof HubApiError) {
    const { statusCode } = error;
    if (statusCode === 401 || statusCode === 403) {
      const code = site.token === null ? 'pull-needs-token' : 'pull-token-refused';
      return new UserError(sayOfHub(code, repo, page, 'HF_TOKEN'), { cause: error });
    }
    if (statusCode === 404) return new UserError(sayOfHub('pull-not-found', repo, host));
    return new UserError(sayOfHub('pull-answered', host, statusCode), { cause: error });
  }
  const isAbort = error instanceof Error && error.name === 'AbortError';
  return isAbort ? error : new UserError(sayOfHub('pull-answer-odd', host), { cause: error });
}
