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

  // Buttons
  buttonStop: 'Stop',
  buttonReroll: 'Reroll',
  buttonAgain: 'Try again',
  buttonVarySubtle: 'Vary subtle',
  buttonVaryStrong: 'Vary strong',
  buttonRemix: 'Remix',
  buttonRecipe: 'Recipe',
  buttonDelete: 'Delete',
  chooseVariation: 'Vary one picture…',
  varyOption: (picture: number, strong: boolean) =>
    `Picture ${picture} · ${strong ? 'strong' : 'subtle'} variation`,

  // Answers to one person
  olderButton: 'This button was made by another version of the bot. Please use `/imagine` again.',
  unknownButton: 'This button is not one of mine, so I left it alone.',
  jobGone: 'I no longer have the record of this picture. Please use `/imagine` again.',
  notYoursToStop: 'Only the person who asked for this picture, or a moderator, can stop it.',
  notYoursToDelete: 'Only the person who asked for this picture, or a moderator, can delete it.',
  alreadyFinished: 'This one has already finished.',
  stillWorking: 'This one is still being made. Stop it first.',
  notFinished: 'This picture is not finished yet.',
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
  shapes: { square: 'square', portrait: 'portrait', landscape: 'landscape' },
  tooManySteps: (value: number, limit: number) =>
    `Steps: this bot allows 1 to ${limit}, you asked for ${value}.`,
  tooManyPixels: (width: number, height: number, limit: string) =>
    `Size ${width}x${height} is larger than this bot allows (${limit}). Choose a smaller one.`,
  tooManyPictures: (value: number, limit: number) =>
    `Count: this bot makes 1 to ${limit} pictures at once, you asked for ${value}.`,

  // /settings
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
    '**steps** how often the picture is refined. Beyond 20 to 30 it mostly takes longer.',
    '**cfg** how strictly the prompt is followed. 5 to 9 is usual; very high values burn colours.',
    '**seed** the number the noise is made from. The same seed with the same options gives the same picture; one changed digit gives another.',
    '**size** in pixels. Models paint best near the size they were made for.',
    '**sampler, schedule** the path from noise to picture: a matter of taste and speed.',
    '',
    '**Reroll** the same order with a new seed · **Vary** a neighbour of the same picture · **Remix** change the words · **Recipe** every number behind it.',
    '**Stop** and **Delete** are for the person who asked and for moderators.',
    '',
    '`/queue` who is waiting · `/models` what can paint here · `/settings` the defaults of this server (Manage Server).',
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
};

const LANGUAGES: ReadonlyMap<string, Text> = new Map([
  ['en', ENGLISH],
  ['de', GERMAN],
]);

/** The text for a Discord locale such as `en-GB`; English where there is no translation. */
export function textFor(locale: string): Text {
  return LANGUAGES.get(locale) ?? LANGUAGES.get(locale.split('-')[0] ?? '') ?? ENGLISH;
}
