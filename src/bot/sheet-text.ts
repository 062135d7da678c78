/** Every sentence a person reads from /explore and /evolution; names and numbers arrive ready to print. */
export type SheetText = typeof ENGLISH;

const ENGLISH = {
  cellOf: (cell: string, cells: number) => `**Picture ${cell} of ${cells}**`,
  lookOf: (step: number, steps: number) => `**Step ${step} of ${steps}**`,
  cost: (pictures: number, steps: number, seconds: string | null) =>
    `${pictures === 1 ? 'one picture' : `${pictures} pictures`}, ${steps} steps` +
    (seconds === null ? '' : `, ${seconds} of painting in all`),
  stopped: (done: number, cells: number) =>
    done === 0
      ? '**Stopped.** Nothing was made.'
      : `**Stopped** after ${done} of ${cells} pictures.`,
  nothingWorked: '**That did not work.** None of the pictures could be made.',
  openCell: 'Open one picture…',
  cellFailed: 'not possible',
  cellWithheld: 'kept back',
  alt: (what: string, prompt: string) => `AI-generated images: ${what} · ${prompt}`,
  curveAlt: (words: string) => `Curves of the distance to the last picture. ${words}`,
  seconds: (pictures: number, seconds: string) => `${pictures} pictures, ${seconds} of painting`,
  noCell: 'This sheet has no such picture.',
  notMade: 'This picture was not made.',
  takeAsDefault: 'Make this the default',
  needServer: 'Only a server has defaults.',
  needPermission: 'Only people who may manage this server can change its defaults.',
  saved: (what: string) => `Saved as this server's default: **${what}**.`,
  nothingToSave: 'This sheet varies nothing that a server can have as its default.',
  valuesMissing: (axis: string, example: string) =>
    `Name the values of ${axis}, such as \`${example}\`.`,
  secondValuesWithoutAxis: 'y-values needs y, the second axis.',
  notYoursToStop: 'Only the person who asked for this, or a moderator, can stop it.',
  alreadyFinished: 'This one has already finished.',
};

const GERMAN: SheetText = {
  cellOf: (cell, cells) => `**Bild ${cell} von ${cells}**`,
  lookOf: (step, steps) => `**Schritt ${step} von ${steps}**`,
  cost: (pictures, steps, seconds) =>
    `${pictures === 1 ? 'ein Bild' : `${pictures} Bilder`}, ${steps} Schritte` +
    (seconds === null ? '' : `, zusammen ${seconds} Malzeit`),
  stopped: (done, cells) =>
    done === 0
      ? '**Angehalten.** Es entstand nichts.'
      : `**Angehalten** nach ${done} von ${cells} Bildern.`,
  nothingWorked: '**Das hat nicht geklappt.** Keines der Bilder ließ sich malen.',
  openCell: 'Ein Bild öffnen…',
  cellFailed: 'nicht möglich',
  cellWithheld: 'zurückgehalten',
  alt: (what, prompt) => `KI-erzeugte Bilder: ${what} · ${prompt}`,
  curveAlt: (words) => `Abstand zum letzten Bild als Kurven. ${words}`,
  seconds: (pictures, seconds) => `${pictures} Bilder, ${seconds} gemalt`,
  noCell: 'Dieses Blatt hat kein solches Bild.',
  notMade: 'Dieses Bild wurde nicht gemalt.',
  takeAsDefault: 'Als Voreinstellung nehmen',
  needServer: 'Voreinstellungen hat nur ein Server.',
  needPermission: 'Voreinstellungen darf nur ändern, wer diesen Server verwaltet.',
  saved: (what) => `Als Voreinstellung dieses Servers gespeichert: **${what}**.`,
  nothingToSave: 'Dieses Blatt zeigt nichts, was ein Server voreinstellen kann.',
  valuesMissing: (axis, example) => `Bitte die Werte für ${axis} nennen, etwa \`${example}\`.`,
  secondValuesWithoutAxis: 'y-values braucht y, die zweite Achse.',
  notYoursToStop: 'Anhalten darf nur, wer das bestellt hat, oder ein Moderator.',
  alreadyFinished: 'Das ist schon fertig.',
};

export function sheetTextFor(locale: string): SheetText {
  return locale.split('-')[0] === 'de' ? GERMAN : ENGLISH;
}
