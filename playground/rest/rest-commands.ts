import type { APIApplicationCommand } from 'discord-api-types/v10';
import { apiErrors } from './api-error.ts';
import { restLimits } from './rest-limits.ts';
import { knownGuild } from './rest-world.ts';
import type { RestAnswer, RestCall, Route } from './rest-call.ts';
import { bodyFields, param } from './rest-call.ts';
import type { State } from '../state.ts';
import { publish } from '../state.ts';
import { checkCommands } from '../validate/validate-command.ts';
import type { Fields } from '../validate/validate.ts';
import { isFields } from '../validate/validate.ts';
import { applicationId } from '../world/world.ts';

/** Per application (and per guild again): slash, user and message commands. */
const most: Readonly<Record<number, number>> = { 1: 100, 2: 15, 3: 15 };

function scope(call: RestCall): string | null {
  if (param(call, 'application_id') !== applicationId) throw apiErrors.unknownApplication();
  return call.params['guild_id'] === undefined ? null : knownGuild(call).id;
}

function withoutAbsent(value: Fields): Fields {
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== null && one !== undefined),
  );
}

function storedOption(option: Fields): Fields {
  const kept: Record<string, unknown> = { ...withoutAbsent(option) };
  for (const name of ['options', 'choices'] as const) {
    if (!Array.isArray(option[name])) continue;
    const list = option[name].filter(isFields);
    kept[name] = list.map(name === 'options' ? storedOption : withoutAbsent);
  }
  return kept;
}

/** The command as stored: ids and defaults filled in; a new version only when something changed. */
function storedCommand(
  state: State,
  guildId: string | null,
  body: Fields,
  earlier: APIApplicationCommand | undefined,
): APIApplicationCommand {
  const permissions = body['default_member_permissions'];
  const options = Array.isArray(body['options']) ? body['options'].filter(isFields) : [];
  const command: Record<string, unknown> = {
    ...earlier,
    id: earlier?.id ?? state.newId(),
    application_id: applicationId,
    version: earlier?.version ?? state.newId(),
    default_member_permissions:
      permissions === undefined || permissions === null ? null : String(permissions),
    type: body['type'] ?? 1,
    name: body['name'],
    name_localizations: body['name_localizations'] ?? null,
    description: body['description'] ?? '',
    description_localizations: body['description_localizations'] ?? null,
    dm_permission: body['dm_permission'] ?? true,
    contexts: body['contexts'] ?? null,
    integration_types: body['integration_types'] ?? [0],
    nsfw: body['nsfw'] ?? false,
  };
  delete command['options'];
  if (options.length > 0) command['options'] = options.map(storedOption);
  if (guildId !== null) command['guild_id'] = guildId;
  if (earlier && JSON.stringify(earlier) !== JSON.stringify(command)) {
    command['version'] = state.newId();
  }
  return command as unknown as APIApplicationCommand;
}

function save(call: RestCall, guildId: string | null, commands: APIApplicationCommand[]): void {
  for (const [type, limit] of Object.entries(most)) {
    if (commands.filter((one) => one.type === Number(type)).length > limit) {
      throw apiErrors.tooManyCommands(limit);
    }
  }
  call.state.store.replaceCommands(guildId, commands);
  publish(call.state, { kind: 'commands' });
}

/** Localizations are left out unless asked for. */
function shown(call: RestCall, command: APIApplicationCommand): object {
  if (call.query.get('with_localizations') !== 'false' && call.query.has('with_localizations')) {
    return command;
  }
  return withoutLocalizations(command as unknown as Fields);
}

function withoutLocalizations(fields: Fields): Fields {
  const { name_localizations: _names, description_localizations: _texts, ...rest } = fields;
  if (!Array.isArray(rest['options'])) return rest;
  return { ...rest, options: rest['options'].filter(isFields).map(withoutLocalizations) };
}

function same(
  a: { type?: unknown; name?: unknown },
  b: { type?: unknown; name?: unknown },
): boolean {
  return (a.type ?? 1) === (b.type ?? 1) && a.name === b.name;
}

function replaceAll(call: RestCall): RestAnswer {
  const guildId = scope(call);
  if (!Array.isArray(call.json)) throw apiErrors.invalidJson();
  checkCommands(call.json, true);
  const earlier = call.state.store.commands(guildId);
  const commands = call.json.filter(isFields).map((body) =>
    storedCommand(
      call.state,
      guildId,
      body,
      earlier.find((one) => same(one, body)),
    ),
  );
  save(call, guildId, commands);
  return { status: 200, json: commands };
}

function create(call: RestCall): RestAnswer {
  const guildId = scope(call);
  const body = bodyFields(call);
  checkCommands([body], false);
  const all = call.state.store.commands(guildId);
  const earlier = all.find((one) => same(one, body));
  const command = storedCommand(call.state, guildId, body, earlier);
  const next = earlier ? all.map((one) => (one === earlier ? command : one)) : [...all, command];
  save(call, guildId, next);
  return { status: earlier ? 200 : 201, json: command };
}

function known(call: RestCall, guildId: string | null): APIApplicationCommand {
  const id = param(call, 'command_id');
  const command = call.state.store.commands(guildId).find((one) => one.id === id);
  if (!command) throw apiErrors.unknownCommand();
  return command;
}

function change(call: RestCall): RestAnswer {
  const guildId = scope(call);
  const earlier = known(call, guildId);
  const body = { ...(earlier as unknown as Fields), ...bodyFields(call) };
  checkCommands([body], false);
  const command = storedCommand(call.state, guildId, body, earlier);
  const all = call.state.store.commands(guildId);
  save(
    call,
    guildId,
    all.map((one) => (one.id === command.id ? command : one)),
  );
  return { status: 200, json: command };
}

function remove(call: RestCall): RestAnswer {
  const guildId = scope(call);
  const { id } = known(call, guildId);
  save(
    call,
    guildId,
    call.state.store.commands(guildId).filter((one) => one.id !== id),
  );
  return { status: 204 };
}

function routesUnder(base: string): readonly Route[] {
  const write = restLimits.commands;
  const one = `${base}/{command_id}`;
  return [
    {
      method: 'GET',
      path: base,
      rate: restLimits.read,
      run: (call) => ({
        status: 200,
        json: call.state.store.commands(scope(call)).map((command) => shown(call, command)),
      }),
    },
    { method: 'PUT', path: base, rate: write, run: replaceAll },
    { method: 'POST', path: base, rate: write, run: create },
    {
      method: 'GET',
      path: one,
      rate: restLimits.read,
      run: (call) => ({ status: 200, json: known(call, scope(call)) }),
    },
    { method: 'PATCH', path: one, rate: write, run: change },
    { method: 'DELETE', path: one, rate: write, run: remove },
  ];
}

export const commandRoutes: readonly Route[] = [
  ...routesUnder('/applications/{application_id}/commands'),
  ...routesUnder('/applications/{application_id}/guilds/{guild_id}/commands'),
];
