import { createHash } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../engine/errors.ts';
import { lockFile } from '../engine/file-lock.ts';
import { type Inspected, inspect } from '../engine/inspect.ts';
import { findInCatalogue } from './catalogue.ts';
import { type Fetched, fetchFile } from './fetch-file.ts';
import { placeOf } from './place.ts';
import { inBytes } from './in-bytes.ts';
import { bytesOf, type Plan, type PlannedFile, type Taste } from './plan.ts';
import { planCivitai, refused } from './plans/civitai-plan.ts';
import { planHub } from './plans/hub-plan.ts';
import { planUrl } from './plans/url-plan.ts';
import { sayOfHub } from './sentences.ts';
import { hashOf, PULLING, type Pulled, readPulled, writePulled } from './shelf.ts';
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
  /** what it is, and whether it can paint as it lies there; null: a LoRA, an embedding, a VAE, … */
  model: Exclude<Inspected, { refused: unknown }> | null;
  /** everything was there already */
  unchanged: boolean;
};

/** As its makers' machines read it; each asks for a name. */
const USER_AGENT = 'darkroom';
const SPARE_BYTES = 64 * 1024 ** 2;
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

type Work = {
  folder: string;
  /** what is fetched, as it will lie there */
  files: string;
  unlock(): void;
  remove(): Promise<void>;
};

/** A folder of one's own for this source, this commit and this name, found again by whoever asks for the same. */
async function openWork(
  modelsDir: string,
  source: Source,
  asked: { name: string; revision: string },
): Promise<Work> {
  const key = createHash('sha256')
    .update(JSON.stringify([source, asked]))
    .digest('hex')
    .slice(0, 16);
  const folder = path.join(modelsDir, PULLING, key);
  const files = path.join(folder, 'files');
  let unlock: (() => void) | null;
  try {
    await mkdir(files, { recursive: true });
    unlock = lockFile(path.join(modelsDir, PULLING, `${key}.lock`));
  } catch (error) {
    throw writingWords(error, modelsDir);
  }
  if (unlock === null) throw new UserError(sayOfHub('pull-under-way', asked.name));
  await sweep(path.join(modelsDir, PULLING), key);
  return {
    folder,
    files,
    unlock,
    async remove() {
      await rm(folder, { recursive: true, force: true });
      await rm(path.join(modelsDir, PULLING, `${key}.lock`), { force: true });
    },
  };
}

/** What was begun so long ago and never asked for again is given up. */
const GIVEN_UP_MS = 30 * 24 * 3_600_000;

async function sweep(pulling: string, own: string): Promise<void> {
  for (const name of await readdir(pulling).catch((): string[] => [])) {
    const folder = path.join(pulling, name);
    if (name === own || name.includes('.')) continue;
    const files = await readdir(path.join(folder, 'files'), { recursive: true }).catch(
      (): string[] => [],
    );
    const paths = [folder, ...files.map((file) => path.join(folder, 'files', file))];
    const infos = await Promise.all(paths.map((one) => stat(one).catch(() => null)));
    const touched = Math.max(...infos.map((info) => info?.mtimeMs ?? 0));
    if (Date.now() - touched < GIVEN_UP_MS) continue;
    const unlock = lockFile(path.join(pulling, `${name}.lock`));
    if (unlock === null) continue;
    await rm(folder, { recursive: true, force: true });
    unlock();
    await rm(path.join(pulling, `${name}.lock`), { force: true });
  }
}

/** What lies there and was not fetched is somebody's own. */
async function checkTarget(
  modelsDir: string,
  name: string,
  before: Pulled | null,
  given: string,
): Promise<void> {
  if (before !== null) {
    const same = before.source.split('@')[0] === given.split('@')[0];
    if (!same) throw new UserError(sayOfHub('pull-name-taken', name));
    return;
  }
  const names = await readdir(modelsDir);
  const taken = names.some(
    (one) => one === name || one.replace(/\.(?:safetensors|sft|gguf)$/i, '') === name,
  );
  if (taken) throw new UserError(sayOfHub('pull-name-taken', name));
}

