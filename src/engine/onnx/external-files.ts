/** Files beside a graph that hold its weights, and where they really lie: a hub's cache links each out of its folder. */
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { type OnnxFile, readOnnx, writeOnnx } from './graph.ts';
import { type Field, find, asText, messageField, readFields, textField } from './wire.ts';

/** TensorProto.external_data, and in it StringStringEntryProto { key = 1, value = 2 } */
const EXTERNAL_DATA = 13;

/**
 * An edited copy of the graph at the path, and the folder from which its weights are found. ONNX Runtime refuses weights
 * that links lead out of that folder, unless the graph itself says where they lie.
 */
export async function withWeightsFound(
  path: string,
  bytes: Uint8Array,
): Promise<{ bytes: Uint8Array; weightsIn: string }> {
  const folder = dirname(path);
  if (!(await linksOut(folder, basename(path)))) return { bytes, weightsIn: folder };
  const file = readOnnx(bytes);
  const places = new Map<string, string>();
  for (const location of locationsOf(file)) {
    // One that is not there is ONNX Runtime's to name.
    const place = await realpath(join(folder, location)).catch(() => null);
    if (place !== null) places.set(location, place);
  }
  const weightsIn = commonFolder([...places.values()]);
  relocate(file, (location) => {
    const place = places.get(location);
    return place === undefined ? location : relative(weightsIn, place).split(sep).join('/');
  });
  return { bytes: writeOnnx(file), weightsIn };
}

async function linksOut(folder: string, graph: string): Promise<boolean> {
  const home = await realpath(folder);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isSymbolicLink() || entry.name === graph) continue;
    const place = await realpath(join(folder, entry.name)).catch(() => home + sep);
    if (!isBelow(home, place)) return true;
  }
  return false;
}

function locationsOf({ entries }: OnnxFile): Set<string> {
  const found = new Set<string>();
  for (const entry of entries) {
    const external = entry.kind === 'initializer' ? entry.tensor.external : null;
    if (external !== null) found.add(external.location);
  }
  return found;
}

function relocate({ entries }: OnnxFile, newPlace: (location: string) => string): void {
  for (const entry of entries) {
    if (entry.kind !== 'initializer' || entry.tensor.external === null) continue;
    const { external } = entry.tensor;
    const location = newPlace(external.location);
    entry.tensor = { ...entry.tensor, external: { ...external, location } };
    const fields = readFields(entry.field.bytes).map((field) =>
      isLocation(field)
        ? messageField(EXTERNAL_DATA, [textField(1, 'location'), textField(2, location)])
        : field,
    );
    entry.field = messageField(entry.field.number, fields);
  }
}

function isLocation({ number, bytes }: Field): boolean {
  if (number !== EXTERNAL_DATA) return false;
  const key = find(readFields(bytes), 1);
  return key !== undefined && asText(key) === 'location';
}

/**
 * ONNX Runtime takes weights from below one folder; the root holds them all, except for drives of Windows.
 * @throws Error when the files lie on several drives
 */
export function commonFolder(files: readonly string[]): string {
  let common = dirname(files[0] ?? sep);
  for (const file of files) {
    while (!isBelow(common, file)) {
      const parent = dirname(common);
      if (parent === common) throw new Error(`${file} lies on another drive than ${files[0]}`);
      common = parent;
    }
  }
  return common;
}

function isBelow(folder: string, file: string): boolean {
  return file.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
