import type { NsfwPolicy, PreviewPace, SpoilerPolicy } from './policy/policy.ts';

/** The words of the panel of `/settings`; part of Text. */
export type PanelText = typeof PANEL_ENGLISH;

export const PANEL_ENGLISH = {
  pages: { defaults: 'Defaults', limits: 'Limits', access: 'Who and where', content: 'Content' },
  titles: {
    limits:
      '### Limits of this server\nBelow those of the whole bot. The day ends at midnight UTC.',
    access: '### Who may make pictures, and where',
    content: '### What may be painted',
  },
  none: '*none*',
  everywhere: '*everywhere*',
  everybody: '*everybody*',
  modelsOwn: "The model's own",
  numbers: 'Numbers…',
  negative: 'Negative prompt…',
  ofEverybody: 'Everybody…',
  ofServer: 'Whole server…',
  words: 'Words…',
  reset: 'Reset this page',
  chooseModel: 'Model',
  chooseSampler: 'Sampler',
  chooseSchedule: 'Schedule',
  chooseRole: 'Set the limits of a role…',
  chooseChannels: 'Channels for pictures (none: all)',
  chooseRoles: 'Roles that may make pictures (none: everybody)',
  chooseBlocked: 'People who may not make pictures',
  chooseAudit: 'Channel that is told of refusals and deletions',
  fields: {
    steps: 'Steps',
    cfg: 'CFG',
    size: 'Size, for example 512x768',
    count: 'Pictures at once',
    clipSkip: 'Clip skip',
    negative: 'Negative prompt',
    waiting: 'Waiting pictures per person',
    serverWaiting: 'Waiting pictures of the whole server',
    work: 'Million steps × pixels × pictures per order',
    seconds: 'Seconds of the machine per person and day',
    serverSeconds: 'Seconds of the machine per day',
    weight: 'Share beside others (1 is usual)',
    words: 'Not allowed: words, one a line; word*',
    nsfwWords: 'Only in age-restricted channels',
    patterns: 'Not allowed: patterns (RE2), one a line',
  },
  facts: {
    waiting: (count: number) => `${count} waiting`,
    work: (millions: number) => `${millions} million steps × pixels an order`,
    seconds: (seconds: number) => `${seconds} s a day`,
    weight: (weight: number) => `share ${weight}`,
    unlimited: 'no limit',
  },
  lines: {
    everybody: (facts: string) => `**Everybody:** ${facts}`,
    server: (facts: string) => `**Whole server:** ${facts}`,
    role: (role: string, facts: string) => `**${role}:** ${facts}`,
    previews: (pace: string) => `**Previews:** ${pace}`,
    channels: (channels: string) => `**Channels:** ${channels}`,
    roles: (roles: string) => `**Roles:** ${roles}`,
    blocked: (people: string) => `**Blocked:** ${people}`,
    audit: (channel: string) => `**Told of refusals and deletions:** ${channel}`,
    nsfw: (policy: string) => `**NSFW:** ${policy}`,
    spoiler: (policy: string) => `**Spoilers:** ${policy}`,
    words: (words: number, patterns: number, nsfw: number) =>
      `**Word lists:** ${words} words and ${patterns} patterns not allowed, ${nsfw} more for age-restricted channels`,
  },
  nsfw: {
    nowhere: 'NSFW nowhere',
    'age-restricted': 'NSFW in age-restricted channels only',
    everywhere: 'NSFW everywhere',
  } satisfies Record<NsfwPolicy, string>,
  spoiler: {
    never: 'Pictures are shown openly',
    'age-restricted': 'Spoilers in age-restricted channels',
    always: 'Spoilers everywhere',
  } satisfies Record<SpoilerPolicy, string>,
  previews: {
    normal: 'Previews as usual',
    calm: 'Fewer previews',
    off: 'No previews',
  } satisfies Record<PreviewPace, string>,
  notANumber: (field: string, typed: string, min: number, max: number) =>
    `“${field}” must be a number from ${min} to ${max}, or empty. You typed “${typed}”.`,
  badPattern: (pattern: string) =>
    `“${pattern}” is not a pattern that RE2 takes (it knows no look-around and no backreferences). Nothing was changed.`,
  tooManyWords: (count: number, limit: number) =>
    `The list has ${count} entries; at most ${limit} are kept. Nothing was changed.`,
  wordTooLong: (word: string, limit: number) =>
    `“${word}” is longer than ${limit} characters. Nothing was changed.`,
};

