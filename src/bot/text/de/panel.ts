import type { PANEL as ENGLISH } from '../en/panel.ts';

export const PANEL: typeof ENGLISH = {
  forgottenToo: (count) =>
    count === 1
      ? '(und jemand, dessen Daten gelöscht sind)'
      : `(und ${count}, deren Daten gelöscht sind)`,
  pages: {
    defaults: 'Vorgaben',
    limits: 'Grenzen',
    access: 'Wer und wo',
    content: 'Inhalte',
    lists: 'Wildcards',
  },
  titles: {
    limits:
      '### Grenzen dieses Servers\nUnterhalb derer des ganzen Bots. Der Tag endet um Mitternacht (UTC).',
    access: '### Wer Bilder machen darf, und wo',
    content: '### Was gemalt werden darf',
    lists:
      '### Wildcards\n`{rot|blau}` in einem Prompt wählt eines, `__name__` einen Eintrag einer Liste. Der Seed wählt: Derselbe Seed wählt dasselbe.',
  },
  none: '*keine*',
  everywhere: '*überall*',
  everybody: '*alle*',
  modelsOwn: 'Wie das Modell es vorsieht',
  numbers: 'Zahlen…',
  negative: 'Negativ-Prompt, PAG…',
  ofEverybody: 'Alle…',
  ofServer: 'Ganzer Server…',
  words: 'Wörter…',
  newList: 'Neue Liste…',
  listsOn: 'Wildcards einschalten',
  listsOff: 'Wildcards ausschalten',
  chooseList: 'Eine Liste ändern oder löschen…',
  discordsLanguage: 'die des Servers bei Discord',
  languageIs: (name) => `Sprache öffentlicher Nachrichten: ${name}`,
  galleryOn: 'Galerie einschalten',
  galleryOff: 'Galerie ausschalten',
  postsOn: 'Beiträge gehören dem, der sie beginnt',
  postsOff: 'Beiträge sind für alle',
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
    stepsOrAuto: 'Schritte (eine Zahl oder auto)',
    cfg: 'CFG',
    size: 'Größe, zum Beispiel 512x768',
    count: 'Bilder auf einmal',
    clipSkip: 'Clip Skip',
    negative: 'Negativ-Prompt',
    pag: 'PAG-Stärke (0 keine, üblich ist 3)',
    waiting: 'Wartende Bilder je Person',
    serverWaiting: 'Wartende Bilder des ganzen Servers',
    work: 'Millionen Schritte × Pixel × Bilder je Auftrag',
    seconds: 'Sekunden der Maschine je Person und Tag',
    serverSeconds: 'Sekunden der Maschine je Tag',
    weight: 'Anteil neben anderen (üblich: 1)',
    words: 'Nicht erlaubt: Wörter, eins je Zeile; wort*',
    nsfwWords: 'Nur in Kanälen mit Altersbeschränkung',
    patterns: 'Nicht erlaubt: Muster (RE2), je Zeile eins',
    listName: 'Name, für __name__',
    listEntries: 'Einträge, je Zeile einer (keine: löschen)',
  },
  hints: (example, most) => ({
    waiting: 'Aufträge zugleich in der Reihe; üblich sind 3, 0 heißt keine Grenze',
    work: `${example} = 4 Bilder mit 1024x1024 bei 30 Schritten; dieser Bot nimmt höchstens ${most}`,
  }),
  yesterday: (seconds, pictures) =>
    `Gestern waren es hier ${seconds} s für ${pictures} ${pictures === 1 ? 'Bild' : 'Bilder'}; 0 heißt keine Grenze`,
  ceiling: (steps, side, count) =>
    `-# Dieser Bot selbst nimmt höchstens ${steps} Schritte, ${side} Pixel und ${count} Bilder je Auftrag.`,
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
    audit: (channel) => `**Erfährt von Ablehnungen, Löschungen und Änderungen:** ${channel}`,
    nsfw: (policy) => `**NSFW:** ${policy}`,
    spoiler: (policy) => `**Spoiler:** ${policy}`,
    language: (name) => `**Sprache öffentlicher Nachrichten:** ${name}`,
    galleryOn: '**Galerie:** an; `/gallery` zeigt, was Mitglieder mit Stern versehen haben',
    galleryOff: '**Galerie:** aus',
    postsOn:
      '**Beiträge in Foren:** gehören dem, der sie beginnt; dort lassen nur sie oder er und die Verwaltung Bilder machen, und wer begonnen hat, darf alle anhalten und löschen',
    postsOff: '**Beiträge in Foren:** wer dort schreiben darf, darf Bilder machen lassen',
    words: (words, patterns, nsfw) =>
      `**Wortlisten:** ${words} Wörter und ${patterns} Muster nicht erlaubt, ${nsfw} weitere für Kanäle mit Altersbeschränkung`,
  },
  lists: {
    on: '**Wildcards:** an',
    off: '**Wildcards:** aus; Prompts werden gemalt, wie sie dastehen',
    own: (lists) => `**Listen dieses Servers:** ${lists}`,
    one: (name, entries) => `${name} (${entries})`,
    files: (lists) => `**Listen des Bots:** ${lists}`,
    entries: (entries) => `${entries} ${entries === 1 ? 'Eintrag' : 'Einträge'}`,
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
