import type { ModelLayout } from '../model/layout.ts';
import type { Conditioner, OptionalInput } from '../network/feeds.ts';
import type { Session } from '../network/session.ts';
import type { GenerateRequest } from '../request.ts';

/** What a kind may look at to begin: the model that is asked. */
export type ConditionedModel = { entry: { layout: ModelLayout }; vaeEncoder(): Promise<Session> };

/** Something that a request may ask for and that a denoiser is told in inputs of its own. See conditioners.ts. */
export type ConditionerKind = {
  inputs: readonly OptionalInput[];
  /**
   * For all passes of a request; null: it has nothing to say.
   * @throws UserError for a model that does not take it
   */
  begin(request: GenerateRequest, model: ConditionedModel): Promise<Conditioner | null>;
};
