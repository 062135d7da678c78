/** From a folder to running sessions: chooses the provider, compares it with the CPU, keeps models within a budget. */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { openEmbeddings } from '../text/embeddings.ts';
import { RunError, UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { type Flavour, flavoursFor } from '../graphs/flavour.ts';
import type { LoraPart } from '../lora/file.ts';
import { type AppliedLora, checkParts, type ChosenLora, openLoras } from '../lora/loras.ts';
import type { DeviceName, ProviderName } from '../names.ts';
import { readPreviewFactors, type PreviewFactors } from '../preview/preview.ts';
import { createSafetyChecker, type SafetyChecker } from '../network/safety.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import {
  deviceRefusal,
  openSession,
  providersFor,
  type RunClock,
  type Session,
} from '../network/session.ts';
import type { EncoderPart } from '../text/encoder-run.ts';
import { type TextEncoder, createTextEncoder } from '../text/text-encoder.ts';
import { createUnet, type Unet } from '../network/unet.ts';
import type { GraphSource } from '../network/graph-source.ts';
import {
  denoiserSource,
  openEncoder,
  type OpenedVariant,
  safetyCheckerSource,
  vaeDecoderSource,
  vaeEncoderSource,
} from './model-graphs.ts';
import { runCanary, type CanaryResult } from './canary.ts';
import type { ModelLayout } from './layout.ts';
import { noiseProcessOf } from './noise-process.ts';
import type { RegistryEntry } from './registry.ts';

export type LoadedModel = {
  entry: RegistryEntry;
  provider: ProviderName;
  /** largest difference from the CPU as a share of the CPU's largest value; null when the CPU itself runs */
  canaryMaxError: number | null;
  textEncoder: TextEncoder;
  unet: Unet;
  vaeDecoder: Session;
  /** opened at first use: txt2img needs none. Throws UserError when the folder has none. */
  vaeEncoder(): Promise<Session>;
  /** opened at first use; null when the folder has none. Throws RunError for one that cannot be asked. */
  safetyChecker(): Promise<SafetyChecker | null>;
  schedule: ModelSchedule;
  /** null until known; the pipeline fits them from the first picture then */
  preview: PreviewFactors | null;
  /** what its graphs were opened with beside their own weights */
  loras: readonly AppliedLora[];
  /** its network takes rows with perturbed attention */
  perturbed: boolean;
  release(): Promise<void>;
};

/** How a model's graphs are opened: with LoRAs, and with an input that perturbs attention. */
export type Variant = { loras: readonly ChosenLora[]; perturbed: boolean };

export const PLAIN: Variant = { loras: [], perturbed: false };

export type LoadOptions = {
  device: DeviceName;
  clock: RunClock;
  warn: (fields: object, message: string) => void;
};

/** Throws UserError for a damaged folder or a named device that does not work. */
export async function loadModel(
  entry: RegistryEntry,
  options: LoadOptions,
  { loras, perturbed } = PLAIN,
): Promise<LoadedModel> {
  refuseUnsupported(entry.layout);
  await checkFiles(entry.layout);
  const opened = await openLoras(loras);
  const parts = entry.layout.textEncoders.map(({ id }) => id as LoraPart);
  checkParts(opened, new Set(['denoiser', ...parts]), entry.info.name);
  const wanted = { loras: opened, perturbed };
  return loadOnFirst(providersFor(options.device), entry, options, wanted);
}

const PLAIN_OPENED: OpenedVariant = { loras: [], perturbed: false };

/** The first provider that works and passes the canary; the last one's failure is told. */
export async function loadOnFirst(
  providers: readonly ProviderName[],
  entry: RegistryEntry,
  options: LoadOptions,
  variant: OpenedVariant = PLAIN_OPENED,
): Promise<LoadedModel> {
  const model = entry.info.name;
  const ways = providers.flatMap((provider) =>
    waysOn(provider, entry.layout).map((flavour) => ({ provider, flavour })),
  );
  for (const { provider, flavour } of ways) {
    const last = provider === ways.at(-1)?.provider && flavour === ways.at(-1)?.flavour;
    try {
      return await loadOn(provider, flavour, entry, options, variant);
    } catch (error) {
      if (error instanceof UserError || provider === 'cpu') throw error;
      const cause = error instanceof Error ? error.message : String(error);
      if (last) throw deviceRefusal(provider, cause);
      options.warn({ provider, model, cause }, 'provider does not work, trying next');
    }
  }
  throw new Error('no provider to try');
}

/** An ONNX folder is opened as it is; graphs that are written come in several flavours. */
function waysOn(provider: ProviderName, layout: ModelLayout): readonly Flavour[] {
  const flavours = flavoursFor(provider);
  return layout.denoiser.kind === 'tensors' ? flavours : flavours.slice(0, 1);
}

