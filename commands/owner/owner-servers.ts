import type { AutocompleteInteraction, ChatInputCommandInteraction, Client } from 'discord.js';
import type { Choice, Scene } from '../../src/bot/interaction/command.ts';
import { isServerAllowed } from '../../src/bot/owner/rule.ts';
import type { OwnerRule } from '../../src/bot/owner/rule.ts';
import { escapeMarkdown, plainLine, quoted, shorten } from '../../src/bot/render/markdown.ts';
import { idOf } from './owner-typed.ts';

const SHOWN = 25;

/**
 * Carries out the options given (who may invite, one server to allow, one to leave) and answers the list of servers.
 * @throws UserError for a server id that is none, before anything is changed
 */
export async function changeServers(
  interaction: ChatInputCommandInteraction,
  scene: Scene,
): Promise<void> {
  const { options, client } = interaction;
  const { text } = scene;
  const [allow, leave] = [options.getString('allow'), options.getString('leave')];
  const invites = options.getString('invites');
  // What is mistyped is refused before anything is changed.
  const [allowId, leaveId] = [allow, leave].map((typed) =>
    typed === null ? null : idOf(typed, text),
  );
  const done: string[] = [];
  if (invites === 'ask' || invites === 'anybody') {
    await scene.rule.change((now) => ({ ...now, servers: { ...now.servers, invites } }), text);
  }
  if (allowId != null) done.push(await allowServer(allowId, scene));
  if (leaveId != null) done.push(await leaveServer(leaveId, scene));
  await scene.answer.tell([...done, ...serverLines(client, scene)].join('\n'));
}

/** The words about it. */
export async function allowServer(id: string, { rule, text }: Scene): Promise<string> {
  const others = (now: OwnerRule) => (now.servers.allowed ?? []).filter((one) => one !== id);
  const withIt = (now: OwnerRule) => ({
    ...now,
    servers: { ...now.servers, allowed: [...others(now), id] },
  });
  await rule.change(withIt, text);
  return text.owner.serverAllowed(id);
}

/** The words about it. */
export async function leaveServer(id: string, { rule, owner, text }: Scene): Promise<string> {
  const without = (now: OwnerRule) => ({
    ...now,
    servers: {
      ...now.servers,
      allowed: (now.servers.allowed ?? []).filter((one) => one !== id),
    },
  });
  await rule.change(without, text);
  return (await owner.servers.leave(id))
    ? text.owner.serverLeft(id)
    : text.owner.serverNotThere(id);
}

function serverLines(client: Client, { rule, text }: Scene): string[] {
  const { owner } = text;
  const holds = rule.now();
  const servers = [...client.guilds.cache.values()];
  const lines = servers
    .slice(0, SHOWN)
    .map(({ id, name, memberCount }) =>
      owner.serverLine(
        escapeMarkdown(shorten(plainLine(name), 60)),
        id,
        memberCount,
        isServerAllowed(holds, id) ? '✅' : '⏳',
      ),
    );
  const more = servers.length - lines.length;
  return [
    owner.serversTitle,
    holds.servers.invites === 'ask' ? owner.serversAsk : owner.serversAnybody,
    ...lines,
    ...(more > 0 ? [owner.serversMore(more)] : []),
  ];
}

/** Servers by their names: those that wait for `allow`, all for `leave`. */
export function serverChoices(interaction: AutocompleteInteraction, { rule }: Scene): Choice[] {
  const { name: option, value } = interaction.options.getFocused(true);
  const typed = value.trim().toLowerCase();
  return [...interaction.client.guilds.cache.values()]
    .filter(({ id }) => option !== 'allow' || !isServerAllowed(rule.now(), id))
    .filter(({ id, name }) => id.startsWith(typed) || name.toLowerCase().includes(typed))
    .slice(0, SHOWN)
    .map(({ id, name }) => ({ name: shorten(`${plainLine(name)} · ${id}`, 100), value: id }));
}

/** For a sentence: a server's name where it is known. */
export function nameOf(id: string, client: Client): string {
  const guild = client.guilds.cache.get(id);
  return guild === undefined ? id : `**${quoted(guild.name, 60)}**`;
}
