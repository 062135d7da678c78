import sharp from 'sharp';
import type { Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import { AI_MARK_XMP } from '../../engine/picture/image.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { GenerateResult, Progress } from '../../engine/result.ts';
import { parseAxis } from './axis.ts';
import { fitted, letter } from './drawn/lettering.ts';
import { openSheet, type Sheet } from './sheet.ts';
import { raster } from './drawn/tile.ts';
import { THEME, type ThemeName } from './drawn/theme.ts';
import { sayOfSheet } from '../sentences.ts';

/** What the network believed the picture would be after one step: x̂0, decoded by the VAE. */
export type Snapshot = {
  step: number;
  /** noise level the step started from */
  sigma: number;
  picture: Uint8Array;
};

const USUAL_LOOKS = [1, 2, 3, 5, 8, 12, 16, 20, 30, 40, 60, 80, 100, 125, 150];
const MOST_SNAPSHOTS = 24;

/**
 * The steps to look at: a list such as `1,2,5,10` or null for a usual one. The last step always belongs to it.
 * @throws UserError for steps the run does not have, and for more than 24
 */
export function planSnapshots(steps: number, text: string | null): number[] {
  if (text === null) return [...USUAL_LOOKS.filter((step) => step < steps), steps];
  const asked = parseAxis('steps', text).values.map(Number);
  const outside = asked.find((step) => step < 1 || step > steps);
  if (outside !== undefined) {
    throw new UserError(sayOfSheet('no-such-step', outside, steps));
  }
  const snapshots = [...new Set([...asked, steps])].toSorted((a, b) => a - b);
  if (snapshots.length > MOST_SNAPSHOTS) {
    throw new UserError(sayOfSheet('too-many-snapshots', snapshots.length, MOST_SNAPSHOTS));
  }
  return snapshots;
}

export type Evolution = { snapshots: Snapshot[]; result: GenerateResult };

/** One run, watched at the chosen steps. The last snapshot is the finished picture. */
export async function evolve(
  engine: Engine,
  request: GenerateRequest,
  at: readonly number[],
  hooks: {
    signal?: AbortSignal;
    onProgress?: (progress: Progress) => void;
    onSnapshot?: (snapshot: Snapshot) => Promise<void> | void;
  },
): Promise<Evolution> {
  const snapshots: Snapshot[] = [];
  let told: Promise<void> = Promise.resolve();
  const result = await engine.generate(
    { ...request, count: 1 },
    {
      previews: false,
      decodeAt: at,
      ...(hooks.signal === undefined ? {} : { signal: hooks.signal }),
      onProgress(progress) {
        hooks.onProgress?.(progress);
        const snapshot = snapshotOf(progress);
        if (snapshot === null) return;
        snapshots.push(snapshot);
        told = told.then(() => hooks.onSnapshot?.(snapshot));
      },
    },
  );
  await told;
  const picture = result.images[0]?.png;
  const last = snapshots.at(-1);
  // The picture itself stands for the last step: init pictures are blended and masks laid over only there.
  if (picture !== undefined && last !== undefined && last.step >= result.timings.steps_ms.length) {
    last.picture = picture;
  } else if (picture !== undefined) {
    snapshots.push({ step: result.timings.steps_ms.length, sigma: 0, picture });
  }
  return { snapshots, result };
}

/** Takes the picture that a step shows; null where the progress carries none. */
export function snapshotOf(progress: Progress): Snapshot | null {
  if (progress.phase !== 'sampling') return null;
  const { step, sigma, decoded } = progress;
  const picture = decoded?.[0];
  return picture === undefined ? null : { step, sigma, picture };
}

/** A sheet whose cells are the steps of one run; tiles are set by the caller as they come. */
export async function openStrip(
  request: GenerateRequest,
  steps: readonly number[],
  words: { title: string; subtitle: string; theme: ThemeName },
): Promise<Sheet> {
  const x = { name: 'steps' as const, values: steps.map((step) => `step ${step}`) };
  const cells = steps.map((_, index) => ({ index, column: index, row: 0, page: 0, request }));
  return openSheet(
    {
      x,
      y: null,
      z: null,
      base: request,
      cells,
      cost: request.steps,
      pixels: request.width * request.height,
    },
    words,
  );
}

/** Names a noise level with two digits or one decimal place. */
export function sigmaNote(sigma: number): string {
  if (sigma === 0) return 'noise 0';
  return `noise ${sigma >= 10 ? sigma.toFixed(1) : sigma.toPrecision(2)}`;
}

const FRAME = { least: 256, most: 512, bar: 40, delay: 450, hold: 2600 } as const;

/**
 * An animated WebP of at most `bytes` (quality first, then pixels): each snapshot with its step below, the last one
 * held.
 * @throws Error without a snapshot
 */
export async function animate(
  snapshots: readonly Snapshot[],
  options: { steps: number; theme: ThemeName; bytes?: number },
): Promise<Uint8Array> {
  const limit = options.bytes ?? Number.POSITIVE_INFINITY;
  const first = snapshots[0];
  if (first === undefined) throw new Error('an animation needs a picture');
  const { width = 1, height = 1 } = await sharp(first.picture).metadata();
  const longest = Math.max(width, height);
  for (
    let side = Math.min(FRAME.most, Math.max(FRAME.least, longest));
    ;
    side = Math.round(side / 1.4)
  ) {
    const box = {
      width: Math.round((width * side) / longest),
      height: Math.round((height * side) / longest),
    };
    const frames = [];
    for (const snapshot of snapshots) frames.push(await frame(snapshot, box, options));
    for (const quality of [85, 70, 50]) {
      const made = await sharp(frames, { join: { animated: true } })
        .withXmp(AI_MARK_XMP)
        .webp({
          quality,
          effort: 4,
          loop: 0,
          delay: snapshots.map((_, index) =>
            index === snapshots.length - 1 ? FRAME.hold : FRAME.delay,
          ),
        })
        .toBuffer();
      if (made.byteLength <= limit || side < 64) return made;
    }
  }
}

/** The picture above a bar that fills with the steps. */
async function frame(
  snapshot: Snapshot,
  box: { width: number; height: number },
  { steps, theme: name }: { steps: number; theme: ThemeName },
): Promise<Buffer> {
  const theme = THEME[name];
  const done = Math.round((snapshot.step / Math.max(1, steps)) * box.width);
  const words = fitted(`step ${snapshot.step} of ${steps}`, box.width - 16, 17, 'bold');
  const bar = await raster(
    `<rect width="${box.width}" height="${FRAME.bar}" fill="${theme.ground}"/>` +
      `<rect width="${box.width}" height="4" fill="${theme.faint}"/>` +
      `<rect width="${done}" height="4" fill="${theme.accent}"/>` +
      letter(words, { x: 8, y: 27, size: 17, fill: theme.text, weight: 'bold' }),
    box.width,
    FRAME.bar,
  );
  return sharp(snapshot.picture)
    .removeAlpha()
    .resize(box.width, box.height, { kernel: 'lanczos3' })
    .extend({ bottom: FRAME.bar, background: theme.ground })
    .composite([
      {
        input: bar,
        raw: { width: box.width, height: FRAME.bar, channels: 3 },
        left: 0,
        top: box.height,
      },
    ])
    .png({ compressionLevel: 1 })
    .toBuffer();
}