/** Files that an earlier pull of this model brought and that are still whole are not fetched again. */
async function reuse(
  work: string,
  {
    plan,
    before,
    modelsDir,
    signal,
  }: { plan: Plan; before: Pulled | null; modelsDir: string; signal: AbortSignal },
): Promise<void> {
  if (before === null) return;
  for (const file of plan.files) {
    const target = path.join(work, file.path);
    const own = before.files.find(({ path: at, size, sha256 }) => {
      const isPlace = plan.layout === 'file' ? at === '' : at === file.path;
      const isContent = file.sha256 === null ? file.size === size : file.sha256 === sha256;
      return isPlace && isContent && (file.sha256 !== null || before.revision === plan.revision);
    });
    if (own === undefined || (await stat(target).catch(() => null)) !== null) continue;
    const there = path.join(modelsDir, before.place, own.path);
    const found = await hashOf(there, signal).catch(() => null);
    if (found !== own.sha256) continue;
    await mkdir(path.dirname(target), { recursive: true });
    // Without links on this file system it is fetched again.
    await link(there, target).catch(() => {});
  }
}

async function checkRoom(modelsDir: string, plan: Plan, work: string): Promise<void> {
  let there = 0;
  for (const { path: name } of plan.files) {
    for (const file of [path.join(work, name), path.join(work, `${name}.part`)]) {
      there += (await stat(file).catch(() => null))?.size ?? 0;
    }
  }
  const { bavail, bsize } = await statfs(modelsDir);
  const needs = bytesOf(plan.files) - there;
  if (needs + SPARE_BYTES > bavail * bsize) {
    throw new UserError(sayOfHub('pull-no-room', inBytes(needs), inBytes(bavail * bsize)));
  }
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

/** A file that an earlier try has brought whole; its bytes are looked at all the same. */
async function whole(
  file: PlannedFile,
  target: string,
  signal: AbortSignal,
): Promise<Fetched | null> {
  const info = await stat(target).catch(() => null);
  if (info === null || (file.size !== null && file.size !== info.size)) return null;
  const sha256 = await hashOf(target, signal);
  if (file.sha256 !== null && sha256 !== file.sha256) return null;
  return { path: file.path, size: info.size, sha256 };
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

/** What came, and where it belongs. */
async function place(
  plan: Plan,
  { work, name, modelsDir }: { work: string; name: string; modelsDir: string },
): Promise<{ place: string; model: PullResult['model'] }> {
  const [only] = plan.files;
  const at = plan.layout === 'folder' || only === undefined ? work : path.join(work, only.path);
  const found = await inspect(at, modelsDir);
  const where = placeOf(found, { layout: plan.layout, name, file: only?.path ?? '' });
  if (where === null) {
    await rm(work, { recursive: true, force: true });
    const why = 'refused' in found ? found.refused.why : '';
    throw new UserError(sayOfHub('pull-is-no-model', plan.what, why));
  }
  return { place: where, model: 'refused' in found ? null : found };
}

async function isSame(
  before: Pulled,
  now: Pulled,
  modelsDir: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (before.place !== now.place || before.revision !== now.revision) return false;
  if (before.files.length !== now.files.length) return false;
  for (const { path: at, sha256 } of now.files) {
    const file = path.join(modelsDir, before.place, at);
    if ((await hashOf(file, signal).catch(() => null)) !== sha256) return false;
  }
  return true;
}

/**
 * One rename puts it in its place. The note is written before: if the program ends between the two, the same pull finds
 * its files where they were fetched to.
 */
async function install(
  pulled: Pulled,
  before: Pulled | null,
  { work, single, modelsDir }: { work: Work; single: string | null; modelsDir: string },
): Promise<void> {
  const target = path.join(modelsDir, pulled.place);
  const from = single === null ? work.files : path.join(work.files, single);
  await mkdir(path.dirname(target), { recursive: true });
  const old = path.join(work.folder, 'old');
  const stands = await stat(target).catch(() => null);
  if (stands !== null && before === null)
    throw new UserError(sayOfHub('pull-name-taken', pulled.name));
  await writePulled(modelsDir, pulled);
  if (stands !== null) {
    await rm(old, { recursive: true, force: true });
    await rename(target, old);
  }
  await rename(from, target);
  const moved = before !== null && before.place !== pulled.place;
  if (moved) await rm(path.join(modelsDir, before.place), { recursive: true, force: true });
}

function writingWords(error: unknown, modelsDir: string): unknown {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  const refusedByDisk = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EIO'].includes(code);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new UserError(sayOfHub('pull-disk-full', modelsDir), { cause: error });
  }
  const errcode = (error as { errcode?: number } | null)?.errcode;
  if (!refusedByDisk && errcode === undefined) return error;
  return new UserError(sayOfHub('pull-cannot-write', modelsDir, code || 'SQLite'), {
    cause: error,
  });
}
