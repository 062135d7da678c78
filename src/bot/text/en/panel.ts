import type { NsfwPolicy, PreviewPace, SpoilerPolicy } from '../../policy/policy.ts';

/** The panel of `/settings`. */
export const PANEL = {
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
  negative: 'Negative prompt, PAG…',
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
    stepsOrAuto: 'Steps (a number, or auto)',
    cfg: 'CFG',
    size: 'Size, for example 512x768',
    count: 'Pictures at once',
    clipSkip: 'Clip skip',
    negative: 'Negative prompt',
    pag: 'PAG scale (0 none, 3 is usual)',
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
    audit: (channel: string) => `**Told of refusals, deletions and changes:** ${channel}`,
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
