import type { IncomingMessage, ServerResponse } from 'node:http';
import { apiErrors } from './api-error.ts';
import type { UploadedFile } from '../messages/message-files.ts';
import { requestSizeLimit } from '../messages/message-files.ts';

/** The whole body. Throws 413 once it is larger than a request may be. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= requestSizeLimit) chunks.push(chunk);
  }
  if (size > requestSizeLimit) throw apiErrors.tooLarge();
  return Buffer.concat(chunks);
}

export type ParsedBody = { json: unknown; files: UploadedFile[] };

/** JSON, or multipart with `payload_json` and `files[n]`. Throws 50109 when it is neither. */
export async function parseBody(body: Buffer, contentType: string): Promise<ParsedBody> {
  if (body.length === 0) return { json: null, files: [] };
  if (!contentType.startsWith('multipart/form-data')) {
    return { json: parseJson(body.toString('utf8')), files: [] };
  }
  const form = await parseForm(body, contentType);
  const files: UploadedFile[] = [];
  let json: unknown = {};
  for (const [name, value] of form) {
    const index = /^files?\[(\d+)\]$/.exec(name)?.[1];
    if (name === 'payload_json') {
      json = parseJson(typeof value === 'string' ? value : await value.text());
    } else if (typeof value !== 'string') {
      files.push({
        index: index === undefined ? files.length : Number(index),
        name: value.name,
        contentType: value.type || null,
        bytes: new Uint8Array(await value.arrayBuffer()),
      });
    }
  }
  return { json, files };
}

async function parseForm(body: Buffer, contentType: string): Promise<FormData> {
  try {
    const headers = { 'content-type': contentType };
    return await new Response(new Uint8Array(body), { headers }).formData();
  } catch {
    throw apiErrors.invalidJson();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw apiErrors.invalidJson();
  }
}

export type Headers = Readonly<Record<string, string>>;

/** A 204 has neither body nor content type: discord.js would try to parse one. */
export function sendJson(
  response: ServerResponse,
  status: number,
  json: unknown,
  headers: Headers = {},
): void {
  if (status === 204 || json === undefined) {
    response.writeHead(status, headers).end();
    return;
  }
  const body = JSON.stringify(json);
  response
    .writeHead(status, {
      ...headers,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
    })
    .end(body);
}

/** Ends the connection without an answer, with a TCP reset where the platform can. */
export function resetConnection(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}

/**
 * The name in the Host header must be this server's own: a page on another name that resolves to 127.0.0.1 (DNS
 * rebinding) is refused.
 */
export function isOwnHost(request: IncomingMessage, port: number): boolean {
  const host = request.headers.host;
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`;
}

/** Programs send no Origin; browsers do, and then it must be this server's page. */
export function isOwnOrigin(request: IncomingMessage, port: number): boolean {
  const origin = request.headers.origin;
  return (
    origin === undefined ||
    origin === `http://127.0.0.1:${port}` ||
    origin === `http://localhost:${port}`
  );
}