/** Opens what it can one by one and closes all of it again when a later one fails. */
async function loadOn(
  provider: ProviderName,
  flavour: Flavour,
  entry: RegistryEntry,
  { clock, warn }: LoadOptions,
  variant: OpenedVariant,
): Promise<LoadedModel> {
  const { layout } = entry;
  const { loras } = variant;
  const { style, vaeStyle } = flavour;
  const opened: Session[] = [];
  const open = async (source: GraphSource): Promise<Session> => {
    try {
      const session = await openSession(source, { provider, clock, ...sessionOf(source, flavour) });
      opened.push(session);
      return session;
    } catch (error) {
      if (provider !== 'cpu' && (await opensOnCpu(source, clock))) throw error;
      throw explainFile(error, source, layout);
    }
  };
  const release = async (): Promise<void> => {
    for (const session of opened.splice(0)) await session.release();
  };

  try {
    const denoiser = await open(await denoiserSource(layout, variant, style));
    const unet = createUnet(denoiser, layout);
    const canary = await runCanary(denoiser, layout, () => onCpu(layout, variant, clock));
    judgeCanary(canary, provider, layout, warn);
    const parts: EncoderPart[] = [];
    for (const files of layout.textEncoders) {
      parts.push(await openEncoder(files, layout, loras, open, style));
    }
    const vaeDecoder = await open(vaeDecoderSource(layout, vaeStyle));
    let vaeEncoder: Session | null = null;
    let safetyChecker: SafetyChecker | null = null;
    return {
      entry,
      provider,
      canaryMaxError: canary.maxError,
      textEncoder: createTextEncoder(layout, parts, openEmbeddings(layout.folder)),
      unet,
      vaeDecoder,
      async vaeEncoder() {
        if (layout.vaeEncoder === null) {
          throw new UserError(say('no-vae-encoder', layout.name));
        }
        vaeEncoder ??= await open(vaeEncoderSource(layout.vaeEncoder, vaeStyle));
        return vaeEncoder;
      },
      async safetyChecker() {
        if (layout.safetyChecker === null) return null;
        const source = safetyCheckerSource(layout.safetyChecker, vaeStyle);
        safetyChecker ??= await createSafetyChecker(await open(source), layout);
        return safetyChecker;
      },
      schedule: noiseProcessOf(layout),
      preview: await readPreviewFactors(layout),
      loras: loras.map(({ name, hash }) => ({ name, hash })),
      perturbed: variant.perturbed,
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** The same denoiser where the reference answer comes from. */
async function onCpu(
  layout: ModelLayout,
  variant: OpenedVariant,
  clock: RunClock,
): Promise<Session> {
  const [flavour] = flavoursFor('cpu') as [Flavour];
  const source = await denoiserSource(layout, variant, flavour.style);
  return openSession(source, {
    provider: 'cpu',
    clock,
    mapWeights: true,
    ...sessionOf(source, flavour),
  });
}

/** ONNX folders are opened as they always were. */
function sessionOf(source: GraphSource, { session }: Flavour): Partial<Flavour['session']> {
  return source.kind === 'built' && source.own ? session : {};
}

/** fp32 GPU kernels may use TF32 (ten bits of mantissa); a wrong kernel is off by the size of the values. */
const TOLERANCE = { float32: 0.02, float16: 0.08 };

function judgeCanary(
  { maxError, dtype }: CanaryResult,
  provider: ProviderName,
  layout: ModelLayout,
  warn: LoadOptions['warn'],
): void {
  const tolerance = dtype === 'float16' ? TOLERANCE.float16 : TOLERANCE.float32;
  if (maxError === null || maxError <= tolerance) return;
  warn({ provider, model: layout.name, maxError, tolerance }, 'provider disagrees with the CPU');
  throw new Error(
    `a test run of ${basename(layout.folder)} differs from the CPU by ${(100 * maxError).toFixed(1)} % of its largest value ` +
      `(allowed: ${100 * tolerance} %); its driver computes wrong numbers`,
  );
}

function refuseUnsupported(layout: ModelLayout): void {
  if (layout.family !== 'flux') return;
  throw new RunError(say('model-is-flux', layout.name));
}

async function checkFiles(layout: ModelLayout): Promise<void> {
  const networks = [
    layout.denoiser,
    layout.vaeDecoder,
    ...layout.textEncoders.map((e) => e.source),
  ];
  for (const network of networks) {
    if (network.kind === 'tensors') continue;
    const info = await stat(network.path).catch(() => null);
    if (info === null || info.size < 16) {
      throw new RunError(say('model-file-empty', layout.name, shortName(network.path)));
    }
  }
}

/** Tells a damaged file, which is the person's to mend, from a provider that does not work. */
async function opensOnCpu(source: GraphSource, clock: RunClock): Promise<boolean> {
  try {
    const session = await openSession(source, { provider: 'cpu', clock, mapWeights: true });
    await session.release();
    return true;
  } catch {
    return false;
  }
}

function explainFile(error: unknown, { path }: GraphSource, layout: ModelLayout): RunError {
  const said = error instanceof Error ? error.message : String(error);
  const short = said.replaceAll(/\s+/g, ' ').trim().slice(0, 240);
  const absent = /external data|cannot get file size|No such file|does not exist/i.test(said);
  return new RunError(
    say(
      absent ? 'model-weights-absent' : 'model-file-damaged',
      layout.name,
      shortName(path),
      short,
    ),
  );
}

function shortName(path: string): string {
  return `${basename(dirname(path))}/${basename(path)}`;
}
