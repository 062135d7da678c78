import path from 'node:path';
import { UserError } from '../engine/errors.ts';
import { findInCatalogue } from './catalogue.ts';
import { type Fetched, fetchFile } from './fetch-file.ts';
import { bytesOf, type Plan, type Taste } from './plan.ts';
import { planCivitai, refused } from './plans/civitai-plan.ts';
import { planHub } from './plans/hub-plan.ts';
import { planUrl } from './plans/url-plan.ts';
import { checkTarget, type FoundModel, install, isSame, place } from './pulling/install.ts';
import { checkRoom, openWork, reuse, whole, writingWords } from './pulling/work.ts';
import { sayOfHub } from './sentences.ts';
import { type Pulled, readPulled } from './shelf.ts';
import { parseSource, type Source } from './sources.ts';
import { type Credential, openWeb, type Web } from './web.ts';

export type HubAccess = {
  /** the hub or a mirror of it, e.g. https://huggingface.co */
  hub: string;
  hubToken: string | null;
  civitai: string;
  civitaiToken: string | null;
};

export type PullOptions = {
  modelsDir: string;
  access: HubAccess;
  taste: Taste;
  signal: AbortSignal;
  revision?: string | null;
  /** what it is called here */
  as?: string | null;
  /** what whoever fetches it knows of a single file, hexadecimal */
  sha256?: string | null;
  /** before the first byte */
  onPlan?: (plan: Plan, name: string) => void;
  onProgress?: (done: number, of: number) => void;
  /** milliseconds before a new try; for tests */
  pauseMs?: number;
};

export type PullResult = {
  pulled: Pulled;
  /** what it is */
  model: FoundModel;
  /** everything was there already */
  unchanged: boolean;
};

/** As its makers' machines read it; each asks for a name. */
const USER_AGENT = 'darkroom';
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._()+-]{0,99}$/u;
/** Folders beside the models: a model of that name would be taken for one. */
const RESERVED =
  /^(?:vae|loras?|embeddings|text_encoders?|clip|upscalers|wildcards|tokenizers|diffusion_models|checkpoints|stable-diffusion|controlnet|hypernetworks|configs|con|nul|aux|prn)$/i;

/**
 * Fetches a model into the models folder: asked for at one commit, in parts that are gone on with after whatever cut
 * them short, each compared with the hash that was told. It appears there in one step, when it is whole and is
 * something to paint with.
 * @param given what `parseSource` reads, or a name of the catalogue
 * @throws UserError in words for whoever fetches it
 */
export async function pullModel(given: string, options: PullOptions): Promise<PullResult> {
  const { modelsDir, access, signal } = options;
  const entry = findInCatalogue(given);
  const source = parseSource(entry?.source ?? given, { hub: access.hub, civitai: access.civitai });
  const wanted = withRevision(source, options.revision ?? null);
  const web = webOf(access);
  const sha256 = options.sha256 ?? entry?.sha256 ?? null;
  const told = await planOf(wanted, { ...options, sha256, web });
  const plan = sha256 === null ? told : withHash(told, sha256);
  const name = nameOf(options.as ?? entry?.name ?? plan.name);
  options.onPlan?.(plan, name);
  const work = await openWork(modelsDir, wanted, { name, revision: plan.revision });
  try {
    const before = await readPulled(modelsDir, name);
    await checkTarget(modelsDir, name, before, given);
    await reuse(work.files, { plan, before, modelsDir, signal });
    await checkRoom(modelsDir, plan, work.files);
    const fetched = await fetchAll(plan, work.files, { ...options, web, source: wanted });
    const placed = await place(plan, { work: work.files, name, modelsDir });
    const pulled: Pulled = {
      version: 1,
      name,
      source: sourceText(given, options),
      revision: plan.revision,
      licence: entry?.licence ?? plan.licence,
      place: placed.place,
      files: fetched.map((file) => ({ ...file, path: plan.layout === 'file' ? '' : file.path })),
      pulledAt: new Date().toISOString(),
    };
    const unchanged = before !== null && (await isSame(before, pulled, modelsDir, signal));
    const single = plan.layout === 'file' ? (plan.files[0]?.path ?? null) : null;
    if (!unchanged) await install(pulled, before, { work, single, modelsDir });
    await work.remove();
    return { pulled, model: placed.model, unchanged };
  } catch (error) {
    signal.throwIfAborted();
    throw writingWords(error, modelsDir);
  } finally {
    work.unlock();
  }
}

