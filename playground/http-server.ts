/** The one port of the playground: which request goes where, and who may ask at all. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { mebibyte } from './messages/message-files.ts';
import { serveAttachment, servePage } from './page/page-server.ts';
import { receiveUpload } from './page/uploads.ts';
import { PlaygroundError } from './playground-error.ts';
import { type ApiParts, handleApi } from './rest/api-server.ts';
import { isOwnHost, isOwnOrigin } from './rest/http.ts';

/** Begins to listen. @throws PlaygroundError saying what to do where the port is taken or refused */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(error, port)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function portError(error: NodeJS.ErrnoException, port: number): Error {
  const what =
    error.code === 'EADDRINUSE'
      ? `Port ${port} is already taken by another program`
      : `Port ${port} cannot be used (${error.message})`;
  return new PlaygroundError(
    `${what}: the playground cannot start there. Set PLAYGROUND_PORT to a free port, or to 0 for any.`,
    { cause: error },
  );
}

/** Answers one request: Discord's REST API, the page, its uploads, attachments. Other hosts' names get 403. */
export async function answerRequest(
  api: ApiParts,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isOwnHost(request, port)) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end('Unknown host.');
    return;
  }
  const origin = `http://127.0.0.1:${port}`;
  if (!URL.canParse(request.url ?? '/', origin)) {
    response.writeHead(400, { 'content-type': 'text/plain' }).end('That is no path.');
    return;
  }
  const url = new URL(request.url ?? '/', origin);
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (url.pathname.startsWith('/api/')) return handleApi(api, request, response, url);
  if (url.pathname === '/client/upload' && request.method === 'POST') {
    if (isOwnOrigin(request, port)) return receiveUpload(api.state, request, response, url);
    response.writeHead(403).end();
    return;
  }
  if (!reading) {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  if (/^\/(ephemeral-)?attachments\//.test(url.pathname)) {
    if (api.fileDelay > 0) await new Promise((resolve) => setTimeout(resolve, api.fileDelay));
    return serveAttachment(api.state, response, url);
  }
  // One origin for page, pictures and stored preferences.
  if (url.pathname === '/' && request.headers.host?.startsWith('localhost')) {
    response.writeHead(302, { location: `${origin}/` }).end();
    return;
  }
  return servePage(response, url.pathname, port);
}

/** Upgrades requests on the given paths to WebSockets; anybody else, and other sites' pages, get 403. */
export function acceptSockets(
  server: Server,
  port: number,
  doors: Readonly<Record<string, (socket: WebSocket) => void>>,
): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: mebibyte });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const accept = doors[(request.url ?? '').split('?')[0] ?? ''];
    if (!accept || !isOwnHost(request, port) || !isOwnOrigin(request, port)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, accept);
  });
  return sockets;
}
