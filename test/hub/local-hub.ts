import { setTimeout as sleep } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a file is served badly; each request takes the next of what is a list. */
export type Fault = {
  /** the connection ends after so many bytes of the answer's body; null: this time it does not */
  breakAfter?: (number | null)[];
  /** what is answered in place of the file */
  status?: (number | null)[];
  /** other bytes than were told, of the same length */
  otherBytes?: boolean;
  /** what `Content-Length` and `Content-Range` say the file has */
  toldSize?: number;
  /** another ETag with each answer */
  changingNames?: boolean;
  /** what the answer says it is */
  contentType?: string;
  /** the whole file, whatever part was asked for */
  ignoresRange?: boolean;
  /** milliseconds before each part of `chunk` bytes */
  slow?: { ms: number; chunk: number };
  /** no length is told, and nothing that names the content */
  saysNothing?: boolean;
};

export type Repository = {
  files: Record<string, Uint8Array>;
  commit: string;
  /** who may read it; absent: everybody */
  token?: string;
  /** small files have git's name only, as on the hub */
  smallerThan?: number;
  licence?: string;
};

export type LocalHub = {
  address: string;
  repositories: Map<string, Repository>;
  /** Civitai's answers by route, e.g. `models/12`; `{DOWNLOAD}` in them is this server */
  civitai: Map<string, object>;
  /** by `owner/name/path`, or by the number of a Civitai version */
  downloads: Map<string, { bytes: Uint8Array; token?: string; disposition?: string }>;
  faults: Map<string, Fault>;
  /** where a file is sent on to, in place of the store */
  redirects: Map<string, string>;
  /** what was asked of the hub and of the store it sends to, oldest first */
  asked: {
    at: 'hub' | 'store';
    path: string;
    range: string | null;
    authorization: string | null;
  }[];
  /** listings lead to themselves */
  endless?: boolean;
  /** entries of a page of a listing */
  pageSize: number;
  close(): Promise<void>;
};

const known = new WeakMap<Uint8Array, { sha256: string; gitSha1: string }>();

/** Each file's names, reckoned once. */
function namesOf(bytes: Uint8Array): { sha256: string; gitSha1: string } {
  const before = known.get(bytes);
  if (before !== undefined) return before;
  const git = createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes);
  const own = {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    gitSha1: git.digest('hex'),
  };
  known.set(bytes, own);
  return own;
}

export const sha256 = (bytes: Uint8Array): string => namesOf(bytes).sha256;

