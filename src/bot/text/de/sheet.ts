import type { SHEET as ENGLISH } from '../en/sheet.ts';

export const SHEET: typeof ENGLISH = {
  cellOf: (cell, cells) => `**Bild ${cell} von ${cells}**`,
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
  seconds: (pictures, seconds) =>
    `${pictures === 1 ? 'ein Bild' : `${pictures} Bilder`}, ${seconds} gemalt`,
  moreCells: (count) => `${count} weitere`,
  keptBack:
    'Von der Sicherheitsprüfung dieses Modells zurückgehalten; das kostet dich nichts vom Tag.',
  noCell: 'Dieses Blatt hat kein solches Bild.',
  notMade: 'Dieses Bild wurde nicht gemalt.',
  myDefault: (what) => `Meine Voreinstellung: ${what}`,
  serverDefault: (what) => `Die des Servers: ${what}`,
  savedMine: (what) => `Als deine Voreinstellung gespeichert: **${what}**.`,
  undo: 'Rückgängig',
  undone: 'Rückgängig gemacht: es ist nichts mehr voreingestellt.',
  undoneTo: (what) => `Rückgängig gemacht: voreingestellt ist wieder **${what}**.`,
  undoTooLate:
    'Diese Voreinstellung wurde seitdem noch einmal geändert; rückgängig gemacht wurde nichts.',
  needServer: 'Voreinstellungen hat nur ein Server.',
  needPermission: 'Voreinstellungen darf nur ändern, wer diesen Server verwaltet.',
  saved: (what) => `Als Voreinstellung dieses Servers gespeichert: **${what}**.`,
  nothingToSave: 'Dieser Bogen zeigt nichts, was man voreinstellen kann.',
  valuesMissing: (axis, example) => `Bitte die Werte für ${axis} nennen, etwa \`${example}\`.`,
  secondValuesWithoutAxis: 'y-values braucht y, die zweite Achse.',
  thirdValuesWithoutAxis: 'z-values braucht z, die dritte Achse.',
  allCurves: 'Alle Kurven',
  row: (axes, pictures) =>
    `Bogen über ${axes}, ${pictures === 1 ? 'ein Bild' : `${pictures} Bilder`}`,
  rowEvolution: 'Entstehung',
  notYoursToStop: 'Anhalten darf nur, wer das bestellt hat, oder ein Moderator.',
  alreadyFinished: 'Das ist schon fertig.',
  plot: {
    ssim: 'SSIM zum letzten Bild',
    ssimHint: 'gepunktet: 0.98, sieht gleich aus',
    rmse: 'Abstand der Pixel (RMSE)',
    rmseHint: 'von 255, tiefer ist näher',
    latent: 'Abstand der Latents (RMS)',
    latentHint: 'tiefer ist näher',
    cut: (hint) => `${hint}, oben abgeschnitten`,
    steps: 'Schritte',
    seconds: 'Sekunden auf diesem Rechner',
    settled: (before, steps) =>
      before === null ? `fertig bis ${steps}` : `fertig zwischen ${before} und ${steps}`,
    changing: 'ändert sich noch',
    never: 'kommt nie an',
  },
};
