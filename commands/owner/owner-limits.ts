import { MessageFlags, Routes } from 'discord.js';
import type { ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { QUOTA_NAMES } from '../../src/bot/owner/rule.ts';
import type { OwnerQuotas } from '../../src/bot/owner/rule.ts';
import { NSFW_POLICIES } from '../../src/bot/policy/policy.ts';
import { textFor } from '../../src/bot/text/text.ts';
import { idOrNone } from './owner-typed.ts';
import { nameOf } from './owner-servers.ts';

const OPTION_OF = {
  personWaiting: 'person_waiting',
  personSeconds: 'person_seconds',
  serverWaiting: 'server_waiting',
  serverSeconds: 'server_seconds',
  work: 'work',
} as const satisfies Record<keyof OwnerQuotas, string>;

/** Changes what was named, and shows all of it. */
export async function changeLimits(
  { options }: ChatInputCommandInteraction,
  { answer, rule, text }: Scene,
): Promise<void> {
  const nsfw = NSFW_POLICIES.find((one) => one === options.getString('nsfw'));
  const named = QUOTA_NAMES.flatMap((name) => {
    const value = options.get(OPTION_OF[name])?.value;
    return typeof value === 'number' ? [[name, value] as const] : [];
  });
  if (nsfw !== undefined || named.length > 0) {
    await rule.change((now) => {
      const all = { ...now.quotas, ...Object.fromEntries(named) };
      const quotas = Object.fromEntries(Object.entries(all).filter(([, limit]) => limit > 0));
      return { ...now, quotas, ...(nsfw === undefined ? {} : { nsfw }) };
    }, text);
  }
  const { limitsTitle, limitLines, noLimit, workMillions } = text.owner;
  const { nsfw: most, quotas } = rule.now();
  const shown = (name: keyof OwnerQuotas): string => {
    const limit = quotas[name];
    if (limit === undefined) return noLimit;
    return name === 'work' ? workMillions(limit) : String(limit);
  };
  const lines = QUOTA_NAMES.map((name) => limitLines[name](shown(name)));
  await answer.tell([limitsTitle, limitLines.nsfw(text.panel.nsfw[most]), ...lines].join('\n'));
}

/**
 * Where alarms go, and where `/owner` works beside direct messages; both are tried out before they are noted.
 * @throws UserError for a server or channel that the bot does not see, or may not write in
 */
export async function changePlaces(
  { options, client }: ChatInputCommandInteraction,
  { answer, rule, text }: Scene,
): Promise<void> {
  const [channel, server] = [options.getString('alarms'), options.getString('server')];
  const alarms = channel === null ? undefined : idOrNone(channel, text);
  const commandServer = server === null ? undefined : idOrNone(server, text);
  if (commandServer != null && !client.guilds.cache.has(commandServer)) {
    throw new UserError(text.owner.serverUnknown(commandServer));
  }
  if (alarms != null) {
    const found = client.channels.cache.get(alarms);
    const isText = found !== undefined && 'guild' in found && found.isTextBased();
    if (!isText) throw new UserError(text.owner.channelUnknown(alarms));
    const content = textFor(found.guild.preferredLocale).owner.alarmTest;
    const body = { content, flags: MessageFlags.SuppressNotifications };
    await client.rest.post(Routes.channelMessages(alarms), { body }).catch((error: unknown) => {
      throw new UserError(text.owner.channelUnknown(alarms), { cause: error });
    });
  }
  if (alarms !== undefined || commandServer !== undefined) {
    await rule.change(
      (now) => ({
        ...now,
        ...(alarms === undefined ? {} : { alarms }),
        ...(commandServer === undefined ? {} : { commandServer }),
      }),
      text,
    );
  }
  const { placesTitle, alarmsIn, commandsIn, nowhere } = text.owner;
  const now = rule.now();
  await answer.tell(
    [
      placesTitle,
      alarmsIn(now.alarms === null ? nowhere : `<#${now.alarms}>`),
      commandsIn(now.commandServer === null ? nowhere : nameOf(now.commandServer, client)),
    ].join('\n'),
  );
}