/** A hub as Hugging Face's and Civitai's APIs are described, and the store on another host that files come from. */
export async function openLocalHub(): Promise<LocalHub> {
  const store = await listen((request, response) => serveStored(hub, request, response));
  const front = await listen((request, response) => answer(hub, store.address, request, response));
  const hub: LocalHub = {
    address: front.address,
    repositories: new Map(),
    civitai: new Map(),
    downloads: new Map(),
    faults: new Map(),
    redirects: new Map(),
    asked: [],
    pageSize: 3,
    async close() {
      await front.close();
      await store.close();
    },
  };
  return hub;
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server: Server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function answer(
  hub: LocalHub,
  store: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const url = new URL(request.url ?? '/', hub.address);
  const authorization = request.headers.authorization ?? null;
  const range = request.headers.range ?? null;
  hub.asked.push({ at: 'hub', path: url.pathname, range, authorization });
  const isAllowed = (token: string | undefined) =>
    token === undefined || authorization === `Bearer ${token}`;

  const [, route] = /^\/api\/v1\/(.+)$/.exec(url.pathname) ?? [];
  if (route !== undefined) {
    const found = hub.civitai.get(route);
    if (found === undefined) return json(response, 404, { error: 'No model' });
    const text = JSON.stringify(found).replaceAll('{DOWNLOAD}', hub.address);
    return json(response, 200, JSON.parse(text));
  }
  const [, id = ''] = /^\/api\/download\/models\/(\d+)$/.exec(url.pathname) ?? [];
  const plain = hub.downloads.get(id === '' ? url.pathname : id);
  if (plain !== undefined) {
    if (!isAllowed(plain.token)) return json(response, 401, { error: 'Unauthorized' });
    const key = id === '' ? url.pathname : id;
    const target = hub.redirects.get(key) ?? `${store}/${encodeURIComponent(key)}`;
    response.writeHead(307, { location: target }).end();
    return;
  }
  const [, api, apiRest = ''] =
    /^\/api\/models\/([^/]+\/[^/]+)\/((?:revision|tree)\/.+)$/.exec(url.pathname) ?? [];
  const [, name = api ?? '', revision = '', path = ''] =
    /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
  const repository = hub.repositories.get(name);
  if (repository === undefined) return json(response, 401, { error: 'Repository not found' });
  if (!isAllowed(repository.token)) {
    return json(response, authorization === null ? 401 : 403, { error: 'gated repo' });
  }
  if (api !== undefined) return describe(hub, { name, repository, rest: apiRest, url }, response);
  const bytes = repository.files[decodeURIComponent(path)];
  if (revision !== repository.commit || bytes === undefined) {
    return json(response, 404, { error: 'Entry not found' }, { 'x-error-code': 'EntryNotFound' });
  }
  const key = `${name}/${decodeURIComponent(path)}`;
  hub.downloads.set(key, { bytes });
  const target = hub.redirects.get(key) ?? `${store}/${encodeURIComponent(key)}`;
  response.writeHead(302, { location: target, 'x-linked-size': bytes.byteLength }).end();
}

function describe(
  hub: LocalHub,
  asked: { name: string; repository: Repository; rest: string; url: URL },
  response: ServerResponse,
): void {
  const { name, repository, rest, url } = asked;
  const { commit, files, licence, smallerThan = 1000 } = repository;
  const [kind, revision = ''] = rest.split('/');
  if (!['HEAD', 'main', commit].includes(decodeURIComponent(revision))) {
    return json(response, 404, { error: 'Invalid rev id' });
  }
  if (kind === 'revision') {
    return json(response, 200, {
      _id: '1',
      id: name,
      sha: commit,
      private: false,
      gated: repository.token === undefined ? false : 'auto',
      downloads: 1,
      likes: 1,
      lastModified: '2026-01-01T00:00:00.000Z',
      cardData: { license: licence ?? 'mit' },
    });
  }
  const entries = Object.entries(files).map(([path, bytes]) => ({
    type: 'file',
    path,
    size: bytes.byteLength,
    oid: namesOf(bytes).gitSha1,
    ...(bytes.byteLength >= smallerThan && {
      lfs: { oid: sha256(bytes), size: bytes.byteLength, pointerSize: 130 },
    }),
  }));
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const next = new URL(url);
  next.searchParams.set('cursor', String(from + hub.pageSize));
  const more = hub.endless === true || from + hub.pageSize < entries.length;
  if (hub.endless === true) next.searchParams.set('cursor', '0');
  const headers = more ? { link: `<${next.href}>; rel="next"` } : {};
  json(response, 200, entries.slice(from, from + hub.pageSize), headers);
}

function serveStored(hub: LocalHub, request: IncomingMessage, response: ServerResponse): void {
  const key = decodeURIComponent((request.url ?? '/').slice(1));
  const { range = null, authorization = null } = request.headers as Record<string, string | null>;
  hub.asked.push({ at: 'store', path: key, range, authorization });
  const found = hub.downloads.get(key);
  if (found === undefined) return json(response, 404, {});
  const fault = hub.faults.get(key) ?? {};
  const status = fault.status?.shift() ?? null;
  if (status !== null) return json(response, status, { error: 'busy' });
  const whole = fault.otherBytes ? changed(found.bytes) : found.bytes;
  const told = fault.toldSize ?? whole.byteLength;
  const own = fault.changingNames ? String(hub.asked.length) : sha256(found.bytes).slice(0, 20);
  const etag = `"${own}"`;
  const isSame = (request.headers['if-range'] ?? etag) === etag;
  const start =
    range === null || fault.ignoresRange || !isSame ? 0 : Number(/\d+/.exec(range)?.[0]);
  const end = /-(\d+)$/.exec(range ?? '')?.[1];
  if (start >= whole.byteLength && range !== null && whole.byteLength > 0 && start > 0) {
    response.writeHead(416, { 'content-range': `bytes */${told}` }).end();
    return;
  }
  const isPart = range !== null && !fault.ignoresRange && isSame;
  const body = whole.subarray(start, isPart && end !== undefined ? Number(end) + 1 : undefined);
  const rest = told - start - (whole.byteLength - start - body.byteLength);
  response.writeHead(isPart ? 206 : 200, {
    ...(found.disposition !== undefined && { 'content-disposition': found.disposition }),
    ...(fault.contentType !== undefined && { 'content-type': fault.contentType }),
    ...(fault.saysNothing ? {} : { etag, 'content-length': rest }),
    ...(isPart && { 'content-range': `bytes ${start}-${start + body.byteLength - 1}/${told}` }),
  });
  void send(response, body, fault);
}

/** The same but for one bit of its first byte. */
function changed(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[0]! ^= 1;
  return other;
}

async function send(response: ServerResponse, body: Uint8Array, fault: Fault): Promise<void> {
  const breaks = body.byteLength > 1 ? (fault.breakAfter?.shift() ?? null) : null;
  const chunk = fault.slow?.chunk ?? 1_048_576;
  const most = Math.min(body.byteLength, breaks ?? Infinity);
  for (let at = 0; at < most; at += chunk) {
    if (response.destroyed) return;
    if (fault.slow) await new Promise((resolve) => setTimeout(resolve, fault.slow?.ms));
    if (response.write(body.subarray(at, Math.min(most, at + chunk)))) continue;
    const over = new AbortController();
    const { signal } = over;
    const events = [once(response, 'drain', { signal }), once(response, 'close', { signal })];
    await Promise.race(events);
    over.abort();
    await Promise.allSettled(events);
  }
  if (breaks === null && most === body.byteLength) {
    response.end();
    return;
  }
  // What was written arrives before the connection goes: whoever reads it lives in this process, and gets its turns.
  for (let turn = 0; turn < 8; turn++) await sleep(15);
  response.destroy();
}
