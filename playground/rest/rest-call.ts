import { ApiError, apiErrors } from './api-error.ts';
import type { UploadedFile } from '../messages/message-files.ts';
import type { RateLimit } from './rate-limits.ts';
import type { State } from '../state.ts';
import type { Fields } from '../validate/validate.ts';
import { isFields } from '../validate/validate.ts';

export type RestCall = {
  state: State;
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** the JSON body or payload_json; null without a body */
  json: unknown;
  files: readonly UploadedFile[];
  gatewayUrl: string;
};

export type RestAnswer = { status: number; json?: unknown };

export type Route = {
  method: string;
  /** as Discord's OpenAPI description writes it */
  path: string;
  /** routes with a token of their own in the path are open to everybody who has it */
  open?: boolean;
  rate: RateLimit;
  run: (call: RestCall) => RestAnswer;
};

/** The body as an object. Throws 50109 for anything else. */
export function bodyFields(call: RestCall): Fields {
  if (call.json === null || call.json === undefined) return {};
  if (!isFields(call.json)) throw apiErrors.invalidJson();
  return call.json;
}

/** Reads a named part of the route's path. @throws ApiError 404 when the route has no such part */
export function param(call: RestCall, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new ApiError(404, 0, '404: Not Found');
  return value;
}
