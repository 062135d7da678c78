import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { UserError } from '../engine/errors.ts';
import type { EngineLog } from '../engine/engine.ts';

export type Page = { status: number; type: string; body: string };

/** Whoever asks has to be done within this, however slowly it speaks. */
const PATIENCE_MS = 10_000;
const MOST_CONNECTIONS = 32;
/** Node looks through all connections this often, idle or not: each has its own deadline here. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * Answers GET for the given paths, one request a connection. Nothing is done while nobody asks.
 * @throws UserError when it cannot listen there
 */
export async function serve(
  where: { host: string; port: number },
  pages: Readonly<Record<string, () => Promise<Page>>>,
  log: EngineLog,
): Promise<{ port: number; close(): Promise<void> }> {
  async function pageFor({ method = '', url = '/' }: IncomingMessage): Promise<Page> {
    const [path = '/'] = url.split('?', 1);
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) return text(404, `There is ${Object.keys(pages).join(', ')}.`);
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'Only GET is answered here.');
    return page();
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    pageFor(request)
      .catch((error: unknown) => {
        log.error({ err: error, path: request.url }, 'the health or metrics could not be told');
        return text(500, 'This could not be told; the log says why.');
      })
      .then(({ status, type, body }) => {
        response.writeHead(status, {
          'content-type': type,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          connection: 'close',
        });
        response.end(request.method === 'HEAD' ? undefined : body);
      })
      .catch(() => response.destroy());
  }

  const options = { connectionsCheckingInterval: NEVER_MS, keepAlive: false };
  const server = createServer(options, answer);
  server.maxConnections = MOST_CONNECTIONS;
  server.maxRequestsPerSocket = 1;
  server.on('connection', (socket: Socket) => {
    const deadline = setTimeout(() => socket.destroy(), PATIENCE_MS);
    deadline.unref();
    socket.once('close', () => clearTimeout(deadline));
  });
  server.listen(where.port, where.host);
  // It rejects with what `error` tells.
  await once(server, 'listening').catch((error: unknown) => {
    throw new UserError(whyNot(where, error as NodeJS.ErrnoException), { cause: error });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function text(status: number, body: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function whyNot(
  { host, port }: { host: string; port: number },
  { code, message }: NodeJS.ErrnoException,
): string {
  switch (code) {
    case 'EADDRINUSE':
      return (
        `METRICS_PORT is ${port}, and another program listens there (${host}). Set METRICS_PORT to a free port, ` +
        'or leave it unset to do without health and metrics.'
      );
    case 'EACCES':
      return `METRICS_PORT is ${port}, which this account may not listen on. Set METRICS_PORT to a port above 1023, e.g. 9464.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return (
        `METRICS_HOST is ${JSON.stringify(host)}, which is no address of this machine. Set it to one of this machine's, ` +
        'to 0.0.0.0 for all of them, or leave it unset for 127.0.0.1.'
      );
    default:
      return `Health and metrics cannot be served at ${host}:${port} (${message}). Set METRICS_PORT and METRICS_HOST to where they can, or leave them unset.`;
  }
}
