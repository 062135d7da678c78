/** Findings in words and as JSON. */
import type { Finding } from './finding.ts';

export type Report = { findings: readonly Finding[]; seconds: number };

const SIGN: Readonly<Record<Finding['level'], string>> = { good: '✓', warning: '!', stops: '✗' };

/** Nothing stops it from painting. */
export const isFit = ({ findings }: Pick<Report, 'findings'>): boolean =>
  !findings.some(({ level }) => level === 'stops');

/** Writes the findings as aligned lines, each trouble with what mends it. */
export function reportInWords({ findings, seconds }: Report): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(width + 4);
  const lines = findings.map(({ check, level, said, mend }) => {
    const line = `${SIGN[level]} ${check.padEnd(width)}  ${said}`;
    return mend === null || level === 'good' ? line : `${line}\n${indent}→ ${mend}`;
  });
  return `${lines.join('\n')}\n\n${summary(findings)} (${seconds.toFixed(1)} s)\n`;
}

/** One sentence: whether it paints, and how much is to be looked at. */
export function summary(findings: readonly Finding[]): string {
  const count = (level: Finding['level']): number =>
    findings.filter((one) => one.level === level).length;
  const [stopping, warnings] = [count('stops'), count('warning')];
  const notes =
    warnings === 0 ? '' : `${warnings} ${warnings === 1 ? 'thing' : 'things'} to look at`;
  if (stopping === 0) return notes === '' ? 'All is well.' : `It paints; ${notes}.`;
  const what =
    stopping === 1
      ? 'One thing stops it from painting'
      : `${stopping} things stop it from painting`;
  return notes === '' ? `${what}.` : `${what}; ${notes} besides.`;
}

/** Writes the findings as one line of JSON; `ok`: nothing stops the bot. */
export function reportAsJson(report: Report): string {
  const { findings, seconds } = report;
  return JSON.stringify({ ok: isFit(report), seconds: Math.round(seconds * 10) / 10, findings });
}
