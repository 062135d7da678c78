import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export type Python = {
  /** Its next line, as an object. @throws Error when it has ended, or could not be started */
  answer(): Promise<Record<string, unknown>>;
  /** A line to it; the answer is the next line from it. */
  ask(order: object): Promise<Record<string, unknown>>;
  close(): void;
};

/** A script that answers lines of JSON with lines of JSON. */
export function openPython(python: string, script: string, args: readonly string[]): Python {
  const program = spawn(python, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const failed = new Promise<never>((_, reject) => program.once('error', reject));
  failed.catch(() => {});
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done === true) throw new Error(`${python} ${script} ended early`);
    return JSON.parse(value) as Record<string, unknown>;
  };
  return {
    answer,
    ask(order) {
      program.stdin.write(`${JSON.stringify(order)}\n`);
      return answer();
    },
    close: () => void program.stdin.end(),
  };
}
