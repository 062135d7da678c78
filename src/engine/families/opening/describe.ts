/** What a path holds of a diffusion transformer, complete or not, for people and programs. */
import { UserError } from '../../errors.ts';
import type { ModelInfo } from '../../request.ts';
import { layoutOfTransformer } from './model-layout.ts';
import { familyAt, openTransformer } from './open-transformer.ts';

export type TransformerDescription = {
  layout: 'transformer';
  family: ModelInfo['family'];
  title: string;
  prediction: { value: 'flow'; how: string };
  inpainting: boolean;
  /** networks at hand, the transformer first */
  parts: readonly string[];
  /** what the transformer's weights are stored in */
  dtype: string;
  bytes: number;
  /** the sentence about what is missing; null: it can paint */
  needs: string | null;
};

/** Null: the path is another kind of model. */
export async function describeTransformer(
  path: string,
  modelsDir: string,
): Promise<TransformerDescription | null> {
  const found = await familyAt(path);
  if (found === null) return null;
  const { family, dtype, bytes } = found;
  const described = {
    layout: 'transformer',
    family: family.name,
    title: family.title,
    prediction: { value: 'flow', how: 'all models of the family' },
    inpainting: false,
    dtype,
    bytes,
  } as const;
  try {
    const opened = await openTransformer(path, modelsDir, { vae: null, textEncoders: [] });
    if (opened === null) return null;
    const layout = layoutOfTransformer(opened, modelsDir);
    const encoders = opened.encoders.map(({ wanted }) => wanted.kind);
    return {
      ...described,
      parts: ['transformer', 'vae', ...encoders],
      bytes: layout.bytes,
      inpainting: layout.inpainting,
      needs: null,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...described, parts: ['transformer'], needs: error.message };
  }
}
