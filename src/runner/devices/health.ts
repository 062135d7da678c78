import type { EngineLog } from '../../engine/engine.ts';
import { DeviceError, EngineCrashedError } from '../../engine/errors.ts';
import type { JobId } from '../../queue/job.ts';
import type { DeviceFacts } from '../../queue/line.ts';

/** Why a device is set aside, and when it is tried again (milliseconds since 1970). */
export type Trouble = { why: string; until: number };

/** `elsewhere`: the order is fine, and another device may paint it. */
export type Verdict = 'elsewhere' | 'here';

type Run = { id: JobId; model: string };

/** Which devices can be trusted with what. */
export type Health = {
  /** What the line has to know of a device beside its name; null while it is set aside. */
  limits(device: string): Pick<DeviceFacts, 'unfit' | 'avoids'> | null;
  trouble(device: string): Trouble | null;
  /** How a run ended; null: well. */
  note(device: string, run: Run, error: unknown): Verdict;
};

type State = {
  /** engines that died there since something was painted */
  crashes: number;
  /** times it was set aside since something was painted */
  asides: number;
  aside: Trouble | null;
  /** models that found no room there, until when they are not tried */
  unfit: Map<string, number>;
  /** jobs under which it crashed: another device is to try them */
  avoids: Set<JobId>;
};

const CRASHES_FORGIVEN = 2;
/** A device that was set aside is tried again after this, doubled each time up to the most. */
const ASIDE_MS = 5 * 60_000;
const LONGEST_ASIDE_MS = 60 * 60_000;
const UNFIT_MS = 30 * 60_000;
/** Jobs end elsewhere without a word: of those avoided the latest are remembered. */
const AVOIDED = 50;

type HealthOptions = {
  now?: (() => number) | undefined;
  /** whether a device of another program can paint, with this model; null: with any */
  elsewhere?: ((model: string | null) => boolean) | undefined;
};

/** Nothing is set aside unless another device can paint: then its error is told to people as ever. */
export function createHealth(
  names: readonly string[],
  log: EngineLog,
  { now = Date.now, elsewhere = () => false }: HealthOptions = {},
): Health {
  const { stateOf, hasOther, setAside, noteCrash } = deviceStates(names, log, { now, elsewhere });

  return {
    limits(name) {
      const { aside, unfit, avoids } = stateOf(name);
      // Programs that set theirs aside in one moment know nothing of each other.
      if (aside !== null && hasOther(name, null)) return null;
      return {
        unfit: [...unfit.keys()].filter((model) => hasOther(name, model)),
        avoids: hasOther(name, null) ? [...avoids] : [],
      };
    },

    trouble: (name) => stateOf(name).aside,

    note(name, { id, model }, error) {
      const state = stateOf(name);
      if (error === null) {
        Object.assign(state, { crashes: 0, asides: 0 });
        state.unfit.delete(model);
        return 'here';
      }
      if (error instanceof EngineCrashedError) {
        noteCrash(name, id);
        return 'here';
      }
      if (!(error instanceof DeviceError) || !hasOther(name, model)) return 'here';
      if (isLackOfRoom(error)) {
        state.unfit.set(model, now() + UNFIT_MS);
        log.warn({ device: name, model }, 'a model does not fit on this device');
      } else setAside(name, error.message);
      return 'elsewhere';
    },
  };
}

function deviceStates(
  names: readonly string[],
  log: EngineLog,
  { now, elsewhere }: { now: () => number; elsewhere: (model: string | null) => boolean },
) {
  const states = new Map(names.map((name) => [name, sound()]));

  function stateOf(name: string): State {
    const state = states.get(name);
    if (state === undefined) throw new Error(`there is no device ${name}`);
    if (state.aside !== null && state.aside.until <= now()) {
      log.info({ device: name }, 'a device that was set aside is tried again');
      state.aside = null;
    }
    for (const [model, until] of state.unfit) if (until <= now()) state.unfit.delete(model);
    return state;
  }

  /** Somebody else who could paint with this model. */
  function hasOther(name: string, model: string | null): boolean {
    if (elsewhere(model)) return true;
    return names.some((other) => {
      if (other === name) return false;
      const { aside, unfit } = stateOf(other);
      return aside === null && (model === null || !unfit.has(model));
    });
  }

  const setAside = (name: string, why: string): void => {
    const pause = setStateAside(stateOf(name), why, now());
    const minutes = Math.round(pause / 60_000);
    log.error({ device: name, why, minutes }, 'a device is set aside; the others go on without it');
  };

  function noteCrash(name: string, job: JobId): void {
    const state = stateOf(name);
    state.crashes++;
    state.avoids.add(job);
    if (state.avoids.size > AVOIDED) state.avoids.delete([...state.avoids][0]!);
    if (state.crashes > CRASHES_FORGIVEN && hasOther(name, null)) {
      setAside(name, `its engine broke down ${state.crashes} times`);
    }
  }

  return { stateOf, hasOther, setAside, noteCrash };
}

function sound(): State {
  return { crashes: 0, asides: 0, aside: null, unfit: new Map(), avoids: new Set() };
}

/** Longer each time; for how many milliseconds. */
function setStateAside(state: State, why: string, now: number): number {
  const pause = Math.min(LONGEST_ASIDE_MS, ASIDE_MS * 2 ** state.asides);
  state.asides++;
  state.crashes = 0;
  state.aside = { why, until: now + pause };
  return pause;
}

/** The device works, but this model is too large for it. */
function isLackOfRoom({ message }: Error): boolean {
  return /alloc|out of memory|OUT_OF_MEMORY|arena/i.test(message);
}
