import type { WORDS as ENGLISH } from '../en/words.ts';

export const WORDS: typeof ENGLISH = {
  notASize: (typed) =>
    `Größe: Nenne BREITExHÖHE in Pixeln (512x768, oder 768 für ein Quadrat), ein Verhältnis (16:9), oder quadratisch, Hochformat, Querformat, hoch oder breit, nicht „${typed}“.`,
  ratioTooFar: (typed, least, most) =>
    `Das Verhältnis ${typed} ist zu weit vom Quadrat: gemalt wird ${least} bis ${most}.`,
  stepsOrAuto: (typed, min, max) =>
    `„Schritte“ muss eine Zahl von ${min} bis ${max} sein, oder auto. Getippt hast du „${typed}“.`,
  switchNeedsValue: (name) =>
    `Hinter ${name} fehlt ein Wert, wie in \`--ar 16:9\`. Nenne einen, oder nimm es heraus.`,
  switchValue: (typed, min, max) =>
    `${typed}: Dort gehört eine Zahl von ${min} bis ${max} hin. Nenne eine, oder nimm es heraus.`,
  switchOnOrOff: (typed) =>
    `${typed}: Dort gehört on oder off hin. Nenne eines, oder nichts für on.`,
  extraUnknown: (typed, known) =>
    `Extra nimmt Optionen wie \`eta:0.5 exact:true\`, und ${typed} ist keine davon. Es gibt: ${known}`,
  unknownSwitches: (list) => `Aus dem Prompt genommen, weil hier nichts dasselbe bedeutet: ${list}`,
  overruledSwitches: (list) => `Übergangen, weil eine Option etwas anderes sagt: ${list}`,
  wildcardsAreOff:
    'Wildcards sind auf diesem Server ausgeschaltet: der Prompt wurde gemalt, wie er dasteht.',
  wildcards: {
    tooDeep: (most) =>
      `Die Alternativen dieses Prompts stecken zu tief ineinander: gelesen werden höchstens ${most} Ebenen. Nimm Klammern oder Listen heraus.`,
    tooManyChoices: (most) =>
      `Dieser Prompt kommt zu keinem Ende: nach ${most} Entscheidungen nennen seine Listen noch immer andere. Suche nach Listen, die einander nennen.`,
    tooLong: (most) =>
      `Was die Listen aus diesem Prompt machen, ist länger als ${most} Zeichen. Nimm einige heraus.`,
    noList: (name, known) =>
      `Die Liste „${name}“ gibt es nicht. Es gibt: ${known}. Mit einem Backslash davor (\\\\__) bleibt es stehen.`,
    noLists: (name) =>
      `Die Liste „${name}“ gibt es nicht, auch keine andere: Wer den Server verwaltet, legt welche in \`/settings show\` an. Mit einem Backslash davor (\\\\__) bleibt es stehen.`,
    emptyList: (name) => `Die Liste „${name}“ hat keine Einträge.`,
    badName: (name, limit) =>
      `„${name}“ geht nicht als Name einer Liste: Buchstaben, Ziffern, Leerzeichen und - . / _, höchstens ${limit} Zeichen. Es ist alles wie vorher.`,
    tooMany: (limit) =>
      `Ein Server hat höchstens ${limit} Listen. Lösche erst eine. Es ist alles wie vorher.`,
    empty: 'Eine Liste braucht mindestens einen Eintrag, einen je Zeile. Es ist alles wie vorher.',
    deleted: 'Diese Liste gibt es nicht mehr.',
  },
};