function webOf({ hub, hubToken, civitai, civitaiToken }: HubAccess): Web {
  const credentials: Credential[] = [];
  if (hubToken !== null) credentials.push({ origin: new URL(hub).origin, token: hubToken });
  if (civitaiToken !== null) {
    credentials.push({ origin: new URL(civitai).origin, token: civitaiToken });
  }
  return openWeb(credentials, USER_AGENT);
}

function withRevision(source: Source, revision: string | null): Source {
  if (revision === null) return source;
  if (source.kind === 'hub') return { ...source, revision };
  if (source.kind === 'civitai' && /^\d{1,12}$/.test(revision))
    return { ...source, version: revision };
  const address = source.kind === 'url' ? source.url.host : `civitai@${revision.slice(0, 40)}`;
  throw new UserError(sayOfHub('pull-no-revision', address));
}

/** What `pull` is given to fetch the same once more. */
function sourceText(given: string, { revision }: PullOptions): string {
  return revision == null ? given : `${given.split('@')[0]}@${revision}`;
}

async function planOf(
  source: Source,
  options: PullOptions & { web: Web; sha256: string | null },
): Promise<Plan> {
  const { access, taste, signal, web, sha256 } = options;
  switch (source.kind) {
    case 'hub': {
      const site = { address: trimmed(access.hub), token: access.hubToken, web };
      return planHub(source, { site, taste, signal });
    }
    case 'civitai': {
      const site = { address: trimmed(access.civitai), token: access.civitaiToken, web };
      return planCivitai(source, { site, taste, signal });
    }
    case 'url':
      return planUrl(source, { web, sha256, signal });
  }
}

const trimmed = (address: string): string => address.replace(/\/+$/, '');

/** What somebody knows beforehand must be what the site tells, too. */
function withHash(plan: Plan, sha256: string): Plan {
  const [only] = plan.files;
  if (plan.layout !== 'file' || only === undefined) return plan;
  if (only.sha256 !== null && only.sha256 !== sha256.toLowerCase()) {
    throw new UserError(sayOfHub('pull-wrong-hash', only.path, sha256.toLowerCase(), only.sha256));
  }
  return { ...plan, files: [{ ...only, sha256: sha256.toLowerCase() }] };
}

function nameOf(wanted: string): string {
  const name = wanted.trim();
  if (!NAME.test(name) || RESERVED.test(name) || name.endsWith('.')) {
    throw new UserError(sayOfHub('pull-name-odd', name.slice(0, 100)));
  }
  return name;
}

async function fetchAll(
  plan: Plan,
  work: string,
  options: PullOptions & { web: Web; source: Source },
): Promise<Fetched[]> {
  const { web, signal, onProgress, pauseMs } = options;
  const of = bytesOf(plan.files);
  let done = 0;
  const onBytes = (change: number): void => {
    done += change;
    onProgress?.(done, Math.max(of, done));
  };
  const fetched: Fetched[] = [];
  for (const file of plan.files) {
    const target = path.join(work, file.path);
    const there = await whole(file, target, signal);
    if (there !== null) {
      fetched.push(there);
      onBytes(there.size);
      continue;
    }
    try {
      const tuned = pauseMs === undefined ? {} : { pauseMs };
      fetched.push(await fetchFile(file, target, { web, signal, onBytes, ...tuned }));
    } catch (error) {
      throw tokenWords(error, plan, options);
    }
  }
  return fetched;
}

/** Refused at the file itself: gated repositories list what they hold to everybody. */
function tokenWords(
  error: unknown,
  plan: Plan,
  { source, access }: PullOptions & { source: Source },
) {
  const [said] = error instanceof UserError ? error.said : [];
  const status = said?.code === 'pull-answered' ? said.values[1] : null;
  // Some sites send whoever may not have a file to where one logs in.
  if (status !== 401 && status !== 403 && said?.code !== 'pull-web-page') return error;
  if (source.kind === 'civitai') {
    const site = { address: trimmed(access.civitai), token: access.civitaiToken };
    return refused({ ...site, web: openWeb([], USER_AGENT) }, plan.what);
  }
  if (source.kind === 'url') return error;
  const code = access.hubToken === null ? 'pull-needs-token' : 'pull-token-refused';
  return new UserError(sayOfHub(code, plan.what, plan.page, 'HF_TOKEN'));
}
