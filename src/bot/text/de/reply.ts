import type { REPLY as ENGLISH } from '../en/reply.ts';

export const REPLY: typeof ENGLISH = {
  queued: (position, wait) =>
    wait === null ? `**In der Reihe** · #${position}` : `**In der Reihe** · #${position} · ${wait}`,
  lacking: (position, lack) => `**In der Reihe** · #${position} · ${lack}`,
  lackOf: {
    model: (name) => `wartet auf einen Rechner mit dem Modell ${name}: keiner ist gerade da`,
    vae: (name) => `wartet auf einen Rechner mit dem VAE ${name}: keiner ist gerade da`,
    lora: 'wartet auf einen Rechner mit diesem LoRA: keiner ist gerade da',
    version:
      'wartet auf einen Rechner mit einer anderen Version von Darkroom: keiner ist gerade da',
  },
  aboutSeconds: (seconds) =>
    seconds < 90 ? `etwa ${seconds} s` : `etwa ${Math.round(seconds / 60)} min`,
  starting: '**Es geht los…**',
  loadingModel: '**Das Modell wird geladen…**',
  readingPrompt: '**Der Prompt wird gelesen…**',
  step: (step, steps, bar) => `**Schritt ${step} von ${steps}** ${bar}`,
  secondsToGo: (about) => `noch ${about}`,
  developing: '**Das Bild wird entwickelt…**',
  stopped: (by) =>
    `**Angehalten.** ${by === null ? '' : `Von ${by}. `}Es ist kein Bild entstanden.`,
  stoppedAt: (by, step, steps) =>
    `**Angehalten.** ${by === null ? 'Bei' : `Von ${by}, bei`} Schritt ${step} von ${steps}.`,
  unfinished: (step, steps) => `unfertig, Schritt ${step} von ${steps}`,
  keptOf: (link) => `So weit war es gekommen: ${link}`,
  failed: (message) => `**Das hat nicht geklappt.** ${message}`,
  reference: (reference) =>
    `Wenn du dem Betreiber des Bots davon erzählst, nenne \`${reference}\`.`,
  notShownHere:
    'Diese Bilder entstanden, wo altersbeschränkte erlaubt sind, und werden nur dort gezeigt. Bitte frage in jenem Kanal.',
  picturesGone: 'Die Bilddateien dieses Auftrags sind nicht mehr gespeichert.',
  keptBack: (reason: string) =>
    `Das Bild ist fertig und wird zurückgehalten. ${reason} Es kostet dich nichts.`,
  keptBackPrompt: 'Die Regeln dieses Servers erlauben seinen Prompt nicht mehr.',
  keptBackHere: 'Es wurde gemalt, wo NSFW gezeigt werden darf, und das ist hier nicht mehr so.',
  refusedByDiscord: (id) =>
    `Das Bild ist fertig, aber Discord hat die Nachricht damit nicht angenommen. \`/show ${id}\` hat es.`,
  withheld: (kept, shown) =>
    shown === 0
      ? 'Der Safety Checker dieses Modells möchte das hier lieber nicht zeigen. Ein anderer Seed oder andere Worte helfen oft, und es kostet nichts von deinem Tag.'
      : `${kept === 1 ? 'Ein weiteres Bild hat' : `${kept} weitere Bilder hat`} der Safety Checker dieses Modells zurückgehalten.`,
  smallerCopy: 'Gezeigt als kleinere Kopie, weil das Original für diesen Kanal zu groß ist.',
  rerollOf: (link) => `Neu gewürfelt aus ${link}`,
  variationOf: (link) => `Variation von ${link}`,
  againOf: (link) => `Neuer Versuch von ${link}`,
  remixOf: (link) => `Remix von ${link}`,
  initOf: (link) => `Übermalt aus ${link}`,
  reimagineOf: (link) => `Neu gemalt nach ${link}`,
  copying: { upscale: '**Wird größer gemacht** …', original: '**Die Datei wird geholt** …' },
  copyWanted: {
    upscale: (from) => `Eine größere Kopie von ${from}`,
    original: (from) => `Die Datei von ${from}`,
  },
  copyStopped: '**Angehalten.** Es wurde nichts kopiert.',
  enlargedFrom: (link) =>
    `**Vergrößert** auf das Doppelte aus ${link}: dasselbe Bild, jedes Pixel übertragen (Lanczos), keine neuen Einzelheiten`,
  upscaledFrom: (link, factor, name) =>
    `**Hochskaliert** auf das ${factor}-Fache aus ${link} mit ${name}`,
  thisPicture: 'diesem Bild',
  anEarlierPicture: 'einem früheren Bild',
  by: (user) => `für ${user}`,
  altText: (prompt) => (prompt === '' ? 'KI-generiertes Bild' : `KI-generiertes Bild: ${prompt}`),
  previewAltText: (prompt) => `Unfertige Vorschau: ${prompt}`,
  emptyPrompt: 'kein Prompt',
  recipeUnreadable: 'mit einer anderen Version von Darkroom bestellt',
  steps: (steps) => (steps === 1 ? '1 Schritt' : `${steps} Schritte`),
  seed: (seeds) => `Seed ${seeds}`,
  cfg: (scale) => `CFG ${scale}`,
  vae: (name) => `VAE ${name}`,
  pag: (scale) => `PAG ${scale}`,
  variationStrength: (strength) => `Variation ${strength}`,
  initStrength: (strength) => `Startbild, Stärke ${strength}`,
  hiresScale: (scale) => `Hires ${scale}x`,
  autoAtMost: (steps) =>
    `Auto-Schritte: höchstens ${steps}, weniger, sobald sich nichts mehr bewegt`,
  autoSaved: (steps, seconds) =>
    `Auto-Schritte: ${steps} genügen hier, etwa ${seconds.replace('.', ',')} s gespart gegenüber 50`,
  autoKept: {
    init: (steps) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; ein Startbild ist nicht kalibriert`,
    ancestral: (steps, sampler) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; ${sampler} gibt in jedem Schritt neues Rauschen zu und kommt nie zur Ruhe`,
    sde: (steps, sampler) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; ${sampler} gibt Rauschen entlang eines Pfades zu, mit anderer Schrittzahl wird es fast ein anderes Bild`,
    few: (steps) => `Auto-Schritte: ${steps}, wofür das Modell gemacht ist`,
    idle: (steps, sampler) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; wie wenige für ${sampler} reichen, wird gemessen, sobald niemand wartet`,
    uncalibrated: (steps, sampler) =>
      `Auto-Schritte: ${steps} wie vom Modell vorgesehen; wer den Bot betreibt, findet mit \`npm run calibrate\` einmalig die wenigsten für ${sampler}`,
  },
};
