/** How many processor threads a network takes: said once in a process, before its first session. */

import { availableParallelism } from 'node:os';

let said = 0;

/** 0: one a core. What a network answers is the same whatever their number. */
export function useThreads(count: number): void {
  said = count;
}

/** Tells the number that was said; 0: one a core. */
export function threadsOfNetworks(): number {
  return said;
}

/** Those that networks side by side may take together. */
export function threadsInAll(): number {
  return said > 0 ? said : availableParallelism();
}
