/** From a folder to running sessions: what memory holds of it, with which edits, on the first provider that works. */
import { RunError, UserError } from '../errors.ts';
import { familyNamed } from '../families/families.ts';
import { say } from '../sentences.ts';
import { type Flavour, flavoursFor } from '../graphs/flavour.ts';
import { layerShapes } from './graphs/layer-shapes.ts';
import type { ProviderName } from '../names.ts';
import { deviceRefusal, providersFor } from '../network/session.ts';
import { planFor } from '../families/opening/planned-layout.ts';
import { oneAtATime, type Turns } from '../network/one-at-a-time.ts';
import { channelBlock } from '../network/channel-block.ts';
import type { LoadedModel, LoadOptions } from './loaded-model.ts';
import { loadOn } from './loading/load-on.ts';
import type { ModelLayout } from './layout.ts';
import { checkFiles, checkUnchanged } from './model-files.ts';
import type { RegistryEntry } from './found/entries.ts';
import { concerning, type GraphEdit, type OpenedEdit } from './graphs/variant.ts';

/**
 * Loads a model, with `edits` in its graphs.
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

function refuseUnsupported({ name, family, denoiser }: ModelLayout): void {
  if (denoiser.kind === 'tensors' || familyNamed(family).limits.opensExports) return;
  throw new RunError(say('model-is-flux', name));
}
