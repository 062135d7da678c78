/** The opening sign of an emphasis that is not closed yet, and the weight to close it with. */
type Open = { sign: '{' | '[' | '::'; weight: string; from: number };

const CLOSES = { '}': '{', ']': '[' } as const;
const WEIGHTS = { '{': '1.05', '[': '0.95' } as const;
/** A weight, the end of one, a bracket, or text up to the next of them. */
const TOKEN = /(?<![\w.])-?(?:\d+(?:\.\d*)?|\.\d+)::|::|[{}[\]()]|[^:{}[\]()\d.-]+|./gsu;

/**
 * A prompt of NovelAI in A1111's signs: `{word}` weighs 1.05 there and `[word]` 1/1.05; `1.3::words::` weighs 1.3 and
 * `-2::words::` -2, up to the next `::` or number, or to the end; a `::` closes brackets that were opened inside. A1111's
 * own brackets are text (docs.novelai.net, "Strengthening and weakening").
 */
export function fromNovelPrompt(prompt: string): string {
  const out: string[] = [];
  const open: Open[] = [];
  let openWeights = 0;
  const close = (): void => {
    const { sign, weight, from } = open.pop() as Open;
    if (sign === '::') openWeights--;
    if (out.length === from) out.length = from - 1;
    else out.push(`:${weight})`);
  };
  const closeThroughWeight = (): void => {
    // Looked for only where there is one: else each `::` would look through all that is open.
    if (openWeights === 0) return;
    const at = open.findLastIndex((each) => each.sign === '::');
    while (open.length > at) close();
  };
  const begin = (sign: Open['sign'], weight: string): void => {
    out.push('(');
    if (sign === '::') openWeights++;
    open.push({ sign, weight, from: out.length });
  };
  for (const [token] of prompt.matchAll(TOKEN)) {
    if (token === '(' || token === ')') out.push(`\\${token}`);
    else if (token === '{' || token === '[') begin(token, WEIGHTS[token]);
    else if (token === '}' || token === ']') {
      const isInner = open.at(-1)?.sign === CLOSES[token];
      if (isInner) close();
    } else if (token.endsWith('::')) {
      closeThroughWeight();
      if (token.length > 2) begin('::', String(Number(token.slice(0, -2))));
    } else out.push(token);
  }
  while (open.length > 0) close();
  return out.join('');
}
