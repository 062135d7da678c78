import { PANEL_GERMAN } from './panel-text.ts';
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
  initOf: (link) => `Übermalt aus ${link}`,
  reimagineOf: (link) => `Neu gemalt nach ${link}`,
  enlargedFrom: (link) => `**Vergrößert** auf das Doppelte aus ${link}`,
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
  initStrength: (strength) => `Startbild, Stärke ${strength}`,
  hiresScale: (scale) => `Hires ${scale}x`,
  autoSaved: (steps, seconds) =>
    `Auto-Schritte: ${steps} genügen hier, etwa ${seconds.replace('.', ',')} s gespart gegenüber 50`,
  autoKept: {
    init: (steps) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; ein Startbild ist nicht kalibriert`,
    ancestral: (steps, sampler) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; ${sampler} gibt in jedem Schritt neues Rauschen zu und kommt nie zur Ruhe`,
    uncalibrated: (steps, sampler) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; wer den Bot betreibt, findet mit \`npm run calibrate\` einmalig die wenigsten für ${sampler}`,
  },

  buttonStop: 'Anhalten',
  buttonReroll: 'Neu würfeln',
  buttonAgain: 'Noch einmal',
  buttonVarySubtle: 'Leicht variieren',
  buttonVaryStrong: 'Stark variieren',
  buttonRemix: 'Remix',
  buttonRecipe: 'Rezept',
  buttonDelete: 'Löschen',
  buttonUpscale: 'Vergrößern',
  buttonInit: 'Als Startbild',
  buttonOriginal: 'Original',
  buttonShow: 'Zeigen',
  buttonNewer: 'Neuere',
  buttonOlder: 'Ältere',
  chooseVariation: 'Ein Bild variieren…',
  varyOption: (picture, strong) => `Bild ${picture} · ${strong ? 'starke' : 'leichte'} Variation`,
  chooseUse: 'Ein Bild vergrößern oder übermalen…',
  useOption: (picture, enlarge) =>
    `Bild ${picture} · ${enlarge ? 'vergrößern' : 'als Startbild nehmen'}`,

  olderButton:
    'Dieser Knopf stammt von einer anderen Version des Bots. Bitte benutze `/imagine` noch einmal.',
  unknownButton: 'Dieser Knopf ist keiner von meinen, deshalb habe ich nichts getan.',
  jobGone: 'Die Angaben zu diesem Bild habe ich nicht mehr. Bitte benutze `/imagine` noch einmal.',
  notYoursToStop: 'Nur wer dieses Bild bestellt hat oder moderiert, kann es anhalten.',
  notYoursToDelete: 'Nur wer dieses Bild bestellt hat oder moderiert, kann es löschen.',
  alreadyFinished: 'Das ist schon fertig.',
  stillWorking: 'Das ist noch in Arbeit. Halte es zuerst an.',
  notFinished: 'Dieses Bild ist noch nicht fertig.',
  lostInRestart:
    'Ich wurde neu gestartet, bevor ich das festhalten konnte; es ist nichts daraus geworden. Bitte schicke es noch einmal.',
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
  autoChoice: 'auto · so wenige, dass man keinen Unterschied sieht',
  auto: 'auto',
  shapes: { square: 'quadratisch', portrait: 'Hochformat', landscape: 'Querformat' },
  tooManySteps: (value, limit) =>
    `Schritte: dieser Bot erlaubt 1 bis ${limit}, verlangt waren ${value}.`,
  tooManyPixels: (width, height, limit) =>
    `Die Größe ${width}x${height} ist mehr, als dieser Bot erlaubt (${limit}). Wähle eine kleinere.`,
  tooManyPictures: (value, limit) =>
    `Anzahl: dieser Bot malt 1 bis ${limit} Bilder auf einmal, verlangt waren ${value}.`,

  // Limits
  limitWaitingYours: (count) =>
    `Du hast schon ${count === 1 ? '1 Bild' : `${count} Bilder`} in der Schlange, mehr sind hier für eine Person nicht erlaubt. Warte, bis eines davon beginnt, oder halte eines an, das du nicht mehr brauchst.`,
  limitWaitingServer: (count) =>
    `Dieser Server hat schon ${count === 1 ? '1 Bild' : `${count} Bilder`} in der Schlange, mehr sind hier für einen Server nicht erlaubt. Versuche es wieder, wenn einige davon fertig sind.`,
  limitSecondsYours: (cost, left) =>
    `Dieses Bild braucht die Maschine etwa ${cost} s lang; du hast heute noch ${left} s. Nimm weniger Schritte oder eine kleinere Größe, oder warte bis Mitternacht (UTC).`,
  limitSecondsServer: (cost, left) =>
    `Dieses Bild braucht die Maschine etwa ${cost} s lang; dieser Server hat heute noch ${left} s. Nimm weniger Schritte oder eine kleinere Größe, oder warte bis Mitternacht (UTC).`,
  secondsLeft: (left, allowed) =>
    `Du hast die Maschine heute noch **${left} s** von ${allowed} s. Nur fertige Bilder zählen; der Tag endet um Mitternacht (UTC).`,

  // Moderation
  refusedBlocked: 'Die Moderation dieses Servers lässt dich hier keine Bilder machen.',
  refusedChannel: (channels) =>
    `In diesem Kanal werden keine Bilder gemacht. Bitte geh nach ${channels}.`,
  refusedRole: (roles) =>
    `Bilder gibt es auf diesem Server für Leute mit einer dieser Rollen: ${roles}.`,
  refusedWork: (work, allowed) =>
    `Das ist hier zu groß: Schritte × Pixel × Bilder ergeben ${work} Millionen, erlaubt sind ${allowed} Millionen. Nimm weniger Schritte, eine kleinere Größe oder weniger Bilder.`,
  refusedWord: 'Die Regeln dieses Servers erlauben diesen Prompt nicht. Es wurde nichts gemacht.',
  refusedNsfw: (word) =>
    `„${word}“ ist nur für Kanäle mit Altersbeschränkung. Es wurde nichts gemacht.`,
  refusedNsfwHere: (word) =>
    `„${word}“ ist auf diesem Server nicht erwünscht. Es wurde nichts gemacht.`,
  auditRefused: (user, reason) => `**Abgelehnt** für ${user}: ${reason}`,
  auditDeleted: (user, owner) => `**Gelöscht** von ${user}: ein Bild von ${owner}`,
  auditWord: (word) => `in der Wortliste steht „${word}“`,
  auditNsfw: (word) => `„${word}“ außerhalb eines Kanals mit Altersbeschränkung`,

  // /settings
  panel: PANEL_GERMAN,
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
    clipSkip: 'Clip Skip',
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
    '**steps** wie oft das Bild verfeinert wird. Über 20 bis 30 dauert es meist nur länger; `auto` nimmt so wenige, dass man keinen Unterschied sieht.',
    '**cfg** wie streng der Prompt befolgt wird. Üblich sind 5 bis 9; sehr hohe Werte verbrennen die Farben.',
    '**seed** die Zahl, aus der das Rauschen entsteht. Derselbe Seed mit denselben Optionen gibt dasselbe Bild; eine andere Ziffer ein anderes.',
    '**size** in Pixeln. Am besten malen Modelle nahe der Größe, für die sie gemacht sind.',
    '**sampler, schedule** der Weg vom Rauschen zum Bild: Geschmack und Tempo.',
    '**image, strength** ein Bild als Anfang, und wie viel davon neu gemalt wird. **private** nur du siehst die Antwort.',
    '',
    '**Neu würfeln** (Reroll) derselbe Auftrag mit neuem Seed · **Variieren** (Vary) ein Nachbar desselben Bilds · **Vergrößern** (Upscale) dasselbe Bild, doppelt so groß · **Als Startbild** (Use as start) es übermalen · **Remix** andere Worte · **Rezept** jede Zahl dahinter.',
    'Auf jedem Bild, auch von anderswo: sein Menü, Apps, **Rezept** oder **Neu malen**.',
    '**Anhalten** (Stop) und **Löschen** (Delete) sind für die, die bestellt haben, und für die Moderation.',
    '',
    '`/queue` wer wartet · `/recent` deine Bilder · `/show` eines davon · `/presets` dieses Servers · `/preferences` von dir · `/models` was hier malen kann · `/stats` wie viel und wie schnell · `/settings` die Vorgaben dieses Servers (Server verwalten).',
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
  remixStrength: 'Stärke (0 behält das Bild, 1 malt es neu)',
  remixStart: 'Von diesem Bild aus',

  fileNotFromDiscord: 'Dieses Bild liegt nicht bei Discord. Speichere es und schicke es als Datei.',
  fileNotReachable:
    'Das Bild war bei Discord nicht zu bekommen; vielleicht ist der Link abgelaufen. Bitte schicke es noch einmal.',
  fileTooLarge: (mebibytes) =>
    `Das Bild ist größer als ${mebibytes} MiB. Bitte schicke ein kleineres.`,
  imageMissing: (option) => `\`${option}\` braucht ein Startbild: wähle auch eines als \`image\`.`,
  noPictureThere: 'In dieser Nachricht ist kein Bild.',
  noRecipeThere:
    'Die Bilder dieser Nachricht tragen kein Rezept. Um eines zu übermalen, speichere es und wähle es als `image` von `/imagine`.',
  recipeFromGraph: '-# Gelesen aus dem ComfyUI-Graphen im Bild.',
  originalTooLarge: (megabytes, limit) =>
    `Das Original hat ${megabytes} MB, hier gehen ${limit} MB je Datei. Auf einem geboosteten Server klappt der Knopf vielleicht; wer den Bot betreibt, hat die Datei.`,
  originalHere: 'Das Original, wie es entstanden ist.',
  originalSamePixels: 'Das Original mit jedem Pixel, als verlustfreies WebP enger gepackt.',

  unknownJob: 'Dieses Bild gibt es nicht, oder es ist nicht für dich bestimmt.',
  showTitle: (id) => `### Bild \`${id}\``,
  showFor: (user, time) => `für ${user} · ${time}`,
  showStatus: {
    waiting: 'wartet',
    running: 'in Arbeit',
    done: 'fertig',
    failed: 'fehlgeschlagen',
    cancelled: 'angehalten',
  },
  showWaited: (seconds) => `${seconds} s gewartet`,
  showPainted: (seconds, rate, provider) =>
    `gemalt in ${seconds} s (${rate} Schritte/s) auf ${provider}`,
  showModelHash: (hash) => `Modell ${hash}`,
  showMessage: (url) => `[zur Nachricht](${url})`,
  recentTitle: '### Deine letzten Bilder',
  recentEmpty: 'Du hast noch kein Bild bestellt. Gib `/imagine` ein.',

  statsTitle: (days) => `### Die letzten ${days} Tage`,
  statsServer: 'Dieser Server',
  statsYou: 'Du, überall',
  statsNothing: 'noch nichts',
  statsLine: (pictures, jobs, seconds, wait) =>
    `${pictures} ${pictures === 1 ? 'Bild' : 'Bilder'} aus ${jobs} ${jobs === 1 ? 'Auftrag' : 'Aufträgen'} · ${seconds} gemalt · im Mittel ${wait} gewartet`,
  statsFailed: (count) => `${count} fehlgeschlagen`,
  statsRate: (rate) => `${rate} Schritte/s`,
  statsSeconds: (seconds) =>
    seconds < 120
      ? `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
      : `${Math.round(seconds / 60)} min`,

  presetsTitle: '### Presets dieses Servers\nBenutze eines als `/imagine preset:`.',
  noPresets:
    'Dieser Server hat noch keine Presets. Wer ihn verwaltet, kann eines anlegen: `/presets save`.',
  unknownPreset: (known) => `Dieses Preset gibt es nicht. Es gibt: ${known}.`,
  tooManyPresets: (limit) =>
    `Ein Server hat höchstens ${limit} Presets. Lösche erst eines: \`/presets delete\`.`,
  presetsNeedServer: 'Presets gehören zu einem Server. Benutze diesen Befehl auf einem Server.',
  presetsNeedPermission: 'Um Presets zu ändern, brauchst du die Berechtigung „Server verwalten“.',
  presetName: (limit) => `Der Name eines Presets hat 1 bis ${limit} Zeichen.`,
  presetEmpty: 'Nenne mindestens eine Option, die das Preset setzt, oder Worte für seinen Prompt.',
  presetSaved: (name) => `Gespeichert. Benutze es als \`/imagine preset:\` **${name}**.`,
  presetDeleted: (name) => `Erledigt. **${name}** ist gelöscht.`,
  notSaved:
    'Das ließ sich gerade nicht speichern, es ist alles wie vorher. Bitte versuche es noch einmal.',

  preferencesTitle:
    '### Deine Vorlieben\nSie gelten auf jedem Server, wenn du eine Option von `/imagine` weglässt.',
  preferencesSaved: 'Gespeichert.',
  preferencesReset: 'Erledigt. Es ist nichts mehr vorgewählt.',
  preferencesNothingToSet:
    'Nenne mindestens eine Option, zum Beispiel `/preferences set steps:30`.',
  preferenceLanguage: 'Sprache',
  preferenceYourDiscord: 'die deines Discord',
  preferencePrivate: 'Private Bilder',
  preferenceOpen: 'nicht gesetzt',
  yes: 'ja',
  no: 'nein',
  choiceNames: {
    model: 'Modell',
    sampler: 'Sampler',
    schedule: 'Schedule',
    steps: 'Schritte',
    cfg: 'CFG',
    size: 'Größe',
    count: 'Anzahl',
    clipSkip: 'Clip Skip',
    negative: 'Negativer Prompt',
  },
};
