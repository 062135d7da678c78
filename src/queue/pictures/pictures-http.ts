import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../../engine/errors.ts';
import type { EngineLog } from '../../engine/engine.ts';
import { isPictureKey, type PictureStore } from '../pictures.ts';

/** The largest that is stored at once; kept steps of a long job come in parts. */
const LARGEST_BYTES = 512 * 1024 ** 2;
const ANSWER_MS = 60_000;
/** In place of a key: all keys with their bytes. No key begins so. */
const SIZES = '-sizes';

/**
 * Lends a picture store to other programs of the queue: one file a key, PUT, PATCH (appends), GET, DELETE; GET / lists
 * all keys, GET /-sizes with their bytes, POST / tries out whether anything can be stored. Every request carries the secret.
 */
export async function servePictures(options: {
  store: PictureStore;
  host: string;
  port: number;
  secret: string;
  log: EngineLog;
}): Promise<{ port: number; close(): Promise<void> }> {
  const { store, host, port, secret, log } = options;
  const wanted = Buffer.from(`Bearer ${secret}`);

  function isAllowed(given: string | undefined): boolean {
    const bytes = Buffer.from(given ?? '');
    return bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  }

  async function answer(request: IncomingMessage): Promise<[number, Uint8Array | string]> {
    if (!isAllowed(request.headers.authorization)) return [401, 'the secret is another one'];
    const key = decodeURIComponent((request.url ?? '/').slice(1));
    const { method } = request;
    if (key === SIZES && method === 'GET') {
      return [200, JSON.stringify([...(await store.sizes())])];
    }
    if (key === '') {
      if (method === 'GET') return [200, JSON.stringify(await store.keys())];
      if (method !== 'POST') return [405, ''];
      await store.tryOut();
      return [204, ''];
    }
    if (!isPictureKey(key)) return [400, 'that is no key'];
    return answerKey(request, key, store);
  }

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    answer(request)
      .catch((error: unknown): [number, string] => {
        log.warn({ err: error }, 'a picture of another program could not be stored or read');
        const { code } = (error ?? {}) as NodeJS.ErrnoException;
        return [code === 'ENOSPC' || code === 'EDQUOT' ? 507 : 500, code ?? ''];
      })
      .then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/octet-stream' }).end(body);
        // What was not read of a refused body must not be taken for the next request.
        if (!request.complete) request.destroy();
      })
      .catch(() => response.destroy());
  });
  await listening(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  // It rejects with what `error` tells.
  await once(server, 'listening').catch((error: unknown) => {
    throw new UserError(
      `Pictures cannot be served at ${host}:${port} (${(error as Error).message}). Set PICTURES_PORT to a free port.`,
      { cause: error },
    );
  });
}

/** One picture. */
async function answerKey(
  request: IncomingMessage,
  key: string,
  store: PictureStore,
): Promise<[number, Uint8Array | string]> {
  switch (request.method) {
    case 'GET': {
      const bytes = await store.get(key);
      return bytes === null ? [404, ''] : [200, bytes];
    }
    case 'PUT':
      await store.put(key, await bodyOf(request));
      return [204, ''];
    case 'PATCH':
      await store.append(key, await bodyOf(request));
      return [204, ''];
    case 'DELETE':
      await store.delete(key);
      return [204, ''];
    default:
      return [405, ''];
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > LARGEST_BYTES) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/**
 * The store that another program lends. `url`: http://:secret@host:port
 * @throws UserError when it cannot be reached or the secret is another one
 */
export async function openHttpPictures(url: string): Promise<PictureStore> {
  const { origin, password } = new URL(url);

  async function ask(method: string, key: string, body?: Uint8Array): Promise<Response> {
    const response = await fetch(`${origin}/${encodeURIComponent(key)}`, {
      method,
      headers: { authorization: `Bearer ${decodeURIComponent(password)}` },
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined ? {} : { body }),
    });
    if (response.ok || response.status === 404) return response;
    const said = await response.text().catch(() => '');
    const isFull = response.status === 507;
    const words = isFull
      ? `the store of pictures at ${origin} has no room left`
      : `the store of pictures at ${origin} answered ${response.status} ${said}`;
    throw Object.assign(new Error(words), {
      code: isFull ? 'ENOSPC' : `HTTP${response.status}`,
    });
  }

  const store: PictureStore = {
    async put(key, bytes) {
      await ask('PUT', key, bytes);
    },
    async append(key, bytes) {
      await ask('PATCH', key, bytes);
    },
    async get(key) {
      const response = await ask('GET', key);
      return response.status === 404 ? null : new Uint8Array(await response.arrayBuffer());
    },
    async delete(key) {
      await ask('DELETE', key);
    },
    async keys() {
      return (await (await ask('GET', '')).json()) as string[];
    },
    async sizes() {
      return new Map((await (await ask('GET', SIZES)).json()) as [string, number][]);
    },
    async tryOut() {
      await ask('POST', '');
    },
  };
  await store.tryOut().catch((error: unknown) => {
    const said = (error as Error).cause instanceof Error ? (error as Error).cause : error;
    throw new UserError(
      `Pictures cannot be kept at ${origin} (${(said as Error).message}). Start the bot there with PICTURES_PORT, and ` +
        'give this program its secret: PICTURES_URL=http://:secret@host:port.',
      { cause: error },
    );
  });
  return store;
}
