import { createHash } from 'node:crypto';
import { SAMPLERS, SCHEDULES } from '../../src/engine/names.ts';
import { AUTO_STEPS, type ChoiceName, type Choices } from '../../src/bot/order/choices.ts';

/** Of a name in a button: names may be longer than a button's id, and other versions may know others. */
const mark = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 5);

const NONE = 'n';
const AUTO = 'a';

/** Values in the order of their names, in the few signs that a button's id may hold. */
export function written(names: readonly ChoiceName[], before: Choices): string {
  const parts = names.map((name) => {
    const value = before[name];
    if (value === undefined) return NONE;
    if (value === AUTO_STEPS) return AUTO;
    if (typeof value === 'number') return String(value).replace('.', 'z');
    if (typeof value === 'object') return `${value.width}x${value.height}`;
    return `h${mark(String(value))}`;
  });
  return parts.map((part) => `-${part}`).join('');
}

/** null for what this program did not write. */
export function readBack(
  names: readonly ChoiceName[],
  text: string,
  models: readonly string[],
): Choices | null {
  const parts = text.split('-').slice(1);
  if (parts.length !== names.length) return null;
  const entries = names.map((name, at): [ChoiceName, unknown] => {
    const part = parts[at] ?? '';
    if (part === NONE) return [name, undefined];
    if (part === AUTO) return [name, AUTO_STEPS];
    const size = /^(\d+)x(\d+)$/.exec(part);
    if (size !== null) return [name, { width: Number(size[1]), height: Number(size[2]) }];
    if (/^\d+(?:z\d+)?$/.test(part)) return [name, Number(part.replace('z', '.'))];
    const known: readonly string[] =
      name === 'model' ? models : name === 'sampler' ? SAMPLERS : SCHEDULES;
    return [name, known.find((one) => `h${mark(one)}` === part)];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
