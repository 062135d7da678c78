/**
 * Node's test runner follows every promise and every handle of its process, to know in which suite a `test()` stands that
 * is called later. That takes a tenth of the processor's time, and matters only while a file is loaded. Loaded before
 * anything that imports node:test, this lets the runner follow only then.
 *
 * An error that nobody catches while a test runs belongs to no test then: it is printed, and the run is red.
 */
import type { AsyncHook, HookCallbacks } from 'node:async_hooks';
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
// Not imported: of an imported module no function can be replaced.
const hooks = load('node:async_hooks') as {
  createHook(callbacks: HookCallbacks): AsyncHook;
};
const { createHook } = hooks;
const quiet: AsyncHook[] = [];
let isLoading = false;

hooks.createHook = ({ init }) => {
  // Without a word about ends, which cost most: what is noted while files are loaded is little.
  const hook = createHook({ ...(init && { init }) });
  quiet.push(hook);
  return {
    enable() {
      if (isLoading) hook.enable();
      return this;
    },
    disable() {
      hook.disable();
      return this;
    },
  };
};
load('node:test');
hooks.createHook = createHook;
process.on('uncaughtExceptionMonitor', (error) => console.error(error));

/** Lets the runner follow what begins from now on; the answer ends that. */
export function follow(): () => void {
  isLoading = true;
  for (const hook of quiet) hook.enable();
  return () => {
    isLoading = false;
    for (const hook of quiet) hook.disable();
  };
}
