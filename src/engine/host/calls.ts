/** Generations in their order: some run, the others wait. */
import type { GenerateOptions } from '../pipeline/options.ts';
import type { GenerateRequest } from '../request.ts';
import type { GenerateResult } from '../result.ts';

export type Call = {
  id: number;
  request: GenerateRequest;
  options: GenerateOptions;
  /** past its last step */
  isDecoding: boolean;
  resolve: (result: GenerateResult) => void;
  reject: (error: Error) => void;
};

export type Calls = {
  /** the first one, and those that joined it */
  readonly running: ReadonlyMap<number, Call>;
  /** one that neither runs nor waits yet */
  make(
    request: GenerateRequest,
    options: GenerateOptions,
  ): { call: Call; done: Promise<GenerateResult> };
  begin(call: Call): void;
  wait(call: Call): void;
  isWaitedFor(): boolean;
  /** The one that waited longest, which waits no longer; null: none does. */
  next(): Call | null;
  /** It is over; null: it did not run. */
  finish(id: number): Call | null;
  finishAll(): Call[];
  /** False: it does not wait. */
  withdraw(call: Call): boolean;
  /** Nobody waits any more. */
  drain(): Call[];
};

/** Makes an empty list of calls; ids count from 1 and are never given twice. */
export function createCalls(): Calls {
  const waiting: Call[] = [];
  const running = new Map<number, Call>();
  let nextId = 1;
  return {
    running,
    make(request, options) {
      const { promise, resolve, reject } = Promise.withResolvers<GenerateResult>();
      const call = { id: nextId++, request, options, isDecoding: false, resolve, reject };
      return { call, done: promise };
    },
    begin: (call) => void running.set(call.id, call),
    wait: (call) => void waiting.push(call),
    isWaitedFor: () => waiting.length > 0,
    next: () => waiting.shift() ?? null,
    finish(id) {
      const over = running.get(id) ?? null;
      running.delete(id);
      return over;
    },
    finishAll() {
      const all = [...running.values()];
      running.clear();
      return all;
    },
    withdraw(call) {
      const at = waiting.indexOf(call);
      if (at >= 0) waiting.splice(at, 1);
      return at >= 0;
    },
    drain: () => waiting.splice(0),
  };
}
