import { RE2JS } from 're2js';
import lookalikes from './lookalikes.json' with { type: 'json' };

/** Finds words that are not allowed; every search takes time linear in the text. */
export type WordFilter = {
  /** The list's own entry that matched, or null. */
  find(text: string): string | null;
};

/**
 * `words`: words and phrases, compared folded (see `fold`) and as whole words; `nud*` also matches longer words.
 * In scripts that put no spaces between words an entry matches anywhere. `patterns`: RE2 syntax, no letter case,
 * tried on the text as written and folded; one that RE2 does not take is passed over.
 */
export function createWordFilter(
  words: readonly string[],
  patterns: readonly string[] = [],
): WordFilter {
  const single = new Map<string, string>();
  const phrases: { needle: string; entry: string }[] = [];
  const anywhere: { needle: string; entry: string }[] = [];
  for (const entry of words) {
    const open = entry.trim().endsWith('*');
    const needle = tokensOf(fold(entry)).join(' ');
    if (needle === '') continue;
    if (SPACELESS.test(needle)) anywhere.push({ needle: needle.replaceAll(' ', ''), entry });
    else if (open) phrases.push({ needle: ` ${needle}`, entry });
    else if (needle.includes(' ')) phrases.push({ needle: ` ${needle} `, entry });
    else single.set(needle, entry);
  }
  const compiled = patterns.flatMap((entry) => {
    const pattern = compilePattern(entry);
    return pattern === null ? [] : [{ pattern, entry }];
  });

  function findIn(folded: string): string | null {
    const tokens = tokensOf(folded);
    for (const token of tokens) {
      const entry = single.get(token);
      if (entry !== undefined) return entry;
    }
    const spelled = entrySpelledOut(tokens, single, phrases);
    if (spelled !== null) return spelled;
    const line = ` ${tokens.join(' ')} `;
    const dense = line.replaceAll(' ', '');
    return (
      phrases.find(({ needle }) => line.includes(needle))?.entry ??
      anywhere.find(({ needle }) => dense.includes(needle))?.entry ??
      null
    );
  }

  return {
    find(text) {
      const readings = readingsOf(text);
      for (const reading of readings) {
        const entry = findIn(reading);
        if (entry !== null) return entry;
      }
      const tried = [text, ...readings];
      return (
        compiled.find(({ pattern }) => tried.some((one) => pattern.matcher(one).find()))?.entry ??
        null
      );
    },
  };
}

/** Words whose letters stand alone, as in "n u d e"; of four letters and more, because initials are no words. */
function entrySpelledOut(
  tokens: readonly string[],
  single: ReadonlyMap<string, string>,
  phrases: readonly { needle: string; entry: string }[],
): string | null {
  for (const run of lettersApart(tokens)) {
    for (const [word, entry] of single) if (word.length >= 4 && run.includes(word)) return entry;
    for (const { needle, entry } of phrases) {
      const word = needle.trim();
      if (word.length >= 4 && run.includes(word)) return entry;
    }
  }
  return null;
}

/** null when RE2 does not take it: a syntax error, or something only backtracking could match. */
export function compilePattern(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
  } catch {
    return null;
  }
}

/** Small characters of any script by the Latin letters and digits that they look like. */
const LOOKALIKES = charactersOf(lookalikes.small);
/** Capitals that look otherwise than their small letter: "Ν" like an N, "ν" like a v. */
const CAPITALS = charactersOf(lookalikes.capital);

function charactersOf(byLetters: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(byLetters).flatMap(([letters, characters]) =>
      Array.from(characters, (character) => [character, letters] as const),
    ),
  );
}

/** One stroke each: an l to the table, and in a word as likely an i. */
const ONE_STROKE: ReadonlySet<string> = new Set(lookalikes.oneStroke);
const DIGITS: ReadonlyMap<string, string> = new Map(
  Object.entries({ 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' }),
);

const SPACELESS =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/**
 * Text as it is compared: compatibility forms resolved, accents, stacked marks and invisible characters gone, one
 * letter case, lookalikes made Latin by Unicode's table of confusables. Both sides go through it, so no script is
 * worse off. ASCII stays as it is: an "rn" is no "m".
 */
export function fold(text: string): string {
  return latinized(bare(text).toLowerCase());
}

/** The ways to read a text: folded, with its capitals taken as they look, and with an i for whatever is one stroke. */
function readingsOf(text: string): Set<string> {
  const plain = bare(text);
  const capitals = plain.replaceAll(/\P{ASCII}/gu, (one) => CAPITALS.get(one) ?? one);
  const read = [plain, capitals].map((one) => one.toLowerCase());
  const strokes = read.map((one) =>
    one.replaceAll(/\P{ASCII}/gu, (each) => (ONE_STROKE.has(each) ? 'i' : each)),
  );
  return new Set([...read, ...strokes].map(latinized));
}

function bare(text: string): string {
  return text.normalize('NFKD').replaceAll(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');
}

/** Small letters in; lower case can bring marks of its own. */
function latinized(small: string): string {
  return small
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/\P{ASCII}/gu, (letter) => LOOKALIKES.get(letter) ?? letter);
}

/** Runs of letters and digits; digits that stand for letters count as these where letters are beside them. */
function tokensOf(folded: string): string[] {
  return (folded.match(/[\p{L}\p{N}@$]+/gu) ?? []).map((token) =>
    /\p{L}/u.test(token)
      ? token.replaceAll(/[013457@$]/g, (digit) => DIGITS.get(digit) ?? digit)
      : token,
  );
}

/** The letters of every run of at least four single ones, joined. */
function lettersApart(tokens: readonly string[]): string[] {
  const marked = tokens.map((token) => ([...token].length === 1 ? token : ' ')).join('');
  return marked.split(/ +/).filter((run) => run.length >= 4);
}

/** What counts as not safe for work everywhere, before a server adds to it. Unambiguous words only. */
export const NSFW_WORDS: readonly string[] = (
  'nsfw, nude, nudes, nudity, nudist, nudists, naked, nakedness, topless, ' +
  'uncensored, porn*, hentai, xxx, rule 34, rule34, sex, sexual*, erotic*, orgasm*, ' +
  'masturbat*, blowjob*, handjob*, cumshot*, bukkake, gangbang*, creampie, bdsm, ' +
  'fetish*, genital*, penis*, vagina*, vulva*, clitoris, dildo*, nipples, areola*, ' +
  'ahegao, futanari, milf, nackt, nackte, nackter, nackten, nacktem, nacktes, ' +
  'nacktbild*, porno*, sexuell*, ' +
  'erotisch*'
).split(', ');
