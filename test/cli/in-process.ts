import { type Config, loadConfig } from '../../src/config.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { engineOfCommand } from '../../src/cli/screen/painting-process.ts';
import { logTo, type PaintingProgram, type Stream } from '../../src/cli/screen/program.ts';

export type Ended = { code: number | null; stdout: string; stderr: string };
type Env = Readonly<Record<string, string>>;
type Command = (args: readonly string[], program: PaintingProgram) => Promise<number>;

/**
 * Runs commands in the test's own process, on one engine for all that read the same settings: most of what a start costs
 * is the engine's. Settings are those of the test's own process with `env` over them; paths are read from where it
 * stands.
 */
export function commandsOnOneEngine(env: Env): {
  /** `more`: variables over `env`, of this command alone */
  run(command: Command, args: readonly string[], more?: Env): Promise<Ended>;
  close(): Promise<void>;
} {
  const opened = new Map<string, Promise<Engine>>();
  let heardBy: Stream = process.stderr;
  const log = logTo({ write: (text) => heardBy.write(text) });
  return {
    async run(command, args, more = {}) {
      const ended: Ended = { code: null, stdout: '', stderr: '' };
      heardBy = { write: (text) => (ended.stderr += text) };
      ended.code = await command(args, {
        stdout: { write: (text) => (ended.stdout += text) },
        stderr: heardBy,
        readConfig: () => loadConfig({ ...process.env, ...env, ...more }),
        async openEngine(config: Config, own) {
          // What a log of the command's own shall hear, only an engine of its own tells it.
          if (own !== undefined) return engineOfCommand(config, own);
          const key = JSON.stringify(config);
          const engine = opened.get(key) ?? engineOfCommand(config, log);
          opened.set(key, engine);
          return { ...(await engine), close: async () => {} };
        },
      });
      return ended;
    },
    async close() {
      for (const engine of opened.values()) await (await engine).close();
    },
  };
}
