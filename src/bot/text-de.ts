import type { Text } from './text.ts';

export const GERMAN: Text = {
  queued: (position, wait) =>
    wait === null ? `**In der Reihe** · #${position}` : `**In der Reihe** · #${position} · ${wait}`,
  aboutSeconds: (seconds) =>
    seconds < 90 ? `etwa ${seconds} s` : `etwa ${Math.round(seconds / 60)} min`,
  starting: '**Es geht los…**',
  loadingModel: '**Das Modell wird geladen…**',
  readingPrompt: '**Der Prompt wird gelesen…**',
  step: (step, steps, bar) => `**Schritt ${step} von ${steps}** ${bar}`,
  developing: '**Das Bild wird entwickelt…**',
  stopped: '**Angehalten.** Es ist kein Bild entstanden.',
  failed: (message) => `**Das hat nicht geklappt.** ${message}`,
  reference: (reference) =>
    `Wenn du dem Betreiber des Bots davon erzählst, nenne \`${reference}\`.`,
  picturesGone: 'Die Bilddateien dieses Auftrags sind nicht mehr gespeichert.',
  smallerCopy: 'Gezeigt als kleinere Kopie, weil das Original für diesen Kanal zu groß ist.',
  rerollOf: (link) => `Neu gewürfelt aus ${link}`,
  variationOf: (link) => `Variation von ${link}`,
  againOf: (link) => `Neuer Versuch von ${link}`,
  remixOf: (link) => `Remix von ${link}`,
  thisPicture: 'diesem Bild',
  anEarlierPicture: 'einem früheren Bild',
  by: (user) => `für ${user}`,
  altText: (prompt) => (prompt === '' ? 'KI-generiertes Bild' : `KI-generiertes Bild: ${prompt}`),
  previewAltText: (prompt) => `Unfertige Vorschau: ${prompt}`,
  emptyPrompt: 'kein Prompt',
  steps: (steps) => `${steps} Schritte`,
  seed: (seeds) => `Seed ${seeds}`,
  cfg: (scale) => `CFG ${scale}`,
  variationStrength: (strength) => `Variation ${strength}`,

  buttonStop: 'Anhalten',
  buttonReroll: 'Neu würfeln',
  buttonAgain: 'Noch einmal',
  buttonVarySubtle: 'Leicht variieren',
  buttonVaryStrong: 'Stark variieren',
  buttonRemix: 'Remix',
  buttonRecipe: 'Rezept',
  buttonDelete: 'Löschen',
  chooseVariation: 'Ein Bild variieren…',
  varyOption: (picture, strong) => `Bild ${picture} · ${strong ? 'starke' : 'leichte'} Variation`,

  olderButton:
    'Dieser Knopf stammt von einer anderen Version des Bots. Bitte benutze `/imagine` noch einmal.',
  unknownButton: 'Dieser Knopf ist keiner von meinen, deshalb habe ich nichts getan.',
  jobGone: 'Die Angaben zu diesem Bild habe ich nicht mehr. Bitte benutze `/imagine` noch einmal.',
  notYoursToStop: 'Nur wer dieses Bild bestellt hat oder moderiert, kann es anhalten.',
  notYoursToDelete: 'Nur wer dieses Bild bestellt hat oder moderiert, kann es löschen.',
  alreadyFinished: 'Das ist schon fertig.',
  stillWorking: 'Das ist noch in Arbeit. Halte es zuerst an.',
  notFinished: 'Dieses Bild ist noch nicht fertig.',
  ourFault: (reference) =>
    `Bei mir ist etwas schiefgegangen. Bitte versuche es noch einmal; wenn es dabei bleibt, nenne dem Betreiber des Bots \`${reference}\`.`,
  missingPermissions: (list) =>
    `Ich kann das Bild in diesem Kanal nicht zeigen und habe deshalb nicht angefangen. Bitte jemanden aus der Moderation, mir das hier zu erlauben: ${list}.`,
  permissionNames: {
    ViewChannel: 'Kanal ansehen',
    SendMessages: 'Nachrichten senden',
    SendMessagesInThreads: 'Nachrichten in Threads senden',
    AttachFiles: 'Dateien anhängen',
  },
  unknownCommand:
    'Diesen Befehl kenne ich nicht. Vielleicht zeigt Discord noch eine alte Liste; bitte versuche es bald noch einmal.',

  noModels:
    'Noch gibt es kein Modell, das malen könnte. Wer den Bot betreibt, kann eines in den Modellordner legen.',
  unknownModel: (name, known) => `Ein Modell „${name}“ gibt es nicht. Es gibt: ${known}.`,
  sizeChoice: (width, height, shape) => `${width}x${height} · ${shape}`,
  shapes: { square: 'quadratisch', portrait: 'Hochformat', landscape: 'Querformat' },
  tooManySteps: (value, limit) =>
    `Schritte: dieser Bot erlaubt 1 bis ${limit}, verlangt waren ${value}.`,
  tooManyPixels: (width, height, limit) =>
    `Die Größe ${width}x${height} ist mehr, als dieser Bot erlaubt (${limit}). Wähle eine kleinere.`,
  tooManyPictures: (value, limit) =>
    `Anzahl: dieser Bot malt 1 bis ${limit} Bilder auf einmal, verlangt waren ${value}.`,

  settingsNeedServer:
    'Einstellungen gehören zu einem Server. Benutze diesen Befehl auf einem Server, den du verwaltest.',
  settingsNeedPermission:
    'Um diese Einstellungen zu ändern, brauchst du die Berechtigung „Server verwalten“.',
  settingsTitle:
    '### Vorgaben dieses Servers\nSie gelten, wenn jemand eine Option von `/imagine` weglässt.',
  settingsModelDecides: 'wie das Modell es vorsieht',
  settingsNothingToSet: 'Nenne mindestens eine Option, zum Beispiel `/settings set steps:30`.',
  settingsSaved: 'Gespeichert. Die Vorgaben gelten für jedes neue Bild auf diesem Server.',
  settingsReset: 'Erledigt. Auf diesem Server gelten wieder die Vorgaben der Modelle.',
  settingsResetOne: (name) => `Erledigt. „${name}“ ist nicht mehr gesetzt.`,
  settingsNotSaved:
    'Die Einstellungen ließen sich gerade nicht speichern, es ist alles wie vorher. Bitte versuche es noch einmal.',
  settingNames: {
    model: 'Modell',
    sampler: 'Sampler',
    schedule: 'Schedule',
    steps: 'Schritte',
    cfg: 'CFG',
    size: 'Größe',
    count: 'Anzahl',
    negative: 'Negativer Prompt',
  },

  queueTitle: '### Warteschlange',
  queueEmpty: 'Niemand wartet. Dein nächstes Bild beginnt sofort.',
  queueRunning: (what) => `▶ ${what}`,
  queueWaiting: (position, what, wait) =>
    `\`#${position}\` ${what}${wait === null ? '' : ` · ${wait}`}`,
  queueYours: (prompt) => `**deins:** ${prompt}`,
  queueSomebody: (user) => `ein Bild für ${user}`,
  queueElsewhere: 'ein Bild für einen anderen Server',
  queueMore: (count) => `… und ${count} weitere`,

  modelsTitle: '### Modelle',
  modelLine: (name, family, size, factor) =>
    `**${name}** · ${family} · gemacht für ${size}, Seiten in Vielfachen von ${factor}`,
  modelDefaults: (steps, sampler, schedule, cfg) =>
    `Vorgaben: ${steps} Schritte · ${sampler} ${schedule} · CFG ${cfg}`,
  modelLoaded: (provider) => `geladen, läuft auf ${provider}`,
  engineNotLoaded: 'Noch ist kein Modell geladen; das erste Bild lädt eines.',
  engineRunsOn: (provider) => `Gerechnet wird auf **${provider}**.`,
  modelsMore: (count) => `… und ${count} weitere`,

  help: [
    '### Darkroom malt, was du beschreibst',
    'Gib `/imagine` und einen **prompt** ein. Die Antwort zeigt deinen Platz in der Reihe und dann das Bild, wie es entsteht.',
    '',
    '**prompt** was im Bild sein soll. `(wort:1.3)` gibt einem Wort mehr Gewicht, `(wort:0.7)` weniger.',
    '**negative** was nicht darin sein soll.',
    '**steps** wie oft das Bild verfeinert wird. Über 20 bis 30 dauert es meist nur länger.',
    '**cfg** wie streng der Prompt befolgt wird. Üblich sind 5 bis 9; sehr hohe Werte verbrennen die Farben.',
    '**seed** die Zahl, aus der das Rauschen entsteht. Derselbe Seed mit denselben Optionen gibt dasselbe Bild; eine andere Ziffer ein anderes.',
    '**size** in Pixeln. Am besten malen Modelle nahe der Größe, für die sie gemacht sind.',
    '**sampler, schedule** der Weg vom Rauschen zum Bild: Geschmack und Tempo.',
    '',
    '**Neu würfeln** (Reroll) derselbe Auftrag mit neuem Seed · **Variieren** (Vary) ein Nachbar desselben Bilds · **Remix** andere Worte · **Rezept** jede Zahl dahinter.',
    '**Anhalten** (Stop) und **Löschen** (Delete) sind für die, die bestellt haben, und für die Moderation.',
    '',
    '`/queue` wer wartet · `/models` was hier malen kann · `/settings` die Vorgaben dieses Servers (Server verwalten).',
    '-# Jedes Bild ist von einer Maschine gemacht und trägt diesen Hinweis mit seinem Rezept in der Datei.',
  ].join('\n'),

  remixTitle: 'Remix',
  remixPrompt: 'Prompt',
  remixNegative: 'Negativer Prompt',
  remixSteps: 'Schritte',
  remixCfg: 'CFG',
  formIncomplete: 'Das Formular kam unvollständig zurück. Bitte versuche es noch einmal.',
  remixSeed: 'Seed (leer: ein neuer)',
  recipeTitle: '### Rezept',
};
