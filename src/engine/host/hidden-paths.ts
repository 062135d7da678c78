import { basename, sep } from 'node:path';
import { RunError, UserError } from '../errors.ts';
import type { Said } from '../said.ts';

/** A path from the root, as programs write it into their messages. */
const ABSOLUTE =
  /(?<![\w./\\:])(?:[A-Za-z]:\\|\/)(?:[^\s"'`<>|:;,()[\]/\\]+[/\\])+([^\s"'`<>|:;,()[\]/\\]*)/g;

/**
 * The same error without where things lie on this machine: a model's files by their path below the models folder, all
 * others by their name. Whoever asks in a channel learns the model's name; the path is for the owner's log.
 */
export function withoutPaths(error: unknown, modelsDirs: readonly string[]): unknown {
  if (!(error instanceof UserError)) return error;
  const hide = (text: string): string => hidePaths(text, modelsDirs);
  const said = error.said.map((one): Said => ({
    ...one,
    values: one.values.map((value) => (typeof value === 'string' ? hide(value) : value)),
    words: hide(one.words),
  }));
  const message = hide(error.message);
  const isSame = message === error.message && said.every((one, at) => isEqual(one, error.said[at]));
  if (isSame) return error;
  const spoken = said.length > 0 ? said : message;
  const options = { cause: error };
  return error instanceof RunError ? new RunError(spoken, options) : new UserError(spoken, options);
}

function isEqual(a: Said, b: Said | undefined): boolean {
  return a.words === b?.words && a.values.every((value, at) => value === b.values[at]);
}

function hidePaths(text: string, modelsDirs: readonly string[]): string {
  let hidden = text;
  for (const folder of modelsDirs) {
    hidden = hidden.replaceAll(folder + sep, '').replaceAll(folder, basename(folder));
  }
  return hidden.replace(ABSOLUTE, (path, name: string) => name || basename(path));
}
