/** Models in words, for the screen. */
import type { Inspected } from '../../engine/inspect.ts';
import type { ModelInfo } from '../../engine/request.ts';

/** The models folder as a table; of checkpoints what they predict, and how that is known. */
export function modelTable(
  models: readonly ModelInfo[],
  deviceOf: (name: string) => string,
): string {
  if (models.length === 0)
    return 'There is no model yet: put a .safetensors file or a model folder into MODELS_DIR.\n';
  const rows = [
    ['name', 'family', 'size', 'hash', 'device'],
    ...models.map(({ name, family, inpainting, nativeSize, hash }) => [
      name,
      inpainting ? `${family} inpainting` : family,
      `${nativeSize.width}x${nativeSize.height}`,
      hash,
      deviceOf(name),
    ]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const watched = models.filter(({ safetyChecker }) => safetyChecker).map(({ name }) => name);
  const safety =
    watched.length === 0
      ? 'No model here has a safety checker: nobody looks at the pictures.'
      : `With a safety checker: ${watched.join(', ')}.`;
  const loras = [...new Set(models.flatMap(({ loras: own }) => own ?? []))].toSorted();
  const tags =
    loras.length === 0
      ? 'No LoRA yet: put .safetensors files into MODELS_DIR/loras and write <lora:name:0.8> into a prompt.'
      : `LoRA: ${loras.map((name) => `<lora:${name}:1>`).join(' ')}`;
  const known = models.flatMap(checkpointLine);
  return `${[...lines, ...known, safety, tags].join('\n')}\n`;
}

function checkpointLine({ name, checkpoint, defaults }: ModelInfo): string[] {
  if (checkpoint === undefined) return [];
  const { prediction, zeroTerminalSnr, dtype, vae } = checkpoint;
  const words = [
    `${prediction.value}${zeroTerminalSnr ? ' with zero terminal SNR' : ''} (${prediction.how.words})`,
    dtype,
    ...(vae === null ? [] : [`VAE: ${vae.words}`]),
    ...(defaults.clipSkip === undefined ? [] : [`clip skip ${defaults.clipSkip}`]),
  ];
  return [`${name}: ${words.join('; ')}`];
}

/** One file or folder, a line a fact. */
export function inspectedInWords(file: Inspected): string {
  if ('refused' in file) return `${file.path}\n  ${file.refused.why}\n`;
  if (file.layout === 'onnx') {
    const { family, inpainting, nativeSize } = file;
    const kind = `${family}${inpainting ? ' inpainting' : ''}`;
    return `${file.path}\n  an ONNX folder: ${kind}, ${nativeSize.width}x${nativeSize.height}\n`;
  }
  if (file.layout === 'transformer') {
    const needs = file.needs === null ? '' : `  needs      ${file.needs}\n`;
    return `${file.path}\n  family     ${file.title}\n  parts      ${file.parts.join(', ')}; ${file.dtype}\n${needs}`;
  }
  const { prediction, scheduler, distilled, vae, needs } = file;
  const parts = [
    'unet',
    ...(file.has_vae ? ['vae'] : []),
    ...file.text_encoders.map(({ part }) => part),
    ...(file.has_safety_checker ? ['safety checker'] : []),
  ];
  const facts: [string, string][] = [
    ['family', `${file.family}${file.inpainting ? ' inpainting' : ''}, ${file.native_size} pixels`],
    ['predicts', `${prediction.value} (${prediction.how})`],
    ['scheduler', `${scheduler.class} (${scheduler.how})`],
    ['parts', `${parts.join(', ')}; ${file.dtype}`],
    ...(file.zero_terminal_snr ? [['zero terminal SNR', 'yes'] as [string, string]] : []),
    ...(distilled
      ? [['distilled', `${distilled.kind}, ${distilled.steps} steps`] as [string, string]]
      : []),
    ...(file.clip_skip ? [['clip skip', String(file.clip_skip)] as [string, string]] : []),
    ...(vae ? [['vae', vae.how] as [string, string]] : []),
    ...(needs ? [['needs', needs] as [string, string]] : []),
  ];
  const lines = facts.map(([name, value]) => `  ${name.padEnd(9)}  ${value}`);
  return `${file.path}\n${lines.join('\n')}\n`;
}
