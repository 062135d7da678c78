import { loadConfig } from '../../src/config.ts';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import { LOG, type Program } from '../../src/cli/screen/program.ts';

export type Ended = { code: number | null; stdout: string; stderr: string };
type Command = (args: readonly string[], program: Program) => Promise<number>;

/**
 * Runs commands in the test's own process, one after the other on one engine: most of what a start costs is the
 * engine's. Settings come from the test's own environment, paths are read from where it stands.
 */
export function commandsOnOneEngine(): {
  run(command: Command, args: readonly string[]): Promise<Ended>;
  close(): Promise<void>;
} {
  let opened: Promise<Engine> | null = null;
  return {
    async run(command, args) {
      const ended: Ended = { code: null, stdout: '', stderr: '' };
      ended.code = await command(args, {
        stdout: { write: (text) => (ended.stdout += text) },
        stderr: { write: (text) => (ended.stderr += text) },
        async openEngine() {
          opened ??= startEngine(loadConfig(), LOG);
          return { ...(await opened), close: async () => {} };
        },
      });
      return ended;
    },
    async close() {
      await (await opened)?.close();
    },
  };
}
