/** What a prompt means: sizes in words, switches, alternatives and lists. */
export const WORDS = {
  notASize: (typed: string) =>
    `Size: say WIDTHxHEIGHT in pixels (512x768, or 768 for a square), a ratio (16:9), or square, portrait, landscape, tall or wide, not “${typed}”.`,
  ratioTooFar: (typed: string, least: string, most: string) =>
    `The ratio ${typed} is too far from a square: ${least} to ${most} are painted.`,
  stepsOrAuto: (typed: string, min: number, max: number) =>
    `“Steps” must be a number from ${min} to ${max}, or auto. You typed “${typed}”.`,
  switchNeedsValue: (name: string) =>
    `${name} needs a value behind it, as in \`--ar 16:9\`. Say one, or take it out.`,
  switchValue: (typed: string, min: number, max: number) =>
    `${typed}: a number from ${min} to ${max} is expected there. Say one, or take it out.`,
  switchOnOrOff: (typed: string) =>
    `${typed}: on or off is expected there. Say one, or nothing for on.`,
  extraUnknown: (typed: string, known: string) =>
    `Extra takes options such as \`eta:0.5 exact:true\`, and ${typed} is none of them. There are: ${known}`,
  unknownSwitches: (list: string) =>
    `Left out of the prompt, because nothing here means the same: ${list}`,
  overruledSwitches: (list: string) => `Passed over, because an option says otherwise: ${list}`,
  wildcardsAreOff: 'Wildcards are switched off on this server: the prompt was painted as typed.',
  wildcards: {
    tooDeep: (most: number) =>
      `The alternatives of this prompt lie too deep inside each other: at most ${most} levels are read. Take some braces or lists out.`,
    tooManyChoices: (most: number) =>
      `This prompt never comes to an end: after ${most} choices its lists still name other lists. Look for lists that name each other.`,
    tooLong: (most: number) =>
      `What the lists of this prompt make of it is longer than ${most} characters. Take some of them out.`,
    noList: (name: string, known: string) =>
      `There is no list “${name}”. The lists here: ${known}. With a backslash before it (\\\\__) it stays as it is.`,
    noLists: (name: string) =>
      `There is no list “${name}”, nor any other: who manages the server can make some in \`/settings show\`. With a backslash before it (\\\\__) it stays as it is.`,
    emptyList: (name: string) => `The list “${name}” has no entries.`,
    badName: (name: string, limit: number) =>
      `“${name}” is no name for a list: it takes letters, digits, spaces and - . / _, at most ${limit} characters. Nothing was changed.`,
    tooMany: (limit: number) =>
      `A server keeps at most ${limit} lists. Delete one first. Nothing was changed.`,
    empty: 'A list needs at least one entry, one a line. Nothing was changed.',
    deleted: 'This list is no longer there.',
  },
};
