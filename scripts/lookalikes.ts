/**
 * Makes src/bot/policy/lookalikes.json: which Latin letters and digits other characters look like, by Unicode's table
 * of confusables (UTS #39). The characters that normalization resolves are left out, and so is all of ASCII: "rn" in a
 * prompt is no "m". Arguments: confusables.txt and UnicodeData.txt of one Unicode version
 * (https://www.unicode.org/Public/security/ and …/Public/UCD/).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TARGET = fileURLToPath(new URL('../src/bot/policy/lookalikes.json', import.meta.url));

/** The table has "l" for whatever is one stroke, "I" among it, and "rn" for every m. */
const ONE_STROKE = 'l';
const PROTOTYPES: Readonly<Record<string, string>> = { rn: 'm' };

const [confusablesFile, namesFile] = process.argv.slice(2);
if (confusablesFile === undefined || namesFile === undefined) {
  throw new Error('usage: scripts/lookalikes.ts confusables.txt UnicodeData.txt');
}
const table = readFileSync(confusablesFile, 'utf8');
const version = /^# Version: ([\d.]+)/m.exec(table)?.[1];
if (version === undefined) throw new Error(`${confusablesFile} names no version`);

const prototypes = new Map<string, string>();
for (const [, from, to] of table.matchAll(/^\s*([0-9A-F]+) ;\s*([0-9A-F ]+?) ;/gm)) {
  prototypes.set(charactersOf(from!), charactersOf(to!));
}

/** "LATIN LETTER SMALL CAPITAL T" and "LATIN SMALL LETTER L WITH BAR" say themselves what they are. */
const named = new Map<string, string>();
for (const line of readFileSync(namesFile, 'utf8').split('\n')) {
  const [code = '', name = ''] = line.split(';');
  const letter = /\bLATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .*)?$/.exec(
    name,
  )?.[1];
  if (letter !== undefined) named.set(charactersOf(code), letter.toLowerCase());
}

function charactersOf(codes: string): string {
  return codes
    .trim()
    .split(' ')
    .map((code) => String.fromCodePoint(Number.parseInt(code, 16)))
    .join('');
}

/** The prototype without its marks, where nothing but Latin letters and digits is left; else null. */
function latin(character: string): string | null {
  const prototype = prototypes.get(character) ?? (isPlain(character) ? character : null);
  if (prototype === null) return null;
  const letters = prototype.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return isPlain(letters) ? (PROTOTYPES[letters] ?? letters) : null;
}

function isPlain(text: string): boolean {
  return /^[a-z0-9]+$/i.test(text);
}

/** A small letter that looks like none of its size is taken for what its capital looks like: "к" is a small "К". */
function readAs(character: string): string | null {
  const grown = [...character.toUpperCase()].map(latin);
  return latin(character) ?? named.get(character) ?? (grown.includes(null) ? null : grown.join(''));
}

const small = new Map<string, string[]>();
const capital = new Map<string, string[]>();
const oneStroke: string[] = [];

function add(to: Map<string, string[]>, letters: string, character: string): void {
  to.set(letters, [...(to.get(letters) ?? []), character]);
}

for (let code = 0x80; code <= 0x1_ff_ff; code++) {
  if (code >= 0xd8_00 && code <= 0xdf_ff) continue;
  const character = String.fromCodePoint(code);
  if (character.normalize('NFKD') !== character) continue;
  if (/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(character)) continue;
  if (character.toLowerCase() !== character) {
    // "Ν" looks like an N, and the small "ν" like a v.
    const own = latin(character);
    if (own !== null && own !== readAs(character.toLowerCase())) add(capital, own, character);
    continue;
  }
  const letters = readAs(character);
  if (letters === null) continue;
  add(small, letters, character);
  if (letters === ONE_STROKE && named.get(character) === undefined) oneStroke.push(character);
}

const sorted = (readings: Map<string, string[]>): Record<string, string> =>
  Object.fromEntries(
    [...readings]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([read, characters]) => [read, characters.join('')]),
  );
const source = `Unicode ${version}, confusables.txt and UnicodeData.txt, © Unicode, Inc., by scripts/lookalikes.ts`;
const written = {
  source,
  small: sorted(small),
  capital: sorted(capital),
  oneStroke: oneStroke.join(''),
};
// Everything escaped: right-to-left letters would turn an editor's lines around.
const json = JSON.stringify(written, null, 2).replaceAll(/[^\0-~©]/g, (unit) => {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
});
writeFileSync(TARGET, `${json}\n`);
console.log(`${small.size + capital.size} readings from Unicode ${version}: ${TARGET}`);
