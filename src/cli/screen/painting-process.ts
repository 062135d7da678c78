import { type Engine, type EngineLog, startEngine } from '../../engine/engine.ts';
import type { Config } from '../../config.ts';
import { logTo, type PaintingProgram, PROCESS } from './program.ts';

/**
 * Starts the engine of a command: one person's pictures come one after the other, and how well several people's would
 * share evaluations is not measured behind them.
 */
export function engineOfCommand(config: Config, log: EngineLog): Promise<Engine> {
  return startEngine({ ...config, sharing: false }, log);
}

/** The process itself, of a command that paints: the others do not load the engine. */
export const PAINTING_PROCESS: PaintingProgram = {
  ...PROCESS,
  openEngine: (config, log = logTo(PROCESS.stderr)) => engineOfCommand(config, log),
};
