/** The small calculators of node packs. */
import type { Rule } from '../graph.ts';

/** a + b and the like of the small calculators: +, -, *, / and brackets over the names a, b, c, d. */
function calculated(
  expression: string,
  values: Readonly<Record<string, number | undefined>>,
): number | undefined {
  let at = 0;
  let levels = 0;
  const signs = expression.replaceAll(/\s/g, '').slice(0, 400);
  const peek = (): string => signs[at] ?? '';
  const atom = (): number => {
    if (peek() === '-') {
      at++;
      return -atom();
    }
    if (peek() === '(') {
      at++;
      if (++levels > 50) return Number.NaN;
      const inner = sum();
      if (peek() !== ')') return Number.NaN;
      at++;
      return inner;
    }
    const [word = ''] = /^(?:\d+\.?\d*|\.\d+|[a-d])/.exec(signs.slice(at, at + 24)) ?? [];
    at += word.length;
    return word === '' ? Number.NaN : (values[word] ?? Number(word));
  };
  const product = (): number => {
    let value = atom();
    while (peek() === '*' || peek() === '/') {
      const sign = signs[at++];
      if (sign === '/' && peek() === '/') {
        at++;
        value = Math.floor(value / atom());
      } else value = sign === '*' ? value * atom() : value / atom();
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (peek() === '+' || peek() === '-')
      value = signs[at++] === '+' ? value + product() : value - product();
    return value;
  };
  const value = sum();
  return at === signs.length && Number.isFinite(value) ? value : undefined;
}

export const math: Rule = (node) => {
  const expression = node.text('expression', 'value', 'python_expression');
  if (expression === undefined) return undefined;
  const value = calculated(expression, {
    a: node.number('a'),
    b: node.number('b'),
    c: node.number('c'),
    d: node.number('d'),
  });
  return value !== undefined && node.slot === 0 ? Math.trunc(value) : value;
};
