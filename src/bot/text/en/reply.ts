/** The reply to a job: its state, its facts, where it comes from. */
export const REPLY = {
  queued: (position: number, wait: string | null) =>
    wait === null ? `**Queued** · #${position}` : `**Queued** · #${position} · ${wait}`,
  lacking: (position: number, lack: string) => `**Queued** · #${position} · ${lack}`,
  /** Why none of the machines that paint now can take a job. */
  lackOf: {
    model: (name: string) => `waits for a machine with the model ${name}: none is up now`,
    vae: (name: string) => `waits for a machine with the VAE ${name}: none is up now`,
    lora: 'waits for a machine with this LoRA: none is up now',
    version: 'waits for a machine with another version of Darkroom: none is up now',
  },
  aboutSeconds: (seconds: number) =>
    seconds < 90 ? `about ${seconds} s` : `about ${Math.round(seconds / 60)} min`,
  starting: '**Starting…**',
  loadingModel: '**Loading the model…**',
  readingPrompt: '**Reading the prompt…**',
  step: (step: number, steps: number, bar: string) => `**Step ${step} of ${steps}** ${bar}`,
  secondsToGo: (about: string) => `${about} left`,
  developing: '**Developing the picture…**',
  stopped: (by: string | null) =>
    `**Stopped.** ${by === null ? '' : `By ${by}. `}Nothing was made.`,
  stoppedAt: (by: string | null, step: number, steps: number) =>
    `**Stopped.** ${by === null ? 'At' : `By ${by}, at`} step ${step} of ${steps}.`,
  unfinished: (step: number, steps: number) => `unfinished, step ${step} of ${steps}`,
  keptOf: (link: string) => `As far as it had come: ${link}`,
  failed: (message: string) => `**That did not work.** ${message}`,
  reference: (reference: string) => `If you tell the bot's owner, mention \`${reference}\`.`,
  notShownHere:
    'These pictures were painted where age-restricted ones are allowed, and are only shown there. Please ask in that channel.',
  picturesGone: 'The picture files of this job are no longer stored.',
  keptBack: (reason: string) =>
    `The picture is finished and kept back. ${reason} It costs you nothing.`,
  keptBackPrompt: 'The rules of this server do not allow its prompt any more.',
  keptBackHere: 'It was painted where NSFW may be shown, and this is no such place any more.',
  refusedByDiscord: (id: string) =>
    `The picture is finished, but Discord did not take the message with it. \`/show ${id}\` has it.`,
  withheld: (kept: number, shown: number) =>
    shown === 0
      ? 'The safety checker of this model would rather not show this here. Another seed or other words often help, and it costs nothing of your day.'
      : `${kept === 1 ? 'One more picture was' : `${kept} more pictures were`} kept back by the safety checker of this model.`,
  smallerCopy: 'Shown as a smaller copy, because the original is too large for this channel.',
  rerollOf: (link: string) => `Reroll of ${link}`,
  variationOf: (link: string) => `Variation of ${link}`,
  againOf: (link: string) => `Another try of ${link}`,
  remixOf: (link: string) => `Remix of ${link}`,
  initOf: (link: string) => `Painted over ${link}`,
  reimagineOf: (link: string) => `Reimagined from ${link}`,
  copying: { upscale: '**Making it larger** …', original: '**Fetching the file** …' },
  copyWanted: {
    upscale: (from: string) => `A larger copy of ${from}`,
    original: (from: string) => `The file of ${from}`,
  },
  copyStopped: '**Stopped.** Nothing was copied.',
  enlargedFrom: (link: string) =>
    `**Enlarged** to twice its size from ${link}: the same picture, every pixel carried over (Lanczos), no new detail`,
  upscaledFrom: (link: string, factor: number, name: string) =>
    `**Upscaled** to ${factor} times its size from ${link} by ${name}`,
  thisPicture: 'this picture',
  anEarlierPicture: 'an earlier picture',
  by: (user: string) => `for ${user}`,
  altText: (prompt: string) =>
    prompt === '' ? 'AI-generated image' : `AI-generated image: ${prompt}`,
  previewAltText: (prompt: string) => `Unfinished preview: ${prompt}`,
  emptyPrompt: 'no prompt',
  recipeUnreadable: 'ordered with another version of Darkroom',
  steps: (steps: number) => (steps === 1 ? '1 step' : `${steps} steps`),
  seed: (seeds: string) => `seed ${seeds}`,
  cfg: (scale: string) => `cfg ${scale}`,
  vae: (name: string) => `vae ${name}`,
  pag: (scale: string) => `pag ${scale}`,
  variationStrength: (strength: string) => `variation ${strength}`,
  initStrength: (strength: string) => `start picture, strength ${strength}`,
  hiresScale: (scale: string) => `hires ${scale}x`,
  autoAtMost: (steps: number) => `auto steps: at most ${steps}, fewer once nothing moves`,
  autoSaved: (steps: number, seconds: string) =>
    `auto steps: ${steps} are enough here, about ${seconds} s saved against 50`,
  autoKept: {
    init: (steps: number, _sampler: string) =>
      `auto steps: ${steps}, the model's own; a start picture is not calibrated`,
    ancestral: (steps: number, sampler: string) =>
      `auto steps: ${steps}, the model's own; ${sampler} adds new noise in every step and never settles`,
    sde: (steps: number, sampler: string) =>
      `auto steps: ${steps}, the model's own; ${sampler} adds noise along one path, so another number of steps is nearly another picture`,
    few: (steps: number, _sampler: string) => `auto steps: ${steps}, which the model was made for`,
    idle: (steps: number, sampler: string) =>
      `auto steps: ${steps}, the model's own; how few are enough for ${sampler} is measured once nobody waits`,
    uncalibrated: (steps: number, sampler: string) =>
      `auto steps: ${steps}, the model's own; the bot's owner can run \`npm run calibrate\` once to find the fewest for ${sampler}`,
  },
};
