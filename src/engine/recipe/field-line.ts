import { SPACE, WORD } from '../text/prompt/characters.ts';

/** As far as a label may reach. */
const RUN = new RegExp(`(?:${WORD}|[ \\-/])+`, 'gu');
const LABEL = new RegExp(`${WORD}(?:${WORD}|[ \\-/])+$`, 'u');
const VALUE = new RegExp(`${SPACE}*("(?:\\\\.|[^\\\\"])+"|[^,]*)(?:,|$)`, 'uy');

/**
 * The fields of a line such as `Steps: 20, Size: 512x512`: label and value of each, as A1111's pattern
 * `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)` finds them, in time that grows with the length of the line
 * alone. A label ends with the run of its characters or not at all, so it is looked for once a run, not from each letter.
 */
export function fieldsIn(line: string): { label: string; value: string }[] {
  const fields: { label: string; value: string }[] = [];
  RUN.lastIndex = 0;
  for (let run = RUN.exec(line); run !== null; run = RUN.exec(line)) {
    const end = RUN.lastIndex;
    const label = line[end] === ':' ? LABEL.exec(fromWord(run[0])) : null;
    if (label === null) continue;
    VALUE.lastIndex = end + 1;
    const value = VALUE.exec(line)?.[1] ?? '';
    fields.push({ label: label[0], value });
    RUN.lastIndex = VALUE.lastIndex;
    if (RUN.lastIndex >= line.length) break;
  }
  return fields;
}

/** A label begins with a letter, a digit or an underscore. */
function fromWord(run: string): string {
  return run.replace(/^[ \-/]+/, '');
}
