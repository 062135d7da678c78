/** A model's short name for recipes: ten hexadecimal digits that change with its weights. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readBytes } from '../../checkpoint/file/numbers.ts';
import type { NetworkSource } from '../layout.ts';

const hashes = new Map<string, Promise<string>>();

/** `key` stands for what is hashed, and changes with it: gigabytes are not read again for every look. */
export function fingerprint(key: string, denoiser: NetworkSource): Promise<string> {
  let hash = hashes.get(key);
  if (hash === undefined) {
    hash = denoiser.kind === 'file' ? ofGraph(denoiser.path) : ofTensors(denoiser);
    hashes.set(key, hash);
    hash.catch(() => hashes.delete(key));
  }
  return hash;
}

/**
 * First 10 hex digits of SHA-256 over the denoiser's graph file followed by the name and size of each external data
 * file: gigabytes of weights are never read only to name a model.
 */
async function ofGraph(graph: string): Promise<string> {
  const sha = createHash('sha256');
  for await (const part of createReadStream(graph, { highWaterMark: 1 << 18 })) {
    sha.update(part as Buffer);
  }
  const folder = dirname(graph);
  for (const file of (await readdir(folder)).toSorted()) {
    if (file === basename(graph) || /\.(json|txt|md)$/.test(file) || isLitter(file)) continue;
    const info = await stat(join(folder, file)).catch(() => null);
    if (info?.isFile()) sha.update(`${file} ${info.size}\n`);
  }
  return sha.digest('hex').slice(0, 10);
}

/** What desktops, file managers and downloads leave in every folder. */
function isLitter(file: string): boolean {
  return (
    file.startsWith('.') ||
    /^(?:thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r|__macosx|@eadir)$/i.test(file) ||
    /(?:~|\.(?:tmp|part|crdownload|lock|sha256|md5|log|bak|orig|url|lnk))$/i.test(file)
  );
}

const SAMPLES = 24;
const SAMPLE_BYTES = 4096;

/**
 * Of tensors: SHA-256 over their names and shapes, and over samples of their bytes from all over the network, since
 * models of one family differ in nothing else.
 */
async function ofTensors({
  tensors,
}: Extract<NetworkSource, { kind: 'tensors' }>): Promise<string> {
  const sha = createHash('sha256');
  const sorted = [...tensors].toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, { type, shape }] of sorted) sha.update(`${name} ${type} ${shape.join()}\n`);
  const every = Math.max(1, Math.floor(sorted.length / SAMPLES));
  const sampled = sorted
    .filter((_, i) => i % every === 0)
    .map(([, tensor]) => ({ ...tensor, ...tensor.source }));
  for (const bytes of await readBytes(sampled, SAMPLE_BYTES)) sha.update(bytes);
  return sha.digest('hex').slice(0, 10);
}
