/**
 * Imported before a test file: its networks, and those of its engines, take one thread each. A second one would spin
 * until the first is done, and the other core has other files to run.
 */
import { useThreads } from '../../../src/engine/network/threads.ts';

useThreads(1);
