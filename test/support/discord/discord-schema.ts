/**
 * Checks recorded REST traffic against Discord's own OpenAPI description (npm discord-api-spec, zod schemas made from
 * it), so that neither the bot nor the local Discord can drift from what Discord takes and gives.
 */
import assert from 'node:assert/strict';
import * as spec from 'discord-api-spec/zod';
import type { Exchange } from '../../../playground/playground.ts';

type Issue = {
  path: readonly PropertyKey[];
  message: string;
  errors?: readonly (readonly Issue[])[];
};
type Verdict = { success: true } | { success: false; error: { issues: readonly Issue[] } };
type Schema = { safeParse(value: unknown): Verdict };
type Json = Readonly<Record<string, unknown>>;

const schemas = spec as unknown as Readonly<Record<string, Schema>>;

function schema(name: string): Schema {
  const found = schemas[`${name}Schema`];
  if (!found) throw new Error(`discord-api-spec has no schema named ${name}.`);
  return found;
}

/** Schema names: one fits, several mean "any of them", a trailing [] means a list. */
type Expectation = { request?: readonly string[]; response?: readonly string[] };

const commands: Readonly<Record<string, Expectation>> = {
  GET: { response: ['ApplicationCommandResponse[]'] },
  PUT: {
    request: ['ApplicationCommandUpdateRequest[]'],
    response: ['ApplicationCommandResponse[]'],
  },
  POST: { request: ['ApplicationCommandCreateRequest'], response: ['ApplicationCommandResponse'] },
};
const command: Readonly<Record<string, Expectation>> = {
  GET: { response: ['ApplicationCommandResponse'] },
  PATCH: {
    request: ['ApplicationCommandPatchRequestPartial'],
    response: ['ApplicationCommandResponse'],
  },
  DELETE: {},
};
const webhookMessage: Readonly<Record<string, Expectation>> = {
  GET: { response: ['MessageResponse'] },
  PATCH: { request: ['IncomingWebhookUpdateRequestPartial'], response: ['MessageResponse'] },
  DELETE: {},
};

/** Every route that the local Discord answers, with what Discord's description says of it. */
const expectations: Readonly<Record<string, Readonly<Record<string, Expectation>>>> = {
  '/gateway': { GET: { response: ['GatewayResponse'] } },
  '/gateway/bot': { GET: { response: ['GatewayBotResponse'] } },
  '/users/@me': { GET: { response: ['UserPIIResponse'] } },
  '/users/@me/guilds': { GET: { response: ['MyGuildResponse[]'] } },
  '/users/@me/guilds/{guild_id}': { DELETE: {} },
  '/users/@me/channels': {
    POST: { request: ['CreatePrivateChannelRequest'], response: ['PrivateChannelResponse'] },
  },
  '/users/{user_id}': { GET: { response: ['UserResponse'] } },
  '/applications/@me': { GET: { response: ['PrivateApplicationResponse'] } },
  '/oauth2/applications/@me': { GET: { response: ['PrivateApplicationResponse'] } },
  '/applications/{application_id}/commands': commands,
  '/applications/{application_id}/commands/{command_id}': command,
  '/applications/{application_id}/guilds/{guild_id}/commands': commands,
  '/applications/{application_id}/guilds/{guild_id}/commands/{command_id}': command,
  '/guilds/{guild_id}': { GET: { response: ['GuildWithCountsResponse'] } },
  '/guilds/{guild_id}/channels': { GET: { response: ['GuildChannelResponse[]'] } },
  '/guilds/{guild_id}/roles': { GET: { response: ['GuildRoleResponse[]'] } },
  '/guilds/{guild_id}/members/{user_id}': { GET: { response: ['GuildMemberResponse'] } },
  '/channels/{channel_id}': {
    GET: { response: ['GuildChannelResponse', 'PrivateChannelResponse', 'ThreadResponse'] },
    PATCH: { request: ['UpdateThreadRequestPartial'], response: ['ThreadResponse'] },
    DELETE: { response: ['GuildChannelResponse', 'ThreadResponse'] },
  },
  '/channels/{channel_id}/typing': { POST: {} },
  '/channels/{channel_id}/messages': {
    GET: { response: ['MessageResponse[]'] },
    POST: { request: ['MessageCreateRequest'], response: ['MessageResponse'] },
  },
  '/channels/{channel_id}/messages/{message_id}': {
    GET: { response: ['MessageResponse'] },
    PATCH: { request: ['MessageEditRequestPartial'], response: ['MessageResponse'] },
    DELETE: {},
  },
  '/interactions/{interaction_id}/{interaction_token}/callback': {
    POST: { response: ['InteractionCallbackResponse'] },
  },
  '/webhooks/{webhook_id}/{webhook_token}': {
    POST: {
      request: ['IncomingWebhookRequestPartial', 'IncomingWebhookUpdateRequestPartial'],
      response: ['MessageResponse'],
    },
  },
  '/webhooks/{webhook_id}/{webhook_token}/messages/@original': webhookMessage,
  '/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}': webhookMessage,
};

/** The description lists all callbacks as one union; the type says which one is meant. */
const callbacks: Readonly<Record<number, string>> = {
  1: 'PongInteractionCallbackRequest',
  4: 'CreateMessageInteractionCallbackRequest',
  5: 'CreateMessageInteractionCallbackRequest',
  6: 'UpdateMessageInteractionCallbackRequest',
  7: 'UpdateMessageInteractionCallbackRequest',
  8: 'ApplicationCommandAutocompleteCallbackRequest',
  9: 'ModalInteractionCallbackRequest',
};

