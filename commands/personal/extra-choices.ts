/** What Discord proposes while somebody types into `extra`: the options there are, then the values of the one begun. */
import { WORD_NAMES } from '../../src/engine/request-codec.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import { wordsOf } from '../../src/engine/said.ts';
import { say } from '../../src/engine/sentences.ts';
import type { Choice, Scene } from '../../src/bot/interaction/command.ts';
import { describedIn } from '../../src/bot/interaction/localize.ts';
import { VAE_OF_MODEL } from '../../src/bot/order/choices.ts';
import { readExtra } from '../../src/bot/order/extra.ts';
import { isHeard, isOfGuidance } from '../../src/bot/order/unguided.ts';
import { EXTRA_ROWS, OPTION_ROWS, type OptionRow } from '../../src/bot/order/table.ts';
import { plainLine, shorten } from '../../src/bot/render/markdown.ts';

/** Of a choice's name and value. */
const LONGEST = 100;

/** `typed`: what stands there so far; each choice goes on from there. */
export async function extraChoices(
  typed: string,
  model: ModelInfo | null,
  { engine, text }: Pick<Scene, 'engine' | 'text'>,
): Promise<Choice[]> {
  const { items, unknown } = readExtra(typed);
  const last = items.at(-1);
  const word = unknown.at(-1);
  const isWord = word !== undefined && word.from > (last?.from ?? -1);
  const row = EXTRA_ROWS.find(({ name }) => name === last?.name);
  const isBegun = !isWord && row !== undefined && /\S$/.test(typed) && last?.to === typed.length;
  const begun = isWord ? word.from : isBegun ? last!.from : typed.length;
  const before = plainLine(typed.slice(0, begun));
  const said = new Set(items.filter(({ from }) => from < begun).map(({ name }) => name));

  const wanted = (isWord ? word.word : '').toLowerCase();
  const left = EXTRA_ROWS.filter(
    ({ name, option }) => !said.has(name) && option.includes(wanted) && hears(model, name),
  );
  const deaf = OPTION_ROWS.find(({ name }) => name === last?.name);
  if (model?.unguided && deaf !== undefined && isOfGuidance(deaf.name)) {
    const why = wordsOf([say('option-needs-guidance', deaf.option, model.name)], text.said);
    return [{ name: shorten(why, LONGEST), value: typed.trim().slice(0, LONGEST) }];
  }
  const proposals = isBegun
    ? (await valuesOf(row, engine))
        .filter((value) => value.toLowerCase().startsWith(last!.value.toLowerCase()))
        .map((value) => ({ row, value }))
    : await Promise.all(
        left
          .toSorted((a, b) => beginsOtherwise(a, wanted) - beginsOtherwise(b, wanted))
          .map((one) => exampleOf(one, engine)),
      );
  const choices = proposals.map(({ row: { option, description }, value }) => {
    const whole = `${before} ${option}:${/\s/.test(value) ? `"${value}"` : value}`.trim();
    const name = shorten(`${whole} — ${describedIn(text, description)}`, LONGEST);
    return { name, value: whole };
  });
  const own = isBegun && last!.value !== '' ? [{ name: typed.trim(), value: typed.trim() }] : [];
  const all = [...own, ...choices.filter(({ value }) => value !== own[0]?.value)];
  return all.filter(({ value }) => value.length <= LONGEST).slice(0, 25);
}

function hears(model: ModelInfo | null, name: OptionRow['name']): boolean {
  return model === null || isHeard(name, model);
}

const beginsOtherwise = ({ option }: OptionRow, wanted: string): number =>
  option.startsWith(wanted) ? 0 : 1;

async function exampleOf(row: OptionRow, engine: Scene['engine']) {
  const values = await valuesOf(row, engine);
  // The first number of several is the usual "none".
  const value = (row.kind === 'number' ? values[Math.floor(values.length / 2)] : values[0]) ?? '';
  return { row, value };
}

async function valuesOf(row: OptionRow, engine: Scene['engine']): Promise<readonly string[]> {
  if (row.kind === 'switch') return ['true', 'false'];
  if (row.kind === 'choice') return WORD_NAMES[row.names];
  if (typeof row.extra === 'object') return row.extra.map(String);
  const vaes = (await engine.models()).flatMap((model) => model.vaes ?? []);
  return [VAE_OF_MODEL, ...new Set(vaes)];
}
