/** What a network was trained to predict: the one thing that shapes do not tell. */
import type { UnetFamily } from '../families/unet-family.ts';
import { say } from '../sentences.ts';
import type { CheckpointInfo, Facts } from './checkpoint.ts';
import { isFloating, readNumbers } from './file/numbers.ts';
import { metadataPrediction, metadataZeroSnr } from './metadata.ts';
import type { PartTensors } from './tensors.ts';

type Predicted = Pick<CheckpointInfo, 'prediction' | 'zeroTerminalSnr'>;

/** Whoever is nearest to the model is asked first: its owner, what lies beside it, its own marks, its weights. */
export async function predictionOf(
  facts: Facts,
  unet: PartTensors,
  family: UnetFamily,
): Promise<Predicted> {
  const prediction =
    fromOverride(facts) ??
    facts.words.prediction ??
    fromMarkers(facts) ??
    fromScheduler(facts) ??
    metadataPrediction(facts.metadata) ??
    (family.isToldByWeights ? await fromWeights(unet) : null) ??
    ({ value: 'epsilon', how: say('how-unknown') } as const);
  return { prediction, zeroTerminalSnr: isZeroSnr(facts, prediction.value) };
}

type Said = CheckpointInfo['prediction'] | null;

function fromOverride({ words: { override } }: Facts): Said {
  const told = override?.scheduler?.['prediction_type'];
  const value =
    override?.prediction ??
    (['epsilon', 'v_prediction', 'sample'] as const).find((each) => each === told);
  if (override === null || value === undefined) return null;
  return { value, how: say('how-beside', override.file) };
}

/** Empty tensors that trainers of v-prediction models on SDXL leave, which ComfyUI and A1111 read. */
const MARKERS = ['v_pred', 'ztsnr'] as const;

function fromMarkers({ tensors }: Facts): Said {
  if (!tensors.has('v_pred')) return null;
  const keys = MARKERS.filter((key) => tensors.has(key));
  return {
    value: 'v_prediction',
    how: keys.length > 1 ? say('how-markers', keys.join(', ')) : say('how-marker', keys.join()),
  };
}

function fromScheduler({ folder }: Facts): Said {
  if (folder === null || folder.scheduler === null) return null;
  const value = folder.scheduler['prediction_type'] ?? 'epsilon';
  const known = (['epsilon', 'v_prediction', 'sample'] as const).find((each) => each === value);
  return known === undefined ? null : { value: known, how: say('how-scheduler') };
}

/** ComfyUI's rule for SD 2 (supported_models.py, SD20.model_type): how far this norm's biases are spread. */
const TELLING = 'up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias';
const SPREAD_OF_V = 0.09;

async function fromWeights(unet: PartTensors): Promise<Said> {
  const tensor = unet.get(TELLING);
  if (tensor === undefined || !isFloating(tensor.type) || tensor.length === 0) return null;
  const numbers = await readNumbers(tensor);
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
  const spread = Math.sqrt(
    numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0) / numbers.length,
  );
  if (!Number.isFinite(spread)) return null;
  return {
    value: spread > SPREAD_OF_V ? 'v_prediction' : 'epsilon',
    how: say('how-weights', spread.toFixed(3), String(SPREAD_OF_V)),
  };
}

function isZeroSnr(facts: Facts, prediction: string): boolean {
  const { words, folder, tensors, metadata } = facts;
  const own = words.override?.scheduler?.['rescale_betas_zero_snr'];
  if (typeof own === 'boolean') return own;
  if (folder !== null && folder.scheduler !== null) {
    return folder.scheduler['rescale_betas_zero_snr'] === true;
  }
  const marked =
    tensors.has('ztsnr') || words.zeroTerminalSnr === true || metadataZeroSnr(metadata);
  // At the last level noise alone is left, of which a network that predicts noise says nothing.
  return marked && prediction === 'v_prediction';
}
