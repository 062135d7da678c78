/**
 * A part of a list of numbers that people type: `5`, `1 5 10`, `3..12 by 1.5`, and A1111's `3-12 (+1.5)`. All exact:
 * a tenth ten times is one, and a seed of 64 bits keeps its last digit.
 */
export type Range = { from: string; to: string; by: string };

const DOTS = /^(\S+?)\s*(?:\.{2,3}|…)\s*(\S+?)(?:\s+(?:by|step)\s+(\S+))?$/i;
const DASH = /^([\d.]+)\s*[-–]\s*([\d.]+)(?:\s+(?:by|step)\s+(\S+)|\s*\(\+?([^()\s]+)\))?$/i;

/** null for what is not written as a range; its ends and step are still to be read as numbers. */
export function rangeIn(part: string): Range | null {
  const [, from, to, by, plus] = DOTS.exec(part) ?? DASH.exec(part) ?? [];
  if (from === undefined || to === undefined) return null;
  return { from, to, by: by ?? plus ?? '1' };
}

const WHOLE = /^\d{1,20}$/;
const DECIMAL = /^(?:\d{1,20}\.?\d{0,20}|\.\d{1,20})$/;

/** `signed`: also numbers below nothing. */
export type NumberKind = 'whole' | 'decimal' | 'signed';

/** The number in its shortest writing, so that 7 and 7.0 are seen as one; null for what is none. */
export function numberIn(text: string, kind: NumberKind): string | null {
  const plain = text.trim();
  const isBelow = kind === 'signed' && /^[-\u2212]/.test(plain);
  const size = isBelow ? plain.slice(1) : plain;
  if (!(kind === 'whole' ? WHOLE : DECIMAL).test(size)) return null;
  const [before = '', after = ''] = size.split('.');
  const rest = after.replace(/0+$/, '');
  const written = `${BigInt(before)}${rest === '' ? '' : `.${rest}`}`;
  return isBelow && written !== '0' ? `-${written}` : written;
}

/** A range whose numbers were read, in whole units of its smallest decimal place. */
export type Spread = { from: bigint; to: bigint; step: bigint; places: number };

/** Reads a range exactly, without floating point: 0.1 is one unit of one decimal place. */
export function spreadOf({ from, to, by }: Range): Spread {
  const places = Math.max(...[from, to, by].map((text) => text.split('.')[1]?.length ?? 0));
  const units = (text: string): bigint => {
    const [before = '', after = ''] = text.replace(/^-/, '').split('.');
    const size = BigInt(before + after.padEnd(places, '0'));
    return text.startsWith('-') ? -size : size;
  };
  return { from: units(from), to: units(to), step: units(by), places };
}

/** How many values it has: the first, and every step up to the end. The step is not 0, and the end not before the beginning. */
export function countOf({ from, to, step }: Spread): bigint {
  return (to - from) / step + 1n;
}

/** Writes whole units back as a decimal number without trailing zeros. */
export function written(units: bigint, places: number): string {
  if (units < 0n) return `-${written(-units, places)}`;
  if (places === 0) return String(units);
  const digits = String(units).padStart(places + 1, '0');
  const rest = digits.slice(-places).replace(/0+$/, '');
  return `${digits.slice(0, -places)}${rest === '' ? '' : `.${rest}`}`;
}

/** The same ends with as many values as `most`, or nearly: the step is made a multiple of itself. */
export function thinned(spread: Spread, most: number): Spread {
  const times = (countOf(spread) + BigInt(most) - 1n) / BigInt(most);
  return { ...spread, step: spread.step * times };
}
