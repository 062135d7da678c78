/** The files of a model folder: its sub-folders with their sizes and ages, its small JSON files, read with care. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../is-record.ts';
import { RunError, UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { EMBEDDINGS_FOLDER, LORAS_FOLDER } from './named-files.ts';
import { readTextFile } from '../text/text-file.ts';

export type Json = Record<string, unknown>;

export type Component = { graph: boolean; bytes: number; stamp: string };

/**
 * Sub-folders with the size and age of their graph and its external data.
 * @throws UserError when the folder cannot be read
 */
export async function componentsOf(folder: string, name: string): Promise<Map<string, Component>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => null);
  if (entries === null) {
    throw new UserError(say('model-folder-unreadable', folder));
  }
  const components = new Map<string, Component>();
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    // Textual inversions and LoRAs are read when a prompt calls them: see embeddings.ts, lora/loras.ts.
    if (entry.isFile() || entry.name === EMBEDDINGS_FOLDER || entry.name === LORAS_FOLDER) continue;
    const files = await readdir(join(folder, entry.name)).catch((): string[] => []);
    let bytes = 0;
    const stamps: string[] = [];
    for (const file of files.toSorted()) {
      const info = await stat(join(folder, entry.name, file)).catch(() => null);
      if (info === null || !info.isFile()) continue;
      stamps.push(`${file}=${info.size}@${info.mtimeMs}`);
      if (!/\.(json|txt|md)$/.test(file)) bytes += info.size;
    }
    if (stamps.length === 0) continue;
    components.set(entry.name, {
      graph: files.includes('model.onnx'),
      bytes,
      stamp: stamps.join(),
    });
  }
  if (components.size === 0) throw missing(name, 'unet/model.onnx');
  return components;
}

/**
 * The object that a JSON file of a folder holds; `fallback` where there is no file.
 * @throws RunError naming the file when it holds none
 */
export async function readJson(
  folder: string,
  name: string,
  file: string,
  fallback?: Json,
): Promise<Json> {
  let text: string;
  try {
    text = await readTextFile(join(folder, file));
  } catch {
    if (fallback !== undefined) return fallback;
    throw missing(name, file);
  }
  try {
    const value: unknown = JSON.parse(quoteInfinities(text));
    if (isRecord(value)) return value;
  } catch {
    // told below
  }
  throw new RunError(say('config-not-an-object', name, file));
}

/** Python writes infinities as bare words (DPM++'s lambda_min_clipped), which JSON does not know. */
function quoteInfinities(text: string): string {
  return text.replaceAll(/"(?:\\.|[^"\\])*"|-?Infinity|NaN/g, (found) =>
    found.startsWith('"') ? found : `"${found}"`,
  );
}

/** The refusal of a folder that lacks a file. */
export function missing(name: string, file: string): UserError {
  return new UserError(say('model-lacks', name, file));
}

/** A whole number above 0 of a config, else the fallback. */
export function positive(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : fallback;
}

/** How many levels a config names. @throws RunError where it names none */
export function lengthOf(value: unknown, name: string, component: string): number {
  if (Array.isArray(value) && value.length > 0) return value.length;
  throw new RunError(say('no-block-channels', name, component));
}
