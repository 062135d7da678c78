import { stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import { inspect } from '../../engine/inspect.ts';
import { CATALOGUE } from '../../hub/catalogue.ts';
import { hashOf, readPulled, verifyPulled } from '../../hub/shelf.ts';

/** What a verification found; `words` is one line for people. */
export type VerifiedModel = {
  name: string;
  /** files that are as they were fetched */
  whole: number;
  problems: readonly string[];
  /** of a single file that nobody fetched: to compare with its page */
  sha256?: string;
  words: string;
};

type Watch = { signal: AbortSignal; onBytes: (bytes: number, of: number) => void };

/** What was fetched against what was noted then; what somebody put there, against the catalogue. */
export async function verifyModel(
  modelsDir: string,
  name: string,
  watch: Watch,
): Promise<VerifiedModel> {
  try {
    const pulled = await readPulled(modelsDir, name);
    if (pulled === null) return await verifyDropped(modelsDir, name, watch);
    const { whole, problems } = await verifyPulled(modelsDir, name, watch);
    const files = whole === 1 ? 'file' : 'files';
    const words =
      problems.length === 0
        ? `${name} is whole: ${whole} ${files}.`
        : `${name}: ${problems.join('; ')}. To mend it: npm run -s models -- pull ${pulled.source} --as "${name}"`;
    return { name, whole, problems, words };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { name, whole: 0, problems: [error.message], words: error.message };
  }
}

/** Nobody told its hash, but its structure can be read, and it may be one of the catalogue's. */
async function verifyDropped(
  modelsDir: string,
  name: string,
  { signal, onBytes }: Watch,
): Promise<VerifiedModel> {
  const file = await fileOf(name, modelsDir);
  const found = await inspect(file?.path ?? name, modelsDir);
  if ('refused' in found) {
    const { code, why } = found.refused;
    const unknown = `There is no model ${name} in ${modelsDir}, and none of that name was fetched.`;
    const words = code === 'file-is-absent' ? unknown : `${name}: ${why}`;
    return { name, whole: 0, problems: [words], words };
  }
  const start = `${name} was not fetched by \`models pull\`: its structure is whole`;
  if (file === null) {
    return { name, whole: 0, problems: [], words: `${start}, and there is no hash to compare with.` };
  }
  const sha256 = await hashOf(file.path, signal, (bytes) => onBytes(bytes, file.bytes));
  const known = CATALOGUE.find((entry) => entry.sha256 === sha256);
  const words =
    known === undefined
      ? `${start}; compare its SHA-256 ${sha256} with its page.`
      : `${start}, and it is ${known.name} of the catalogue to the byte.`;
  return { name, whole: known === undefined ? 0 : 1, problems: [], sha256, words };
}

async function fileOf(
  name: string,
  modelsDir: string,
): Promise<{ path: string; bytes: number } | null> {
  const endings = ['', '.safetensors', '.sft', '.gguf'];
  for (const one of endings.map((ending) => path.resolve(modelsDir, name + ending))) {
    const info = await stat(one).catch(() => null);
    if (info?.isFile()) return { path: one, bytes: info.size };
  }
  return null;
}
