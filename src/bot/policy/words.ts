import { RE2JS } from 're2js';

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

  /** Words whose letters stand alone, as in "n u d e"; of four letters and more, because initials are no words. */
  function entrySpelledOut(tokens: readonly string[]): string | null {
    for (const run of lettersApart(tokens)) {
      for (const [word, entry] of single) if (word.length >= 4 && run.includes(word)) return entry;
      for (const { needle, entry } of phrases) {
        const word = needle.trim();
        if (word.length >= 4 && run.includes(word)) return entry;
      }
    }
    return null;
  }

  return {
    find(text) {
      const folded = fold(text);
      const tokens = tokensOf(folded);
      for (const token of tokens) {
        const entry = single.get(token);
        if (entry !== undefined) return entry;
      }
      const spelled = entrySpelledOut(tokens);
      if (spelled !== null) return spelled;
      const line = ` ${tokens.join(' ')} `;
      const dense = line.replaceAll(' ', '');
      return (
        phrases.find(({ needle }) => line.includes(needle))?.entry ??
        anywhere.find(({ needle }) => dense.includes(needle))?.entry ??
        compiled.find(({ pattern }) => [text, folded].some((one) => pattern.matcher(one).find()))
          ?.entry ??
        null
      );
    },
  };
}

/** null when RE2 does not take it: a syntax error, or something only backtracking could match. */
export function compilePattern(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
  } catch {
    return null;
  }
}

/** Letters of other scripts that look like Latin ones, and what folding by Unicode alone leaves. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  (
    'аa вb сc ԁd еe ɡg һh іi јj кk мm нh оo рp ԛq ѕs тt уy хx ԝw αa βb εe ιi κk νv οo ' +
    'ρp τt υu χx ßss ıi øo łl đd æae œoe'
  )
    .split(' ')
    .map((pair) => [pair.slice(0, 1), pair.slice(1)]),
);
const DIGITS: ReadonlyMap<string, string> = new Map(
  Object.entries({ 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' }),
);

const SPACELESS =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/**
 * Text as it is compared: compatibility forms resolved, accents, stacked marks and invisible characters gone, one
 * letter case, lookalikes made Latin. Both sides go through it, so no script is worse off.
 */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .toLowerCase()
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
  'nsfw, nude, nudes, nudity, nudist, naked woman, naked man, naked girl, topless, ' +
  'uncensored, porn*, hentai, xxx, rule 34, rule34, sex, sexual*, erotic*, orgasm*, ' +
  'masturbat*, blowjob*, handjob*, cumshot*, bukkake, gangbang*, creampie, bdsm, ' +
  'fetish*, genital*, penis*, vagina*, vulva*, clitoris, dildo*, nipples, areola*, ' +
  'ahegao, futanari, milf, nackt, nackte, nackter, nacktbild*, porno*, sexuell*, ' +
  'erotisch*'
).split(', ');
