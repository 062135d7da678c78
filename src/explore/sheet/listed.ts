/**
 * Texts as people list them: comma-separated values with quotes, as Python's csv module reads them (skipinitialspace),
 * which is how A1111's X/Y/Z plot takes its prompts. Every line goes on with the list.
 */

/** What phones make of a quotation mark. */
const CURLED = /[\u201c\u201d\u201e\u201f\u2033\uff02]/g;

/** Without spaces around; `quoted` tells an empty text that was meant from one that only stands between two commas. */
type Field = { text: string; quoted: boolean };

/** Values in their order; what is empty and not quoted is none. */
export function listed(text: string): string[] {
  return fieldsIn(text.replaceAll(CURLED, '"'))
    .filter(({ text: value, quoted }) => quoted || value !== '')
    .map(({ text: value }) => value);
}

/** A quote opens a quoted part only at a field's beginning; doubled inside, it is a quote. */
function fieldsIn(text: string): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at <= text.length) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    const quoted = text[at] === '"';
    let value = '';
    if (quoted) {
      at++;
      while (at < text.length) {
        if (text[at] !== '"') value += text[at++];
        else if (text[at + 1] === '"') {
          value += '"';
          at += 2;
        } else break;
      }
      at++;
    }
    const end = endOfField(text, at);
    value += text.slice(at, end);
    fields.push({ text: value.trim(), quoted });
    at = end + 1;
  }
  return fields;
}

function endOfField(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') at++;
  return at;
}

/** Values as `listed` reads them back. */
export function asList(values: readonly string[]): string {
  return values
    .map((value) =>
      value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value,
    )
    .join(',');
}
