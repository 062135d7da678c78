/** What is wrong with a model's files, in words, when they are missing, empty or do not open. */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { RunError } from '../errors.ts';
import type { GraphSource } from '../network/graph-source.ts';
import { openSession, type RunClock } from '../network/session.ts';
import { say } from '../sentences.ts';
import type { ModelLayout } from './layout.ts';

/** @throws RunError naming a graph that is empty or not there */
export async function checkFiles(layout: ModelLayout): Promise<void> {
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

/**
 * Graphs point into files by numbers that hold for the files as they were.
 * @throws ChangedError when one of them has become another since its header was read
 */
export async function checkUnchanged({ name, files = new Map() }: ModelLayout): Promise<void> {
  for (const [file, stamp] of files) {
    const info = await stat(file).catch(() => null);
    // a folder's files are looked at when it is read again
    if (info?.isDirectory()) continue;
    if (info === null || `${info.size}@${info.mtimeMs}` !== stamp) {
      throw new ChangedError(say('model-changed', name, basename(file)));
    }
  }
}

/** Read again, it may be opened. */
export class ChangedError extends RunError {}

/** Tells a damaged file, which is the person's to mend, from a provider that does not work. */
export async function opensOnCpu(source: GraphSource, clock: RunClock): Promise<boolean> {
  try {
    // weights of a written graph would be cast and kept, twice what the file takes
    const asWritten = source.kind === 'built' && source.own;
    const options = { provider: 'cpu', clock, mapWeights: true, asWritten } as const;
    const session = await openSession(source, options);
    await session.release();
    return true;
  } catch {
    return false;
  }
}

/**
 * Says in a person's words why ONNX Runtime could not open a model's file: its weights are absent, or it is damaged.
 */
export function explainFile(error: unknown, { path }: GraphSource, layout: ModelLayout): RunError {
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
