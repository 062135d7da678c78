import { PANEL_ENGLISH } from './panel-text.ts';
import { GERMAN } from './text-de.ts';

/**
 * Every sentence a person reads from the bot, in one place. Another language is another object of this
 * type in LANGUAGES; command names stay English everywhere, because people tell them to each other.
 *
 * Names, prompts and numbers arrive ready to print: escaping is the caller's work (markdown.ts).
 */
export type Text = typeof ENGLISH;

const ENGLISH = {
  // The reply to a job
  queued: (position: number, wait: string | null) =>
    wait === null ? `**Queued** · #${position}` : `**Queued** · #${position} · ${wait}`,
  aboutSeconds: (seconds: number) =>
    seconds < 90 ? `about ${seconds} s` : `about ${Math.round(seconds / 60)} min`,
  starting: '**Starting…**',
  loadingModel: '**Loading the model…**',
  readingPrompt: '**Reading the prompt…**',
  step: (step: number, steps: number, bar: string) => `**Step ${step} of ${steps}** ${bar}`,
  developing: '**Developing the picture…**',
  stopped: '**Stopped.** Nothing was made.',
  failed: (message: string) => `**That did not work.** ${message}`,
  reference: (reference: string) => `If you tell the bot's owner, mention \`${reference}\`.`,
  picturesGone: 'The picture files of this job are no longer stored.',
  smallerCopy: 'Shown as a smaller copy, because the original is too large for this channel.',
  rerollOf: (link: string) => `Reroll of ${link}`,
  variationOf: (link: string) => `Variation of ${link}`,
  againOf: (link: string) => `Another try of ${link}`,
  remixOf: (link: string) => `Remix of ${link}`,
  initOf: (link: string) => `Painted over ${link}`,
  reimagineOf: (link: string) => `Reimagined from ${link}`,
  enlargedFrom: (link: string) => `**Upscaled** to twice its size from ${link}`,
  thisPicture: 'this picture',
  anEarlierPicture: 'an earlier picture',
  by: (user: string) => `for ${user}`,
  altText: (prompt: string) =>
    prompt === '' ? 'AI-generated image' : `AI-generated image: ${prompt}`,
  previewAltText: (prompt: string) => `Unfinished preview: ${prompt}`,
  emptyPrompt: 'no prompt',
  steps: (steps: number) => `${steps} steps`,
  seed: (seeds: string) => `seed ${seeds}`,
  cfg: (scale: string) => `cfg ${scale}`,
  variationStrength: (strength: string) => `variation ${strength}`,
  initStrength: (strength: string) => `start picture, strength ${strength}`,
  hiresScale: (scale: string) => `hires ${scale}x`,
  autoSaved: (steps: number, seconds: string) =>
    `auto steps: ${steps} are enough here, about ${seconds} s saved against 50`,
  autoKept: {
    init: (steps: number, _sampler: string) =>
      `auto steps: ${steps}, the model's own; a start picture is not calibrated`,
    ancestral: (steps: number, sampler: string) =>
      `auto steps: ${steps}, the model's own; ${sampler} adds new noise in every step and never settles`,
    uncalibrated: (steps: number, sampler: string) =>
      `auto steps: ${steps}, the model's own; the bot's owner can run \`npm run calibrate\` once to find the fewest for ${sampler}`,
  },

  // Buttons
  buttonStop: 'Stop',
  buttonReroll: 'Reroll',
  buttonAgain: 'Try again',
  buttonVarySubtle: 'Vary subtle',
  buttonVaryStrong: 'Vary strong',
  buttonRemix: 'Remix',
  buttonRecipe: 'Recipe',
  buttonDelete: 'Delete',
  buttonUpscale: 'Upscale',
  buttonInit: 'Use as start',
  buttonOriginal: 'Original',
  buttonShow: 'Show',
  buttonNewer: 'Newer',
  buttonOlder: 'Older',
  chooseVariation: 'Vary one picture…',
  varyOption: (picture: number, strong: boolean) =>
    `Picture ${picture} · ${strong ? 'strong' : 'subtle'} variation`,

  chooseUse: 'Upscale one picture, or start from it…',
  useOption: (picture: number, enlarge: boolean) =>
    `Picture ${picture} · ${enlarge ? 'upscale' : 'use as start picture'}`,

  // Answers to one person
  olderButton: 'This button was made by another version of the bot. Please use `/imagine` again.',
  unknownButton: 'This button is not one of mine, so I left it alone.',
  jobGone: 'I no longer have the record of this picture. Please use `/imagine` again.',
  notYoursToStop: 'Only the person who asked for this picture, or a moderator, can stop it.',
  notYoursToDelete: 'Only the person who asked for this picture, or a moderator, can delete it.',
  alreadyFinished: 'This one has already finished.',
  stillWorking: 'This one is still being made. Stop it first.',
  notFinished: 'This picture is not finished yet.',
  lostInRestart:
    'I was restarted before I could note this down, so nothing came of it. Please send it again.',
  ourFault: (reference: string) =>
    `Something went wrong on my side. Please try again; if it keeps happening, tell the bot's owner \`${reference}\`.`,
  missingPermissions: (list: string) =>
    `I cannot post the picture in this channel, so I did not start it. Please ask a moderator to give me: ${list}.`,
  permissionNames: {
    ViewChannel: 'View Channel',
    SendMessages: 'Send Messages',
    SendMessagesInThreads: 'Send Messages in Threads',
    AttachFiles: 'Attach Files',
  },
  unknownCommand:
    'This command is not known to me. Discord may still show an old list; please try again soon.',

  // Choosing
  noModels:
    'There is no model to paint with yet. The owner of this bot can add one to its models folder.',
  unknownModel: (name: string, known: string) =>
    `There is no model “${name}”. The models here: ${known}.`,
  sizeChoice: (width: number, height: number, shape: string) => `${width}x${height} · ${shape}`,
  autoChoice: 'auto · as few as change nothing you would see',
  auto: 'auto',
  shapes: { square: 'square', portrait: 'portrait', landscape: 'landscape' },
  tooManySteps: (value: number, limit: number) =>
    `Steps: this bot allows 1 to ${limit}, you asked for ${value}.`,
  tooManyPixels: (width: number, height: number, limit: string) =>
    `Size ${width}x${height} is larger than this bot allows (${limit}). Choose a smaller one.`,
  tooManyPictures: (value: number, limit: number) =>
    `Count: this bot makes 1 to ${limit} pictures at once, you asked for ${value}.`,

  // Limits
  limitWaitingYours: (count: number) =>
    `You already have ${count === 1 ? '1 picture' : `${count} pictures`} waiting, as many as one person may have here. Wait until one of them starts, or stop one that you no longer want.`,
  limitWaitingServer: (count: number) =>
    `This server already has ${count === 1 ? '1 picture' : `${count} pictures`} waiting, as many as one server may have here. Try again when some of them are done.`,
  limitSecondsYours: (cost: number, left: number) =>
    `This picture needs about ${cost} s of the machine; you have ${left} s left today. Choose fewer steps or a smaller size, or wait until midnight UTC.`,
  limitSecondsServer: (cost: number, left: number) =>
    `This picture needs about ${cost} s of the machine; this server has ${left} s left today. Choose fewer steps or a smaller size, or wait until midnight UTC.`,
  secondsLeft: (left: number, allowed: number) =>
    `You have **${left} s** of the machine left today, of ${allowed} s. Only finished pictures count; the day ends at midnight UTC.`,

  // Moderation
  refusedBlocked: 'The moderators of this server do not let you make pictures here.',
  refusedChannel: (channels: string) =>
    `Pictures are not made in this channel. Please go to ${channels}.`,
  refusedRole: (roles: string) => `On this server pictures are for people with one of: ${roles}.`,
  refusedWork: (work: string, allowed: string) =>
    `This order is too large here: steps × pixels × pictures come to ${work} million, ${allowed} million are allowed. Choose fewer steps, a smaller size or fewer pictures.`,
  refusedWord: 'The rules of this server do not allow this prompt. Nothing was made.',
  refusedNsfw: (word: string) =>
    `“${word}” is only for channels that are marked as age-restricted. Nothing was made.`,
  refusedNsfwHere: (word: string) => `“${word}” is not wanted on this server. Nothing was made.`,
  auditRefused: (user: string, reason: string) => `**Refused** for ${user}: ${reason}`,
  auditDeleted: (user: string, owner: string) => `**Deleted** by ${user}: a picture of ${owner}`,
  auditWord: (word: string) => `the word list has “${word}”`,
  auditNsfw: (word: string) => `“${word}” outside an age-restricted channel`,

  // /settings
  panel: PANEL_ENGLISH,
  settingsNeedServer: 'Settings belong to a server. Use this command in a server you manage.',
  settingsNeedPermission: 'You need the Manage Server permission to change these settings.',
  settingsTitle:
    '### Defaults of this server\nUsed when somebody leaves an option of `/imagine` out.',
  settingsModelDecides: "the model's own",
  settingsNothingToSet: 'Name at least one option, for example `/settings set steps:30`.',
  settingsSaved: 'Saved. These defaults hold for every new picture on this server.',
  settingsReset: "Done. This server now uses each model's own defaults.",
  settingsResetOne: (name: string) => `Done. “${name}” is no longer set.`,
  settingsNotSaved:
    'The settings could not be saved just now, so nothing was changed. Please try again.',
  settingNames: {
    model: 'Model',
    sampler: 'Sampler',
    schedule: 'Schedule',
    steps: 'Steps',
    cfg: 'CFG',
    size: 'Size',
    count: 'Count',
    clipSkip: 'Clip skip',
    negative: 'Negative prompt',
  },

  // /queue
  queueTitle: '### Queue',
  queueEmpty: 'Nothing is waiting. Your next picture starts at once.',
  queueRunning: (what: string) => `▶ ${what}`,
  queueWaiting: (position: number, what: string, wait: string | null) =>
    `\`#${position}\` ${what}${wait === null ? '' : ` · ${wait}`}`,
  queueYours: (prompt: string) => `**yours:** ${prompt}`,
  queueSomebody: (user: string) => `a picture for ${user}`,
  queueElsewhere: 'a picture for another server',
  queueMore: (count: number) => `… and ${count} more`,

  // /models
  modelsTitle: '### Models',
  modelLine: (name: string, family: string, size: string, factor: number) =>
    `**${name}** · ${family} · made for ${size}, sides in multiples of ${factor}`,
  modelDefaults: (steps: number, sampler: string, schedule: string, cfg: string) =>
    `its defaults: ${steps} steps · ${sampler} ${schedule} · cfg ${cfg}`,
  modelLoaded: (provider: string) => `loaded, running on ${provider}`,
  engineNotLoaded: 'No model is loaded yet; the first picture loads one.',
  engineRunsOn: (provider: string) => `The engine runs on **${provider}**.`,
  modelsMore: (count: number) => `… and ${count} more`,

  // /help
  help: [
    '### Darkroom paints what you describe',
    'Type `/imagine` and a **prompt**. The reply shows your place in the line, then the picture as it emerges.',
    '',
    '**prompt** what should be in the picture. `(word:1.3)` makes a word count more, `(word:0.7)` less.',
    '**negative** what should not be in it.',
    '**steps** how often the picture is refined. Beyond 20 to 30 it mostly takes longer; `auto` takes as few as change nothing you would see.',
    '**cfg** how strictly the prompt is followed. 5 to 9 is usual; very high values burn colours.',
    '**seed** the number the noise is made from. The same seed with the same options gives the same picture; one changed digit gives another.',
    '**size** in pixels. Models paint best near the size they were made for.',
    '**sampler, schedule** the path from noise to picture: a matter of taste and speed.',
    '**image, strength** a picture to start from, and how much of it is repainted. **private** only you see the reply.',
    '',
    '**Reroll** the same order with a new seed · **Vary** a neighbour of the same picture · **Upscale** the same picture, twice the size · **Use as start** paint over it · **Remix** change the words · **Recipe** every number behind it.',
    'On any picture, also from elsewhere: its menu, Apps, **Recipe** or **Reimagine**.',
    '**Stop** and **Delete** are for the person who asked and for moderators.',
    '',
    '`/queue` who is waiting · `/recent` your pictures · `/show` one of them · `/presets` of this server · `/preferences` of yours · `/models` what can paint here · `/stats` how much and how fast · `/settings` the defaults of this server (Manage Server).',
    '-# Every picture is made by a machine and carries that mark, with its recipe, inside the file.',
  ].join('\n'),

  // Remix
  remixTitle: 'Remix',
  remixPrompt: 'Prompt',
  remixNegative: 'Negative prompt',
  remixSteps: 'Steps',
  remixCfg: 'CFG',
  formIncomplete: 'The form came back incomplete. Please try again.',
  remixSeed: 'Seed (empty: a new one)',
  recipeTitle: '### Recipe',
  remixStrength: 'Strength (0 keeps the picture, 1 repaints it)',
  remixStart: 'Start from this picture',

  // Pictures people give
  fileNotFromDiscord: 'This picture is not kept by Discord. Save it and send it as a file.',
  fileNotReachable:
    'The picture could not be fetched from Discord; its link may have expired. Please send it again.',
  fileTooLarge: (mebibytes: number) =>
    `The picture is larger than ${mebibytes} MiB. Please send a smaller one.`,
  imageMissing: (option: string) =>
    `\`${option}\` needs a start picture: choose one as \`image\` too.`,
  noPictureThere: 'There is no picture in this message.',
  noRecipeThere:
    'The pictures of this message carry no recipe. To paint over one, save it and choose it as `image` of `/imagine`.',
  recipeFromGraph: '-# Read from the ComfyUI graph inside the picture.',
  originalTooLarge: (megabytes: string, limit: string) =>
    `The original has ${megabytes} MB, and this place takes ${limit} MB a file. In a boosted server the button may work; the bot's owner has the file.`,
  originalHere: 'The original, as it was made.',
  originalSamePixels: 'The original with every pixel, packed more tightly as WebP without loss.',

  // /show, /recent
  unknownJob: 'There is no such picture, or it is not yours to see.',
  showTitle: (id: string) => `### Picture \`${id}\``,
  showFor: (user: string, time: string) => `for ${user} · ${time}`,
  showStatus: {
    waiting: 'waiting',
    running: 'being made',
    done: 'finished',
    failed: 'failed',
    cancelled: 'stopped',
  },
  showWaited: (seconds: string) => `waited ${seconds} s`,
  showPainted: (seconds: string, rate: string, provider: string) =>
    `painted in ${seconds} s (${rate} steps/s) on ${provider}`,
  showModelHash: (hash: string) => `model ${hash}`,
  showMessage: (url: string) => `[to the message](${url})`,
  recentTitle: '### Your last pictures',
  recentEmpty: 'You have not ordered a picture yet. Type `/imagine`.',

  // /stats
  statsTitle: (days: number) => `### The last ${days} days`,
  statsServer: 'This server',
  statsYou: 'You, everywhere',
  statsNothing: 'nothing yet',
  statsLine: (pictures: number, jobs: number, seconds: string, wait: string) =>
    `${pictures} ${pictures === 1 ? 'picture' : 'pictures'} from ${jobs} ${jobs === 1 ? 'order' : 'orders'} · ${seconds} of painting · mean wait ${wait}`,
  statsFailed: (count: number) => `${count} failed`,
  statsRate: (rate: string) => `${rate} steps/s`,
  statsSeconds: (seconds: number) =>
    seconds < 120
      ? `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
      : `${Math.round(seconds / 60)} min`,

  // /presets
  presetsTitle: '### Presets of this server\nUse one as `/imagine preset:`.',
  noPresets:
    'This server has no presets yet. Somebody who manages it can make one: `/presets save`.',
  unknownPreset: (known: string) => `There is no such preset. There are: ${known}.`,
  tooManyPresets: (limit: number) =>
    `A server keeps at most ${limit} presets. Delete one first: \`/presets delete\`.`,
  presetsNeedServer: 'Presets belong to a server. Use this command in a server.',
  presetsNeedPermission: 'You need the Manage Server permission to change presets.',
  presetName: (limit: number) => `A preset's name has 1 to ${limit} characters.`,
  presetEmpty: 'Name at least one option that the preset sets, or words for its prompt.',
  presetSaved: (name: string) => `Saved. Use it as \`/imagine preset:\` **${name}**.`,
  presetDeleted: (name: string) => `Done. **${name}** is deleted.`,
  notSaved: 'This could not be saved just now, so nothing was changed. Please try again.',

  // /preferences
  preferencesTitle:
    '### Your preferences\nUsed on every server when you leave an option of `/imagine` out.',
  preferencesSaved: 'Saved.',
  preferencesReset: 'Done. Nothing is preferred any more.',
  preferencesNothingToSet: 'Name at least one option, for example `/preferences set steps:30`.',
  preferenceLanguage: 'Language',
  preferenceYourDiscord: "your Discord's",
  preferencePrivate: 'Private pictures',
  preferenceOpen: 'not set',
  yes: 'yes',
  no: 'no',
  choiceNames: {
    model: 'Model',
    sampler: 'Sampler',
    schedule: 'Schedule',
    steps: 'Steps',
    cfg: 'CFG',
    size: 'Size',
    count: 'Count',
    clipSkip: 'Clip skip',
    negative: 'Negative prompt',
  },
};

const LANGUAGES: ReadonlyMap<string, Text> = new Map([
  ['en', ENGLISH],
  ['de', GERMAN],
]);

/** For a menu: by locale, each in its own language. */
export const LANGUAGE_NAMES: Readonly<Record<string, string>> = { en: 'English', de: 'Deutsch' };

/** The text for a Discord locale such as `en-GB`; English where there is no translation. */
export function textFor(locale: string): Text {
  return LANGUAGES.get(locale) ?? LANGUAGES.get(locale.split('-')[0] ?? '') ?? ENGLISH;
}
