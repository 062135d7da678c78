/** From a folder to running sessions: chooses the provider, compares it with the CPU, keeps models within a budget. */
import { openEmbeddings } from '../text/embeddings.ts';
import { RunError, UserError } from '../errors.ts';
import { OPTIONAL_INPUTS } from '../guidance/conditioners.ts';
import { familyNamed } from '../families/families.ts';
import { say } from '../sentences.ts';
import { type Flavour, flavoursFor } from '../graphs/flavour.ts';
import type { AppliedLora } from '../lora/opened.ts';
import { layerShapes } from './graphs/layer-shapes.ts';
import type { DeviceName, ProviderName } from '../names.ts';
import { readPreviewFactors } from '../preview/preview.ts';
import { type TinyPreviews, tinyPreviewsOf } from '../preview/tiny-previews.ts';
import type { PreviewFactors } from '../preview/published.ts';
import { createSafetyChecker, type SafetyChecker } from '../network/safety.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import { deviceRefusal, providersFor, type RunClock, type Session } from '../network/session.ts';
import type { EncoderPart } from '../text/encoder-run.ts';
import { planFor } from '../families/opening/planned-layout.ts';
import { openReader } from '../families/opening/open-reader.ts';
import { type TextEncoder, createTextEncoder } from '../text/text-encoder.ts';
import { oneAtATime, type Turns } from '../network/one-at-a-time.ts';
import { createLanes, type Lanes } from '../network/sharing/lanes.ts';
import { channelBlock } from '../network/channel-block.ts';
import { evaluationBytes } from '../network/row-budget.ts';
import { createUnet, type Unet } from '../network/unet.ts';
import { denoiserOnCpu, type NetworkSessions, networkSessions } from './graphs/network-sessions.ts';
import { canaryOnce, judgeCanary, runCanary } from './canary.ts';
import type { ModelLayout } from './layout.ts';
import { checkFiles, checkUnchanged } from './model-files.ts';
import { noiseProcessOf } from './noise-process.ts';
import type { RegistryEntry } from './found/entries.ts';
import { concerning, type GraphEdit, type OpenedEdit } from './graphs/variant.ts';

export type LoadedModel = {
  entry: RegistryEntry;
  provider: ProviderName;
  /** which one of several GPUs it runs on; null: the first, or the CPU */
  deviceIndex: number | null;
  /** largest difference from the CPU as a share of the CPU's largest value; null when the CPU itself runs */
  canaryMaxError: number | null;
  textEncoder: TextEncoder;
  unet: Unet;
  /** its networks once more, in threads of their own; null where there can be none */
  lanes: Lanes | null;
  vaeDecoder: Session;
  /**
   * opened at first use: txt2img needs none.
   * @throws UserError when the folder has none
   */
  vaeEncoder(): Promise<Session>;
  /**
   * opened at first use; null when the folder has none.
   * @throws RunError for one that cannot be asked
   */
  safetyChecker(): Promise<SafetyChecker | null>;
  schedule: ModelSchedule;
  /** null until known; the pipeline fits them from the first picture then */
  preview: PreviewFactors | null;
  /** opened at first use; null where no tiny autoencoder for its latents lies beside it, or none that works */
  tinyPreviews(): Promise<TinyPreviews | null>;
  /** what its graphs were opened with beside their own weights */
  loras: readonly AppliedLora[];
  release(): Promise<void>;
};

/** The longest that a timer takes. */
const NEVER_MS = 2 ** 31 - 1;

export type LoadOptions = {
  device: DeviceName;
  /** which one of its kind; absent or null: the first */
  deviceIndex?: number | null;
  clock: RunClock;
  /** a lane that answers no sooner is given up; milliseconds, absent: it never is */
  stepDeadlineMs?: number;
  warn: (fields: object, message: string) => void;
  /** told of what will be done before it is done; absent: nobody listens */
  tell?: (fields: object, message: string) => void;
};

/**
 * @throws UserError for a damaged folder or a named device that does not work, ChangedError for files that became
 * others meanwhile
 */
