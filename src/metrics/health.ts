import type { Monitored } from './monitored.ts';

/** One look at the program; `problems` are sentences, none when all is well. */
export type Check = { ok: boolean; problems: readonly string[] };

export type HealthState = {
  parts: Monitored;
  role: 'bot' | 'worker';
  /** why it does not work (any more); null: it has started */
  pausing: 'starting' | 'closing' | null;
};

/** An idle engine answers within milliseconds, on a busy machine within a second. */
const ENGINE_MS = 2000;
const QUEUE_MS = 2000;

/**
 * Whether it is alive: that this is read proves that the bot's own thread answers; the gateway is asked whether it is
 * connected, the engine for a sign of life.
 */
export async function checkHealth({ parts, role, pausing }: HealthState): Promise<Check> {
  if (pausing !== null) return checkOf([`Darkroom is ${pausing}.`]);
  return checkOf([...gatewayProblems({ parts, role }), ...(await engineProblems(parts))]);
}

/** Whether it can serve now: alive, its queue answers and there is a model to paint with. */
export async function checkReadiness(state: HealthState): Promise<Check> {
  const alive = await checkHealth(state);
  if (state.pausing !== null) return alive;
  const { parts } = state;
  const [queue, models] = await Promise.all([queueProblems(parts), modelProblems(parts)]);
  return checkOf([...alive.problems, ...queue, ...models]);
}

const checkOf = (problems: readonly string[]): Check => ({ ok: problems.length === 0, problems });

function gatewayProblems({ parts, role }: Pick<HealthState, 'parts' | 'role'>): string[] {
  if (role === 'worker' || parts.gateway?.().connected === true) return [];
  return ['The gateway to Discord is not connected; it is tried again all the time.'];
}

async function engineProblems({ engine }: Monitored): Promise<string[]> {
  if (engine === undefined) return ['The engine has not started.'];
  // Where workers paint, it is their queue that is asked: it may be away.
  const answers = await within(engine.answers(ENGINE_MS), 2 * ENGINE_MS);
  return answers === true ? [] : ['The engine gives no sign of life.'];
}

async function queueProblems({ line }: Monitored): Promise<string[]> {
  const standing = line === undefined ? null : await within(line.standing(), QUEUE_MS);
  return standing === null ? ['The queue does not answer.'] : [];
}

async function modelProblems({ engine }: Monitored): Promise<string[]> {
  const models = engine === undefined ? null : await within(engine.models(), QUEUE_MS);
  return models === null || models.length === 0 ? ['There is no model to paint with.'] : [];
}

/** What comes within so many milliseconds; null: nothing does, or it fails. */
export async function within<T>(asked: Promise<T>, ms: number): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  timer.unref();
  return Promise.race([asked.catch(() => null), promise]).finally(() => clearTimeout(timer));
}
