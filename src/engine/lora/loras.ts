/** The folder of LoRA files: which of them a prompt means. Files are read only when a prompt asks. */
import { UserError } from '../errors.ts';
import type { NamedFile } from '../model/named-files.ts';
import { say } from '../sentences.ts';
import { lorasFor } from './files.ts';
import { loraAliases } from './hashes.ts';
import type { ChosenLora } from './opened.ts';
import type { LoraUse } from './tags.ts';

/** The names that prompts for a model may use, in order; `beside`: see ModelLayout. */
export async function loraNames(
  beside: readonly string[],
  onCircle?: (path: string) => void,
): Promise<string[]> {
  return (await lorasFor(beside, onCircle)).map(({ name }) => name).toSorted();
}

/** Names of files, and files' names by what their makers called them. */
export type KnownLoras = {
  loras?: readonly string[];
  loraAliases?: Readonly<Record<string, string>>;
};

/** @throws UserError for a name without a file */
export async function chooseLoras(
  uses: readonly LoraUse[],
  beside: readonly string[],
): Promise<readonly ChosenLora[]> {
  if (uses.length === 0) return [];
  const files = await lorasFor(beside);
  const known = {
    loras: files.map(({ name }) => name),
    loraAliases: await loraAliases(beside),
  };
  return uses.map((use) => {
    const found = findLora(use.name, known);
    const file = files.find(({ name }) => name === found) as NamedFile;
    return { ...use, ...file };
  });
}

/** The name as the file has it; capitals do not matter. Null when there is none. */
export function knownLora(
  wanted: string,
  { loras = [], loraAliases: aliases = {} }: KnownLoras,
): string | null {
  const small = wanted.toLowerCase();
  const own = loras.find((name) => name.toLowerCase() === small);
  return own ?? (Object.hasOwn(aliases, small) ? (aliases[small] ?? null) : null);
}

/** The same. @throws UserError when there is none */
export function findLora(wanted: string, known: KnownLoras): string {
  const found = knownLora(wanted, known);
  if (found !== null) return found;
  const { loras: names = [] } = known;
  throw new UserError(
    names.length === 0
      ? say('no-lora-at-all', wanted.slice(0, 60))
      : say('no-lora', wanted.slice(0, 60), likelyOnes(wanted, names)),
  );
}

const LISTED = 12;

/** Names that begin like the wanted one come first: people type from memory. */
function likelyOnes(wanted: string, names: readonly string[]): string {
  const start = wanted.slice(0, 3).toLowerCase();
  const rank = (name: string): number => (name.toLowerCase().includes(start) ? 0 : 1);
  const more = names.length - LISTED;
  const shown = names.toSorted((a, b) => rank(a) - rank(b)).slice(0, LISTED);
  return shown.join(', ') + (more > 0 ? ` … (+${more})` : '');
}