export async function loadModel(
  given: RegistryEntry,
  options: LoadOptions,
  edits: readonly GraphEdit[] = [],
): Promise<LoadedModel> {
  refuseUnsupported(given.layout);
  await checkFiles(given.layout);
  const { layout, turns } = planned(given.layout, options);
  const entry = { ...given, layout };
  await layout.transformer?.prepare();
  const opened = await openEdits(edits, entry, options);
  await checkUnchanged(entry.layout);
  let loaded: LoadedModel | null = null;
  try {
    loaded = await loadOnFirst(providersFor(options.device), entry, options, opened, turns);
    await checkUnchanged(entry.layout);
    return { ...loaded, entry: given };
  } catch (error) {
    await loaded?.release();
    // What does not open because it is being replaced is not damaged.
    await checkUnchanged(entry.layout);
    throw error;
  }
}

/** By what the machine's memory holds. What a graphics card holds is not known: there all is kept unless a limit is set. */
function planned(
  layout: ModelLayout,
  { device, tell = () => {} }: LoadOptions,
): { layout: ModelLayout; turns: Turns | null } {
  if (layout.transformer === undefined) return { layout, turns: null };
  const plan = planFor(layout, providersFor(device)[0] === 'cpu');
  if (plan === null) return { layout, turns: null };
  for (const line of plan.lines) tell({ model: layout.name, plan: true }, line);
  return { layout: plan.layout, turns: plan.keeps === 'one' ? oneAtATime() : null };
}

/** Each opened for this model; what is left out of one is warned of. */
async function openEdits(
  edits: readonly GraphEdit[],
  { info, layout }: RegistryEntry,
  { warn }: LoadOptions,
): Promise<OpenedEdit[]> {
  let shapes: ReturnType<typeof layerShapes> | null = null;
  const model = {
    name: info.name,
    shapes: () => (shapes ??= layerShapes(layout)),
    layerNames: layout.transformer?.layerNames ?? null,
  };
  const opened: OpenedEdit[] = [];
  for (const edit of concerning(edits, layout)) {
    const own = await edit.open(model);
    if (own.lora?.note) warn({ lora: own.lora.name, model: info.name }, own.lora.note.words);
    opened.push(own);
  }
  return opened;
}

/**
 * The first provider that works and passes the canary; the last one's failure is told.
 * @throws UserError naming the last device and its failure; what the CPU fails with, as it came
 */
