import { ButtonStyle, ChannelType, ComponentType, SelectMenuDefaultValueType } from 'discord.js';
import { SAMPLERS, SCHEDULES } from '../../src/engine/names.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import { NSFW_POLICIES, PREVIEW_PACES, SPOILER_POLICIES } from '../../src/bot/policy/policy.ts';
import type { RoleLimits, ServerPolicy } from '../../src/bot/policy/policy.ts';
import { isMark } from '../../src/bot/policy/people.ts';
import type { Rendered } from '../../src/bot/render/render.ts';
import type { Choices } from '../../src/bot/order/choices.ts';
import { quoted } from '../../src/bot/render/markdown.ts';
import type { Text } from '../../src/bot/text/text.ts';
import type { WildcardList } from '../../src/bot/wildcards/lists.ts';
import { LANGUAGE_NAMES } from '../../src/bot/text/text.ts';
import { listKey } from './settings-lists.ts';
import {
  controlId,
  type Part,
  row,
  paragraph,
  button,
  stringSelect,
  preset,
} from './panel-parts.ts';

export const PANEL_PAGES = ['defaults', 'limits', 'access', 'content', 'lists'] as const;
export type PanelPage = (typeof PANEL_PAGES)[number];

/** Discord's selects hold this many. */
const MOST = 25;

export type PanelView = {
  defaults: Choices;
  policy: ServerPolicy;
  models: readonly ModelInfo[];
  /** the defaults in words, one line each */
  defaultLines: readonly string[];
  /** of the server, and of the installation, for wildcards in prompts; absent: none */
  lists?: readonly WildcardList[];
  files?: readonly WildcardList[];
  /** for the page of limits: the ceilings of the installation, and what was used */
  notes?: readonly string[];
  text: Text;
};

/** One page of the panel as a message. Pure. */
export function renderPanel(page: PanelPage, sight: PanelView): Rendered {
  const { pages } = sight.text.panel;
  const tabs = stringSelect(
    'page',
    PANEL_PAGES.map((value) => ({ label: pages[value], value, default: value === page })),
    {},
  );
  const parts = { defaults, limits, access, content, lists: wildcards }[page](sight);
  return { components: [row(tabs), ...parts], files: [] };
}

function defaults({ defaults: set, models, defaultLines, text }: PanelView): Part[] {
  const { panel } = text;
  const choose = (name: 'model' | 'sampler' | 'schedule', values: readonly string[]) => {
    const placeholder = {
      model: panel.chooseModel,
      sampler: panel.chooseSampler,
      schedule: panel.chooseSchedule,
    }[name];
    const options = values.map((value) => ({
      label: `${placeholder}: ${value}`.slice(0, 100),
      value,
      default: set[name] === value,
    }));
    return options.length === 0
      ? []
      : [row(stringSelect(name, options.slice(0, MOST), { placeholder, min: 0 }))];
  };
  const names = models.map(({ name }) => name).filter((name) => name.length <= 100);
  return [
    paragraph([text.settingsTitle, ...defaultLines]),
    ...choose('model', names),
    ...choose('sampler', SAMPLERS),
    ...choose('schedule', SCHEDULES),
    row(
      button('numbers', panel.numbers),
      button('negative', panel.negative),
      button('reset-defaults', panel.reset, ButtonStyle.Danger),
    ),
  ];
}

function limits({ policy, notes = [], text }: PanelView): Part[] {
  const { panel } = text;
  const { lines } = panel;
  const roles = Object.entries(policy.roles).map(([id, set]) =>
    lines.role(`<@&${id}>`, facts(set, text)),
  );
  const paces = PREVIEW_PACES.map((value) => ({
    label: panel.previews[value],
    value,
    default: policy.previews === value,
  }));
  return [
    paragraph([
      panel.titles.limits,
      lines.everybody(facts(policy.everybody, text)),
      lines.server(facts(policy.server, text)),
      ...roles,
      lines.previews(panel.previews[policy.previews]),
      ...notes,
    ]),
    row({
      type: ComponentType.RoleSelect,
      custom_id: controlId('role'),
      placeholder: panel.chooseRole,
    }),
    row(stringSelect('previews', paces, {})),
    row(
      button('everybody', panel.ofEverybody),
      button('server', panel.ofServer),
      button('reset-limits', panel.reset, ButtonStyle.Danger),
    ),
  ];
}

