import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, apiErrors } from './api-error.ts';
import type { Fault, FaultList } from '../gateway/faults.ts';
import { parseBody, readBody, resetConnection, sendJson } from './http.ts';
import type { UploadedFile } from '../messages/message-files.ts';
import type { RateLimits } from './rate-limits.ts';
import type { RestAnswer } from './rest-call.ts';
import { findRoute } from './rest.ts';
import type { FoundRoute } from './rest.ts';
import type { State } from '../state.ts';

/** One request and what it was answered, for tests that look at the traffic. */
export type Exchange = {
  method: string;
  /** as Discord's OpenAPI description writes it, for example /channels/{channel_id}/messages; null when unknown */
  route: string | null;
  path: string;
  query: string;
  /** the body as JSON (of a multipart request: payload_json) */
  request: unknown;
  files: readonly { name: string; size: number }[];
  status: number;
  response: unknown;
  headers: Readonly<Record<string, string>>;
  /** answered by an injected fault */
  fault: boolean;
  milliseconds: number;
};

export type ApiParts = {
  state: State;
  faults: FaultList;
  limits: RateLimits;
  gatewayUrl: string;
  /** milliseconds that a link to a file waits; a fault of the tests */
  fileDelay: number;
  onExchange: ((exchange: Exchange) => void) | undefined;
};

type Outcome = { status: number; json: unknown; headers: Record<string, string> };
type Seen = { found: FoundRoute | null; json: unknown; files: readonly UploadedFile[] };

/** Answers one request below /api. Never throws. */
export async function handleApi(
  parts: ApiParts,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const startedAt = performance.now();
  const seen: Seen = { found: null, json: null, files: [] };
  const method = request.method ?? 'GET';
  let fault: Fault | null = null;
  let outcome: Outcome;
  try {
    const path = versionedPath(url.pathname);
    seen.found = findRoute(method, path);
    fault = parts.faults.take(method, seen.found.route.path, path);
    outcome = await answer(parts, request, url, seen, fault);
  } catch (error) {
    outcome = failure(parts.state, error);
    request.resume();
  }
  parts.onExchange?.({
    method,
    route: seen.found?.route.path ?? null,
    path: url.pathname,
    query: url.search,
    request: seen.json,
    files: seen.files.map((file) => ({ name: file.name, size: file.bytes.length })),
    status: outcome.status,
    response: outcome.json,
    headers: outcome.headers,
    fault: fault !== null,
    milliseconds: performance.now() - startedAt,
  });
  parts.state.log.debug({ method, route: seen.found?.route.path, status: outcome.status }, 'api');
  if (fault?.answer === 'timeout') return;
  if (fault?.answer === 'reset' || fault?.answer === 'lost-ack') return resetConnection(request);
  sendJson(response, outcome.status, outcome.json, outcome.headers);
}

/** Without /api and the version, still percent-encoded. Only v10 (or none) is spoken here. */
function versionedPath(pathname: string): string {
  const match = /^\/api(?:\/v(\d+))?(\/.*)$/.exec(pathname);
  if (!match) throw apiErrors.notFound();
  if (match[1] !== undefined && match[1] !== '10') throw apiErrors.invalidVersion();
  return (match[2] ?? '').replaceAll(/%40/gi, '@');
}

async function answer(
  parts: ApiParts,
  request: IncomingMessage,
  url: URL,
  seen: Seen,
  fault: Fault | null,
): Promise<Outcome> {
  const { state } = parts;
  const { route, params, major } = seen.found as FoundRoute;
  const authorized = request.headers.authorization === `Bot ${state.store.token}`;
  const body = await readBody(request);
  Object.assign(seen, await parseBody(body, request.headers['content-type'] ?? ''));
  if (!route.open && !authorized) {
    state.log.warn({ path: url.pathname }, 'a request with an unknown bot token was refused');
    throw apiErrors.unauthorized();
  }
  const verdict = parts.limits.take(
    `${route.method} ${route.path}`,
    major,
    route.rate,
    authorized && !route.open,
  );
  const faulty = fault ? faultOutcome(fault) : null;
  if (faulty) return { ...faulty, headers: { ...verdict.headers, ...faulty.headers } };
  if (!verdict.allowed) return limited(verdict.retryAfter, verdict.global, verdict.headers);
  try {
    const done: RestAnswer = route.run({
      state,
      params,
      query: url.searchParams,
      json: seen.json,
      files: seen.files,
      gatewayUrl: parts.gatewayUrl,
    });
    return { status: done.status, json: done.json, headers: verdict.headers };
  } catch (error) {
    const failed = failure(state, error);
    return { ...failed, headers: { ...verdict.headers, ...failed.headers } };
  }
}

function limited(retryAfter: number, global: boolean, headers: Record<string, string>): Outcome {
  return {
    status: 429,
    json: { message: 'You are being rate limited.', retry_after: retryAfter, global },
    headers,
  };
}

/** null: the request is carried out (and its answer lost on the way). */
function faultOutcome(fault: Fault): Outcome | null {
  const { answer: kind } = fault;
  if (kind === 'lost-ack') return null;
  if (kind === 429) {
    const wait = fault.retryAfter ?? 1;
    return limited(wait, false, { 'retry-after': String(wait), 'x-ratelimit-scope': 'shared' });
  }
  if (typeof kind === 'object') {
    return { status: kind.status, json: { message: kind.message, code: kind.code }, headers: {} };
  }
  const status = typeof kind === 'number' ? kind : 0;
  return { status, json: { message: `${status}: injected fault`, code: 0 }, headers: {} };
}

function failure(state: State, error: unknown): Outcome {
  if (error instanceof ApiError) return { status: error.status, json: error.toJSON(), headers: {} };
  state.log.error({ err: error }, 'the playground failed to answer a request');
  return { status: 500, json: { message: '500: Internal Server Error', code: 0 }, headers: {} };
}