export async function loadOnFirst(
  providers: readonly ProviderName[],
  entry: RegistryEntry,
  options: LoadOptions,
  edits: readonly OpenedEdit[] = [],
  turns: Turns | null = null,
): Promise<LoadedModel> {
  const model = entry.info.name;
  const block = await channelBlock();
  const ways = providers.flatMap((provider) =>
    waysOn(provider, entry.layout, block).map((flavour) => ({ provider, flavour })),
  );
  for (const { provider, flavour } of ways) {
    const last = provider === ways.at(-1)?.provider && flavour === ways.at(-1)?.flavour;
    try {
      return await loadOn({ provider, flavour, turns }, entry, options, edits);
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
function waysOn(
  provider: ProviderName,
  layout: ModelLayout,
  block: number | null,
): readonly Flavour[] {
  const flavours = flavoursFor(provider, block);
  return layout.denoiser.kind === 'tensors' ? flavours : flavours.slice(0, 1);
}

/** Opens what it can one by one and closes all of it again when a later one fails. */
async function loadOn(
  { provider, flavour, turns }: { provider: ProviderName; flavour: Flavour; turns: Turns | null },
  entry: RegistryEntry,
  options: LoadOptions,
  edits: readonly OpenedEdit[],
): Promise<LoadedModel> {
  const { layout } = entry;
  const { clock, warn, deviceIndex = null, stepDeadlineMs: deadlineMs = NEVER_MS } = options;
  const tiny = tinyPreviewsOf(layout, { provider, deviceIndex, warn });
  const sessions = networkSessions(layout, edits, {
    provider,
    deviceIndex,
    flavour,
    clock,
    deadlineMs,
    ...(turns && { turns }),
  });
  const unetOf = (session: Session): Unet =>
    createUnet(session, layout, evaluationBytes(provider), OPTIONAL_INPUTS);
  // A graphics card takes one evaluation at a time.
  const mayHaveLanes = provider === 'cpu' && turns === null;
  const lanes = mayHaveLanes ? lanesOf(layout, sessions, unetOf, options) : null;
  try {
    const denoiser = await sessions.denoiser();
    const canary = await canaryOnce(canaryKey(layout, provider, deviceIndex, flavour), async () => {
      const reference = () => denoiserOnCpu(layout, edits, clock);
      const result = await runCanary(denoiser, layout, reference);
      judgeCanary(result, provider, layout, warn);
      return result;
    });
    return {
      entry,
      provider,
      deviceIndex: provider === 'cpu' ? null : deviceIndex,
      canaryMaxError: canary.maxError,
      textEncoder: await openTextEncoder(layout, sessions, edits, flavour),
      unet: unetOf(denoiser),
      lanes,
      vaeDecoder: await sessions.vaeDecoder(),
      ...openedLater(layout, sessions),
      schedule: noiseProcessOf(layout),
      preview: await readPreviewFactors(layout),
      tinyPreviews: () => tiny.open(),
      loras: edits.flatMap(({ lora }) => lora ?? []),
      async release() {
        await lanes?.close();
        await tiny.release();
        await sessions.release();
      },
    };
  } catch (error) {
    await sessions.release();
    throw error;
  }
}

function lanesOf(
  { name, denoiser, bytes }: ModelLayout,
  sessions: NetworkSessions,
  unetOf: (session: Session) => Unet,
  { tell }: LoadOptions,
): Lanes {
  return createLanes({
    // What is written over weights maps them, an export's are copied.
    bytesEach: denoiser.kind === 'tensors' ? 0 : bytes,
    openDenoiser: sessions.denoiserInThread,
    openVaeDecoder: sessions.vaeDecoderInThread,
    unetOf,
    onOpen: (lanes) => tell?.({ model: name, ...lanes }, 'lanes opened'),
  });
}

async function openTextEncoder(
  layout: ModelLayout,
  sessions: NetworkSessions,
  edits: readonly OpenedEdit[],
  { style }: Flavour,
): Promise<TextEncoder> {
  if (layout.transformer) {
    return openReader(layout, layout.transformer, sessions, style, edits);
  }
  const parts: EncoderPart[] = [];
  for (const files of layout.textEncoders) parts.push(await sessions.textEncoder(files));
  const bundled = edits.flatMap((edit) => edit.embeddings());
  return createTextEncoder(layout, parts, openEmbeddings(layout.beside, bundled));
}

/** Networks that not every picture needs. */
function openedLater(
  layout: ModelLayout,
  sessions: NetworkSessions,
): Pick<LoadedModel, 'vaeEncoder' | 'safetyChecker'> {
  let vaeEncoder: Session | null = null;
  let safetyChecker: SafetyChecker | null = null;
  return {
    async vaeEncoder() {
      if (layout.vaeEncoder === null) throw new UserError(say('no-vae-encoder', layout.name));
      vaeEncoder ??= await sessions.vaeEncoder(layout.vaeEncoder);
      return vaeEncoder;
    },
    async safetyChecker() {
      if (layout.safetyChecker === null) return null;
      safetyChecker ??= await createSafetyChecker(
        await sessions.safetyChecker(layout.safetyChecker),
        layout,
      );
      return safetyChecker;
    },
  };
}

/** Of a written graph; an export is edited for LoRAs, and runs anew. */
function canaryKey(layout: ModelLayout, ...way: readonly unknown[]): string {
  if (layout.denoiser.kind === 'file') return '';
  return JSON.stringify([layout.folder, layout.stamp, ...way]);
}

function refuseUnsupported({ name, family, denoiser }: ModelLayout): void {
  if (denoiser.kind === 'tensors' || familyNamed(family).limits.opensExports) return;
  throw new RunError(say('model-is-flux', name));
}