function access({ policy, text }: PanelView): Part[] {
  const { panel } = text;
  const { channels, allowedRoles, auditChannel } = policy;
  const blockedUsers = policy.blockedUsers.filter((one) => !isMark(one));
  const forgotten = policy.blockedUsers.length - blockedUsers.length;
  const others = forgotten === 0 ? '' : ` ${panel.forgottenToo(forgotten)}`;
  const audit = auditChannel === null ? [] : [auditChannel];
  const many = { min_values: 0, max_values: MOST };
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

/** Draws the page of what may be painted: words, patterns, what is not safe for work, spoilers, the language. */
export function content({ policy, text }: PanelView): Part[] {
  const { panel } = text;
  const { words, patterns, nsfwWords } = policy;
  const nsfw = NSFW_POLICIES.map((value) => ({
    label: panel.nsfw[value],
    value,
    default: policy.nsfw === value,
  }));
  const languages = [
    {
      value: 'discord',
      label: panel.languageIs(panel.discordsLanguage),
      default: policy.language === null,
    },
    ...Object.entries(LANGUAGE_NAMES).map(([value, name]) => ({
      value,
      label: panel.languageIs(name),
      default: policy.language === value,
    })),
  ];
  const spoiler = SPOILER_POLICIES.map((value) => ({
    label: panel.spoiler[value],
    value,
    default: policy.spoiler === value,
  }));
  return [
    paragraph([
      panel.titles.content,
      panel.lines.nsfw(panel.nsfw[policy.nsfw]),
      panel.lines.spoiler(panel.spoiler[policy.spoiler]),
      panel.lines.words(words.length, patterns.length, nsfwWords.length),
      panel.lines.language(
        policy.language === null
          ? panel.discordsLanguage
          : (LANGUAGE_NAMES[policy.language] ?? policy.language),
      ),
      policy.gallery ? panel.lines.galleryOn : panel.lines.galleryOff,
    ]),
    row(stringSelect('nsfw', nsfw, {})),
    row(stringSelect('spoiler', spoiler, {})),
    row(stringSelect('language', languages, {})),
    row(
      button('words', panel.words),
      policy.gallery
        ? button('gallery-off', panel.galleryOff)
        : button('gallery-on', panel.galleryOn),
      button('reset-content', panel.reset, ButtonStyle.Danger),
    ),
  ];
}

const NAMES_SHOWN = 40;

function wildcards({ policy, lists = [], files = [], text }: PanelView): Part[] {
  const { panel } = text;
  const names = (all: readonly WildcardList[]) => {
    const shown = all
      .slice(0, NAMES_SHOWN)
      .map(({ name, entries }) => panel.lists.one(quoted(`__${name}__`, 60), entries.length));
    return [...shown, ...(all.length > shown.length ? ['…'] : [])].join(', ') || panel.none;
  };
  const options = lists.map(({ name, entries }) => ({
    label: name,
    value: listKey(name),
    description: panel.lists.entries(entries.length),
  }));
  return [
    paragraph([
      panel.titles.lists,
      policy.wildcards ? panel.lists.on : panel.lists.off,
      panel.lists.own(names(lists)),
      panel.lists.files(names(files)),
    ]),
    ...(options.length === 0
      ? []
      : [row(stringSelect('list', options, { placeholder: panel.chooseList }))]),
    row(
      button('list-new', panel.newList),
      policy.wildcards ? button('lists-off', panel.listsOff) : button('lists-on', panel.listsOn),
    ),
  ];
}

function facts(limits: RoleLimits, { panel }: Text): string {
  const said = (['waiting', 'work', 'seconds', 'weight'] as const).flatMap((name) => {
    const value = limits[name];
    if (value === undefined) return [];
    return value === 0 && name !== 'weight'
      ? `${panel.fields[name]}: ${panel.facts.unlimited}`
      : panel.facts[name](value);
  });
  return said.length === 0 ? panel.none : said.join(' · ');
}
