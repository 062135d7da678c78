/** A model on one provider, in one flavour of its graphs: all its sessions, or none. */
import { openEmbeddings } from '../../text/embeddings.ts';
import { UserError } from '../../errors.ts';
import { OPTIONAL_INPUTS } from '../../guidance/conditioners.ts';
import { say } from '../../sentences.ts';
import type { Flavour } from '../../graphs/flavour.ts';
import type { ProviderName } from '../../names.ts';
import { readPreviewFactors } from '../../preview/preview.ts';
import { tinyPreviewsOf } from '../../preview/tiny-previews.ts';
import { createSafetyChecker, type SafetyChecker } from '../../network/safety.ts';
import type { Session } from '../../network/session.ts';
import type { EncoderPart } from '../../text/encoder-run.ts';
import { openReader } from '../../families/opening/open-reader.ts';
import { type TextEncoder, createTextEncoder } from '../../text/text-encoder.ts';
import type { Turns } from '../../network/one-at-a-time.ts';
import { createLanes, type Lanes } from '../../network/sharing/lanes.ts';
import { evaluationBytes } from '../../network/row-budget.ts';
import { createUnet, type Unet } from '../../network/unet.ts';
import {
  denoiserOnCpu,
  type NetworkSessions,
  networkSessions,
} from '../graphs/network-sessions.ts';
import type { OpenedEdit } from '../graphs/variant.ts';
import type { LoadedModel, LoadOptions } from '../loaded-model.ts';
import type { ModelLayout } from '../layout.ts';
import { noiseProcessOf } from '../noise-process.ts';
import type { RegistryEntry } from '../found/entries.ts';
import { canaryOnce, judgeCanary, runCanary } from './canary.ts';

/** The longest that a timer takes. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * Opens what it can one by one and closes all of it again when a later one fails. `turns`: its networks share one place in
 * memory; null: each stays.
 * @throws what ONNX Runtime throws, Error where the provider's answers are not the CPU's, RunError for damaged weights
 */
export async function loadOn(
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
