import { ButtonStyle, ChannelType, ComponentType, SelectMenuDefaultValueType } from 'discord.js';
import { isMark } from '../../../src/bot/policy/people.ts';
import {
  button,
  controlId,
  MOST_CHOICES,
  type PanelView,
  paragraph,
  type Part,
  preset,
  row,
} from '../panel-parts.ts';

/** Draws the page of who may use the bot where; people who were forgotten are counted, not named. */
export function accessPage({ policy, text }: PanelView): Part[] {
  const { panel } = text;
  const { channels, allowedRoles, auditChannel } = policy;
  const blockedUsers = policy.blockedUsers.filter((one) => !isMark(one));
  const forgotten = policy.blockedUsers.length - blockedUsers.length;
  const others = forgotten === 0 ? '' : ` ${panel.forgottenToo(forgotten)}`;
  const audit = auditChannel === null ? [] : [auditChannel];
  const many = { min_values: 0, max_values: MOST_CHOICES };
  const all = (ids: readonly string[], mark: string) => ids.map((id) => `<${mark}${id}>`).join(' ');
  return [
    paragraph([
      panel.titles.access,
      panel.lines.channels(all(channels, '#') || panel.everywhere),
      panel.lines.roles(all(allowedRoles, '@&') || panel.everybody),
      panel.lines.blocked(`${all(blockedUsers, '@')}${others}`.trim() || panel.none),
      panel.lines.audit(all(audit, '#') || panel.none),
      policy.starterPosts ? panel.lines.postsOn : panel.lines.postsOff,
    ]),
    row({
      ...many,
      type: ComponentType.ChannelSelect,
      custom_id: controlId('channels'),
      placeholder: panel.chooseChannels,
      default_values: preset(channels, SelectMenuDefaultValueType.Channel),
    }),
    row({
      ...many,
      type: ComponentType.RoleSelect,
      custom_id: controlId('roles'),
      placeholder: panel.chooseRoles,
      default_values: preset(allowedRoles, SelectMenuDefaultValueType.Role),
    }),
    row({
      ...many,
      type: ComponentType.UserSelect,
      custom_id: controlId('blocked'),
      placeholder: panel.chooseBlocked,
      default_values: preset(blockedUsers, SelectMenuDefaultValueType.User),
    }),
    row({
      type: ComponentType.ChannelSelect,
      custom_id: controlId('audit'),
      placeholder: panel.chooseAudit,
      channel_types: [ChannelType.GuildText, ChannelType.GuildAnnouncement],
      min_values: 0,
      default_values: preset(audit, SelectMenuDefaultValueType.Channel),
    }),
    row(
      policy.starterPosts ? button('posts-off', panel.postsOff) : button('posts-on', panel.postsOn),
      button('reset-access', panel.reset, ButtonStyle.Danger),
    ),
  ];
}
