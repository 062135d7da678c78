/** What the pipeline paints with: a model whose sessions are open. */
import type { AppliedLora } from '../lora/opened.ts';
import type { DeviceName, ProviderName } from '../names.ts';
import type { SafetyChecker } from '../network/safety.ts';
import type { RunClock, Session } from '../network/session.ts';
import type { Lanes } from '../network/sharing/lanes.ts';
import type { Unet } from '../network/unet.ts';
import type { PreviewFactors } from '../preview/published.ts';
import type { TinyPreviews } from '../preview/tiny-previews.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import type { TextEncoder } from '../text/text-encoder.ts';
import type { RegistryEntry } from './found/entries.ts';

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
