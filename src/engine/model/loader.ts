/** From a folder to running sessions: chooses the provider, compares it with the CPU, keeps models within a budget. */
import { openEmbeddings } from '../text/embeddings.ts';
import { RunError, UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { type Flavour, flavoursFor } from '../graphs/flavour.ts';
import { decoderInBands, encoderInBands } from '../graphs/vae-bands.ts';
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
import { evaluationBytes } from '../network/row-budget.ts';
import { createUnet, type Unet } from '../network/unet.ts';
import { withBands } from '../network/banded.ts';
import { builtSource, type GraphSource } from '../network/graph-source.ts';
import {
  denoiserSource,
  openEncoder,
  type OpenedVariant,
  safetyCheckerSource,
  vaeDecoderSource,
  vaeEncoderSource,
} from './model-graphs.ts';
import { judgeCanary, runCanary } from './canary.ts';
import type { ModelLayout, NetworkSource } from './layout.ts';
import { checkFiles, explainFile, opensOnCpu } from './model-files.ts';
import { noiseProcessOf } from './noise-process.ts';
import type { RegistryEntry } from './registry.ts';

export type LoadedModel = {
  entry: RegistryEntry;
  provider: ProviderName;
  /** which one of several GPUs it runs on; null: the first, or the CPU */
  deviceIndex: number | null;
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
  /** which one of its kind; absent or null: the first */
  deviceIndex?: number | null;
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
  { clock, warn, deviceIndex = null }: LoadOptions,
  variant: OpenedVariant,
): Promise<LoadedModel> {
  const { layout } = entry;
  const { loras } = variant;
  const { style, vaeStyle } = flavour;
  const opened: Session[] = [];
  const open = async (source: GraphSource): Promise<Session> => {
    try {
      const options = { provider, deviceIndex, clock, ...sessionOf(source, flavour) };
      const session = await openSession(source, options);
      opened.push(session);
      return session;
    } catch (error) {
      if (provider !== 'cpu' && (await opensOnCpu(source, clock))) throw error;
      throw explainFile(error, source, layout);
    }
  };
  /** Large pictures go band by band through a network that was written here; a band's session is gone after it. */
  const openVae = async (
    network: NetworkSource,
    bands: typeof decoderInBands,
  ): Promise<Session> => {
    const write = bands === decoderInBands ? vaeDecoderSource : vaeEncoderSource;
    const session = await open(write(network, vaeStyle));
    if (network.kind === 'file') return session;
    return withBands(
      session,
      () => bands(network.tensors, vaeStyle),
      (graph) =>
        openSession(builtSource(network.path, graph), { provider, clock, ...flavour.session }),
    );
  };
  const release = async (): Promise<void> => {
    for (const session of opened.splice(0)) await session.release();
  };

  try {
    const denoiser = await open(await denoiserSource(layout, variant, style));
    const unet = createUnet(denoiser, layout, evaluationBytes(provider));
    const canary = await runCanary(denoiser, layout, () => onCpu(layout, variant, clock));
    judgeCanary(canary, provider, layout, warn);
    const parts: EncoderPart[] = [];
    for (const files of layout.textEncoders) {
      parts.push(await openEncoder(files, layout, loras, open, style));
    }
    const vaeDecoder = await openVae(layout.vaeDecoder, decoderInBands);
    let vaeEncoder: Session | null = null;
    let safetyChecker: SafetyChecker | null = null;
    return {
      entry,
      provider,
      deviceIndex: provider === 'cpu' ? null : deviceIndex,
      canaryMaxError: canary.maxError,
      textEncoder: createTextEncoder(layout, parts, openEmbeddings(layout.beside)),
      unet,
      vaeDecoder,
      async vaeEncoder() {
        if (layout.vaeEncoder === null) {
          throw new UserError(say('no-vae-encoder', layout.name));
        }
        vaeEncoder ??= await openVae(layout.vaeEncoder, encoderInBands);
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
      perturbed: variant.perturbed || layout.denoiser.kind === 'tensors',
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

function refuseUnsupported(layout: ModelLayout): void {
  if (layout.family !== 'flux') return;
  throw new RunError(say('model-is-flux', layout.name));
}
