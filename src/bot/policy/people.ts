import { createHash } from 'node:crypto';

const MARK = 'sha256:';

/** Stands for a person who asked to be forgotten and stays blocked: their id is kept nowhere. */
export function markOf(userId: string): string {
  return MARK + createHash('sha256').update(`darkroom ${userId}`).digest('hex');
}

export const isMark = (value: string): boolean => /^sha256:[0-9a-f]{64}$/.test(value);

/** Is this person in a list of ids and marks? */
export function isAmong(people: readonly string[], userId: string): boolean {
  if (people.includes(userId)) return true;
  return people.some(isMark) && people.includes(markOf(userId));
}
