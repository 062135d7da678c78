/** Options and words of a command line, read strictly. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UserError } from '../../engine/errors.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * `hint` follows Node's own first sentence about a mistake; absent, it names all options.
 * @throws UserError, one line
 */
export function parseCommandLine<T extends Options>(
  args: readonly string[],
  options: T,
  hint: string = namesOf(options),
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    // Without the advice on positionals that follows.
    const [sentence = ''] = (error as Error).message.split(/\. |\n/);
    throw new UserError(`${sentence.replace(/\.$/, '')}. ${hint}`);
  }
}

/** The same of a command that takes no words. @throws UserError for a word, and as parseCommandLine */
export function parseOptions<T extends Options>(args: readonly string[], options: T) {
  const { values, positionals } = parseCommandLine(args, options);
  const [word] = positionals;
  if (word === undefined) return values;
  throw new UserError(`Unexpected argument '${word.slice(0, 60)}'. ${namesOf(options)}`);
}

function namesOf(options: Options): string {
  const names = Object.keys(options).map((name) => `--${name}`);
  const last = names.pop() ?? '';
  return names.length === 0 ? `There is ${last}.` : `There are ${names.join(', ')} and ${last}.`;
}