/**
 * Where Discord's description says otherwise than Discord does. Each entry mends a value before it is checked.
 * Reviewed: 2026-11, discord-api-spec 10.0.266135.
 */
export const knownFalsePositives = [
  {
    what: 'default_member_permissions is described as an integer; permission sets are sent as text',
    mends: 'request',
    mend: (value: unknown): unknown => deep(value, permissionsAsNumber),
  },
  {
    what: 'codes of nested field errors are described as integers; they are names such as BASE_TYPE_REQUIRED',
    mends: 'error',
    mend: (value: unknown): unknown => deep(value, fieldCodesAsNumber),
  },
  {
    what: 'a 429 is described with an error code; a per-route one has none',
    mends: 'error',
    mend: (value: unknown): unknown =>
      isJson(value) && 'retry_after' in value ? { code: 0, ...value } : value,
  },
] as const;

function permissionsAsNumber(value: Json): Json {
  const permissions = value['default_member_permissions'];
  return typeof permissions === 'string' && /^\d+$/.test(permissions)
    ? { ...value, default_member_permissions: Number(permissions) }
    : value;
}

function fieldCodesAsNumber(value: Json): Json {
  const list = value['_errors'];
  return Array.isArray(list)
    ? { ...value, _errors: list.map((one: Json) => ({ ...one, code: 0 })) }
    : value;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deep(value: unknown, mend: (value: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((one) => deep(one, mend));
  if (!isJson(value)) return value;
  return Object.fromEntries(
    Object.entries(mend(value)).map(([name, one]) => [name, deep(one, mend)]),
  );
}

function mended(value: unknown, part: 'request' | 'error'): unknown {
  return knownFalsePositives
    .filter((one) => one.mends === part)
    .reduce((now, one) => one.mend(now), value);
}

/** What Discord's description has against one exchange, as sentences; empty when nothing. */
export function problemsOf(exchange: Exchange): string[] {
  const { method, route, status } = exchange;
  const where = `${method} ${route ?? exchange.path} -> ${status}`;
  if (status >= 400) return errorProblems(exchange, where);
  const expected = expectations[route ?? '']?.[method];
  if (!expected) return [`${where}: no expectation is written down for this route`];
  const problems: string[] = [];
  const requests = route?.endsWith('/callback') ? callbackRequest(exchange) : expected.request;
  if (requests) {
    problems.push(...check(`${where}, request`, requests, mended(exchange.request, 'request')));
  }
  if (status === 204) {
    if (exchange.response !== undefined) problems.push(`${where}: a 204 carries a body`);
  } else if (expected.response) {
    problems.push(...check(`${where}, response`, expected.response, exchange.response));
  }
  return problems;
}

function callbackRequest(exchange: Exchange): readonly string[] {
  const type = isJson(exchange.request) ? Number(exchange.request['type']) : 0;
  return [callbacks[type] ?? 'PongInteractionCallbackRequest'];
}

/** Server errors are not described. */
function errorProblems(exchange: Exchange, where: string): string[] {
  if (exchange.status >= 500) return [];
  const name = exchange.status === 429 ? 'RatelimitedResponse' : 'ErrorResponse';
  return check(`${where}, response`, [name], mended(exchange.response, 'error'));
}

function check(where: string, names: readonly string[], value: unknown): string[] {
  const verdicts = names.map((name): readonly Issue[] => {
    if (!name.endsWith('[]')) return issuesOf(schema(name), value);
    if (!Array.isArray(value)) return [{ path: [], message: 'Expected a list' }];
    const one = schema(name.slice(0, -2));
    return value.flatMap((item, i) =>
      issuesOf(one, item).map((issue) => ({ ...issue, path: [i, ...issue.path] })),
    );
  });
  if (verdicts.some((issues) => issues.length === 0)) return [];
  const [fewest = []] = [...verdicts].sort((a, b) => a.length - b.length);
  return fewest.map((issue) => `${where}, ${names.join(' or ')}: ${describe(issue)}`);
}

function issuesOf(one: Schema, value: unknown): readonly Issue[] {
  const verdict = one.safeParse(value);
  return verdict.success ? [] : verdict.error.issues;
}

/** A union fails with one list of issues per alternative: the alternative that came closest is told. */
function describe(issue: Issue): string {
  const at = issue.path.map(String).join('.');
  if (!issue.errors || issue.errors.length === 0) return `${at}: ${issue.message}`;
  const depth = (issues: readonly Issue[]): number => Math.max(...issues.map((i) => i.path.length));
  const [closest = []] = [...issue.errors].sort(
    (a, b) => a.length - b.length || depth(b) - depth(a),
  );
  return `${at} > ${closest.map(describe).join('; ')}`;
}

export type SchemaRecorder = {
  /** for `startPlayground({ onExchange })` */
  onExchange(exchange: Exchange): void;
  readonly exchanges: readonly Exchange[];
  /** Throws with every complaint, or when nothing was recorded at all. */
  assertValid(): void;
};

export function createSchemaRecorder(): SchemaRecorder {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    onExchange: (exchange) => void exchanges.push(exchange),
    assertValid() {
      assert.ok(exchanges.length > 0, 'no request was recorded');
      // Status 0: an injected fault took the answer away.
      const answered = exchanges.filter(({ status }) => status !== 0);
      const problems = [...new Set(answered.flatMap(problemsOf))];
      assert.deepEqual(problems, []);
    },
  };
}
