/** What the doctor found out about one thing. */
export type Finding = {
  /** what was looked at, e.g. `memory` */
  check: string;
  /** `stops`: Darkroom does not paint, or does not start, as long as this is so */
  level: 'good' | 'warning' | 'stops';
  said: string;
  /** the line that mends it; null: nothing is to be mended, or `said` has it */
  mend: string | null;
  /** figures, for programs */
  facts?: Readonly<Record<string, unknown>>;
};

type More = { mend?: string; facts?: Finding['facts'] };

const finding =
  (level: Finding['level']) =>
  (check: string, said: string, { mend, facts }: More = {}): Finding => ({
    check,
    level,
    said,
    mend: mend ?? null,
    ...(facts === undefined ? {} : { facts }),
  });

export const good = finding('good');
export const warning = finding('warning');
export const stops = finding('stops');

/** A check that fails itself is told as one that found trouble (`as`); the others go on. */
export async function guarded(
  check: string,
  work: () => Promise<readonly Finding[]> | readonly Finding[],
  as: typeof warning = warning,
): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    const { message } = error as Error;
    return [as(check, `this could not be looked at: ${message.replaceAll(/\s*\n\s*/g, ' ')}`)];
  }
}
