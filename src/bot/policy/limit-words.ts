import { UserError } from '../../engine/errors.ts';
import { LimitError } from '../../queue/allowance.ts';
import type { Line } from '../../queue/line.ts';
import type { LimitReached } from '../../queue/allowance.ts';
import type { Text } from '../text/text.ts';
import { type Asking, placeOf } from './place.ts';
import { limitsFor } from './policy.ts';
import type { Tools } from './gate.ts';

/** Below this part of the day's seconds a person is told what is left. */
const NEAR = 0.2;

/** The sentence about what is left of a person's day here; null without a limit, or when `nearOnly` and plenty is left. */
export async function whatIsLeft(
  interaction: Asking,
  {
    settings,
    rule,
    line,
    text,
  }: Pick<Tools, 'settings' | 'rule' | 'text'> & { line: Pick<Line, 'usage'> },
  { nearOnly }: { nearOnly: boolean },
): Promise<string | null> {
  const { guildId, userId, roleIds } = placeOf(interaction);
  const here =
    guildId === null ? Infinity : limitsFor(await settings.policy(guildId), roleIds).seconds;
  const everywhere = rule.now().quotas.personSeconds ?? Infinity;
  const accounts = await Promise.all(
    (
      [
        [here, guildId],
        [everywhere, null],
      ] as const
    )
      .filter(([allowed]) => allowed < Infinity)
      .map(async ([allowed, where]) => {
        const { seconds, reserved } = await line.usage(where, userId);
        return { allowed, reserved, left: Math.max(0, allowed - seconds - reserved) };
      }),
  );
  // Of two limits the one that is reached first.
  const [least] = accounts.toSorted((a, b) => a.left - b.left);
  if (least === undefined) return null;
  const { allowed, reserved, left } = least;
  if (nearOnly && left > allowed * NEAR) return null;
  return text.secondsLeft(Math.floor(left), allowed, Math.ceil(reserved));
}

/** A reached limit in the person's language; any other error as it is. */
export function limitWords(error: unknown, text: Text): unknown {
  if (!(error instanceof LimitError)) return error;
  return new UserError(limitSentence(error.reached, text), { cause: error });
}

/** Says which limit was reached and what is left of it; seconds are device seconds within 24 h. */
export function limitSentence(
  { limit, taken, allowed, cost = 0 }: LimitReached,
  text: Text,
): string {
  const left = Math.max(0, Math.floor(allowed - taken));
  switch (limit) {
    case 'waiting-user':
      return text.limitWaitingYours(taken);
    case 'waiting-guild':
      return text.limitWaitingServer(taken);
    case 'seconds-user':
      return text.limitSecondsYours(Math.ceil(cost), left);
    case 'seconds-guild':
      return text.limitSecondsServer(Math.ceil(cost), left);
    case 'seconds-everywhere':
      return text.owner.limitSeconds(Math.ceil(cost), left);
  }
}