export const PANEL_GERMAN: PanelText = {
  pages: { defaults: 'Vorgaben', limits: 'Grenzen', access: 'Wer und wo', content: 'Inhalte' },
  titles: {
    limits:
      '### Grenzen dieses Servers\nUnterhalb derer des ganzen Bots. Der Tag endet um Mitternacht (UTC).',
    access: '### Wer Bilder machen darf, und wo',
    content: '### Was gemalt werden darf',
  },
  none: '*keine*',
  everywhere: '*überall*',
  everybody: '*alle*',
  modelsOwn: 'Wie das Modell es vorsieht',
  numbers: 'Zahlen…',
  negative: 'Negativ-Prompt…',
  ofEverybody: 'Alle…',
  ofServer: 'Ganzer Server…',
  words: 'Wörter…',
  reset: 'Diese Seite zurücksetzen',
  chooseModel: 'Modell',
  chooseSampler: 'Sampler',
  chooseSchedule: 'Schedule',
  chooseRole: 'Grenzen einer Rolle setzen…',
  chooseChannels: 'Kanäle für Bilder (keiner: alle)',
  chooseRoles: 'Rollen, die Bilder machen dürfen (keine: alle)',
  chooseBlocked: 'Wer keine Bilder machen darf',
  chooseAudit: 'Kanal, der von Ablehnungen und Löschungen erfährt',
  fields: {
    steps: 'Schritte',
    cfg: 'CFG',
    size: 'Größe, zum Beispiel 512x768',
    count: 'Bilder auf einmal',
    clipSkip: 'Clip Skip',
    negative: 'Negativ-Prompt',
    waiting: 'Wartende Bilder je Person',
    serverWaiting: 'Wartende Bilder des ganzen Servers',
    work: 'Millionen Schritte × Pixel × Bilder je Auftrag',
    seconds: 'Sekunden der Maschine je Person und Tag',
    serverSeconds: 'Sekunden der Maschine je Tag',
    weight: 'Anteil neben anderen (üblich: 1)',
    words: 'Nicht erlaubt: Wörter, eins je Zeile; wort*',
    nsfwWords: 'Nur in Kanälen mit Altersbeschränkung',
    patterns: 'Nicht erlaubt: Muster (RE2), je Zeile eins',
  },
  facts: {
    waiting: (count) => `${count} wartend`,
    work: (millions) => `${millions} Millionen Schritte × Pixel je Auftrag`,
    seconds: (seconds) => `${seconds} s am Tag`,
    weight: (weight) => `Anteil ${weight}`,
    unlimited: 'keine Grenze',
  },
  lines: {
    everybody: (facts) => `**Alle:** ${facts}`,
    server: (facts) => `**Ganzer Server:** ${facts}`,
    role: (role, facts) => `**${role}:** ${facts}`,
    previews: (pace) => `**Vorschau:** ${pace}`,
    channels: (channels) => `**Kanäle:** ${channels}`,
    roles: (roles) => `**Rollen:** ${roles}`,
    blocked: (people) => `**Gesperrt:** ${people}`,
    audit: (channel) => `**Erfährt von Ablehnungen und Löschungen:** ${channel}`,
    nsfw: (policy) => `**NSFW:** ${policy}`,
    spoiler: (policy) => `**Spoiler:** ${policy}`,
    words: (words, patterns, nsfw) =>
      `**Wortlisten:** ${words} Wörter und ${patterns} Muster nicht erlaubt, ${nsfw} weitere für Kanäle mit Altersbeschränkung`,
  },
  nsfw: {
    nowhere: 'NSFW nirgends',
    'age-restricted': 'NSFW nur in Kanälen mit Altersbeschränkung',
    everywhere: 'NSFW überall',
  },
  spoiler: {
    never: 'Bilder werden offen gezeigt',
    'age-restricted': 'Spoiler in Kanälen mit Altersbeschränkung',
    always: 'Spoiler überall',
  },
  previews: { normal: 'Vorschau wie üblich', calm: 'Weniger Vorschau', off: 'Keine Vorschau' },
  notANumber: (field, typed, min, max) =>
    `„${field}“ muss eine Zahl von ${min} bis ${max} sein, oder leer. Getippt hast du „${typed}“.`,
  badPattern: (pattern) =>
    `„${pattern}“ ist kein Muster, das RE2 versteht (kein Look-around, keine Rückverweise). Es wurde nichts geändert.`,
  tooManyWords: (count, limit) =>
    `Die Liste hat ${count} Einträge, behalten werden höchstens ${limit}. Es wurde nichts geändert.`,
  wordTooLong: (word, limit) =>
    `„${word}“ ist länger als ${limit} Zeichen. Es wurde nichts geändert.`,
};
