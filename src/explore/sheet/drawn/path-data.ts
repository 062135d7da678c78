import type { PathCommand } from 'opentype.js';

type Line = Extract<PathCommand, { type: 'M' | 'L' }>;

/**
 * The `d` of an SVG `<path>`, in hundredths of a pixel, as opentype.js writes it where it writes it well. It keeps every
 * fraction that it has ever rounded, which a bot that draws sheets for months has no memory for, writes NaN for fractions
 * below a millionth, and leaves out the space in front of what is rounded to 0 from below.
 */
export function pathData(commands: readonly PathCommand[]): string {
  return withoutDoubles(commands)
    .map((command) => command.type + numbers(command))
    .join('');
}

/** Without lines that lead nowhere, and one at the end that leads back to within a pixel: a filled path closes itself. */
function withoutDoubles(commands: readonly PathCommand[]): readonly PathCommand[] {
  const kept: PathCommand[] = [];
  let start: Line | null = null;
  for (const [at, command] of commands.entries()) {
    const before = kept.at(-1);
    if (command.type === 'M') start = command;
    if (command.type === 'L' && start !== null && before !== undefined) {
      const next = commands[at + 1];
      const isLast = next === undefined || next.type === 'Z';
      if (isLast ? isNear(command, start) : isSame(command, before)) continue;
    }
    kept.push(command);
  }
  return kept;
}

function isNear(one: Line, other: Line): boolean {
  return Math.abs(one.x - other.x) <= 1 && Math.abs(one.y - other.y) <= 1;
}

function isSame(one: Line, other: PathCommand): boolean {
  return other.type !== 'Z' && one.x === other.x && one.y === other.y;
}

function numbers(command: PathCommand): string {
  return valuesOf(command)
    .map(hundredths)
    .map((written, at) => (at === 0 || written.startsWith('-') ? written : ` ${written}`))
    .join('');
}

function valuesOf(command: PathCommand): readonly number[] {
  switch (command.type) {
    case 'Z':
      return [];
    case 'C':
      return [command.x1, command.y1, command.x2, command.y2, command.x, command.y];
    case 'Q':
      return [command.x1, command.y1, command.x, command.y];
    default:
      return [command.x, command.y];
  }
}

/** Of the fraction as it is written, for 0.285 times 100 is less than 28.5; whole numbers without a point. */
function hundredths(value: number): string {
  const whole = Math.floor(value);
  const fraction = value - whole;
  const rounded = whole + (fraction < 1e-6 ? 0 : Math.round(Number(`${fraction}e2`)) / 100);
  return Math.round(value) === rounded ? String(rounded) : rounded.toFixed(2);
}
