/** Times as a chat shows them, in the reader's own locale. */

const DAY = 86_400;
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * DAY],
  ['month', 30 * DAY],
  ['day', DAY],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** "in 20 seconds", "3 minutes ago" for a difference in seconds (positive: still to come). */
export function relativeTime(difference: number, locale?: string): string {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const size = Math.abs(difference);
  const [unit, seconds] = UNITS.find(([, length]) => size >= length) ?? UNITS.at(-1)!;
  return format.format(Math.trunc(difference / seconds), unit);
}

/** Discord's timestamp styles t T d D f F; `R` is relativeTime's. */
export function styledTime(date: Date, style: string, locale?: string): string {
  const options: Record<string, Intl.DateTimeFormatOptions> = {
    t: { timeStyle: 'short' },
    T: { timeStyle: 'medium' },
    d: { dateStyle: 'short' },
    D: { dateStyle: 'long' },
    f: { dateStyle: 'long', timeStyle: 'short' },
    F: { dateStyle: 'full', timeStyle: 'short' },
  };
  return new Intl.DateTimeFormat(locale, options[style] ?? options['f']).format(date);
}

/** The time beside a message: today the hour alone, else the day too. */
export function messageTime(date: Date, now: Date, locale?: string): string {
  const hour = styledTime(date, 't', locale);
  const days = Math.round((midnight(now) - midnight(date)) / (DAY * 1000));
  if (days === 0) return hour;
  if (days === 1) return `Yesterday at ${hour}`;
  return `${styledTime(date, 'd', locale)} ${hour}`;
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
