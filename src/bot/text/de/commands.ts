import type { COMMANDS as ENGLISH } from '../en/commands.ts';
import { GERMAN_TITLES } from './descriptions.ts';

export const COMMANDS: typeof ENGLISH = {
  sizeChoice: (width, height, shape) => `${width}x${height} · ${shape}`,
  autoChoice: 'auto · so wenige, dass man keinen Unterschied sieht',
  auto: 'auto',
  shapes: {
    square: 'quadratisch',
    portrait: 'Hochformat',
    landscape: 'Querformat',
    tall: 'hoch',
    wide: 'breit',
  },
  settingsNeedServer:
    'Einstellungen gehören zu einem Server. Benutze diesen Befehl auf einem Server, den du verwaltest.',
  settingsNeedPermission:
    'Um diese Einstellungen zu ändern, brauchst du die Berechtigung „Server verwalten“.',
  settingsTitle:
    '### Vorgaben dieses Servers\nSie gelten, wenn jemand eine Option von `/imagine` weglässt.',
  settingsModelDecides: 'wie das Modell es vorsieht',
  settingsModels: (value) => `*wie das Modell es vorsieht* (${value})`,
  settingsEmpty: 'leer',
  settingsNothingToSet: 'Nenne mindestens eine Option, zum Beispiel `/settings set steps:30`.',
  settingsSaved: 'Gespeichert. Die Vorgaben gelten für jedes neue Bild auf diesem Server.',
  settingsReset: 'Erledigt. Auf diesem Server gelten wieder die Vorgaben der Modelle.',
  settingsResetOne: (name) => `Erledigt. „${name}“ ist nicht mehr gesetzt.`,
  settingsNotSaved:
    'Die Einstellungen ließen sich gerade nicht speichern, es ist alles wie vorher. Bitte versuche es noch einmal.',
  queueTitle: '### Warteschlange',
  queueEmpty: 'Niemand wartet. Dein nächstes Bild beginnt sofort.',
  queueRunning: (what) => `▶ ${what}`,
  queueWaiting: (position, what, wait) =>
    `\`#${position}\` ${what}${wait === null ? '' : ` · ${wait}`}`,
  queueOn: (what, device) => `${what} · auf ${device}`,
  queueYours: (prompt) => `**deins:** ${prompt}`,
  queueSomebody: (user) => `ein Bild für ${user}`,
  queueElsewhere: 'ein Bild für einen anderen Server',
  queueMore: (count) => `… und ${count} weitere`,
  modelsTitle: '### Modelle',
  modelLine: (name, family, size, factor) =>
    `**${name}** · ${family} · gemacht für ${size}, Seiten in Vielfachen von ${factor}`,
  modelDefaults: (steps, sampler, schedule, cfg) =>
    `Vorgaben: ${steps} Schritte · ${sampler} ${schedule}${cfg === null ? '' : ` · CFG ${cfg}`}`,
  modelTakes: (what) => `nimmt ${what}`,
  modelTakesSteps: (most) => `1 bis ${most} Schritte`,
  modelTakesSides: (least, most) => `Seiten von ${least} bis ${most} px`,
  modelTakesTokens: (most) => `${most} Tokens eines Prompts`,
  modelTakesPictures: (most) =>
    most === 1 ? 'ein Bild zum Bearbeiten' : `bis zu ${most} Bilder zum Bearbeiten`,
  modelSamplers: (names) => `Sampler: ${names}`,
  modelChecked: 'Safety Checker: an, außer wo der Kanal NSFW erlaubt',
  modelUnchecked: 'kein Safety Checker',
  modelPredicts: (what, reason) => `sagt ${what} voraus: ${reason}`,
  modelUnguided: 'malt ohne Guidance: kein cfg, kein Negativprompt',
  modelUnguidedShort: 'ohne cfg',
  modelEdits: 'bearbeitet Bilder nach einem Satz (Apps, Edit)',
  modelVae: (source) => `VAE: ${source}`,
  modelLoaded: (provider) => `geladen, läuft auf ${provider}`,
  modelsUpscalers: (names) => `Upscaler: ${names}; benutzt wird der erste`,
  modelCalibrated: (path, steps, when) =>
    `auto mit ${path}: ${steps} Schritte${when === null ? '' : `, gemessen ${when}`}`,
  modelNotCalibrated: (path, when) =>
    `auto mit ${path}: in der Zeit zum Messen nicht geklärt${when === null ? '' : ` ${when}`}`,
  engineNotLoaded: 'Noch ist kein Modell geladen; das erste Bild lädt eines.',
  engineRunsOn: (provider) => `Gerechnet wird auf **${provider}**.`,
  deviceLine: (name, state, models) =>
    `**${name}** · ${state}${models === '' ? '' : ` · ${models}`}`,
  deviceStates: {
    starting: 'startet',
    idle: 'frei',
    busy: 'malt',
    restarting: 'startet neu',
    closed: 'beendet',
  },
  deviceAside: (time) => `außer Betrieb, neuer Versuch ${time}`,
  modelUnusable: (name, why) => `⚠ **${name}** kann nicht malen: ${why}`,
  modelsMore: (count) => `… und ${count} weitere`,
  recipeTitle: '### Rezept',
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
  showResumed: (step) => `nach einer Unterbrechung ab Schritt ${step} weitergemalt`,
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
  statsSheets: 'Deine letzten Bögen',
  statsFailed: (count) => `${count} fehlgeschlagen`,
  statsRate: (rate) => `${rate.replace('.', ',')} Schritte/s`,
  statsSeconds: (seconds) =>
    seconds < 120
      ? `${seconds < 10 ? seconds.toFixed(1).replace('.', ',') : Math.round(seconds)} s`
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
  choiceNames: GERMAN_TITLES,
};
