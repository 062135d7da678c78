import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CancelledError, UserError } from '../engine/errors.ts';
import { CATALOGUE, type CatalogueEntry } from './catalogue.ts';
import type { HubAccess } from './pull.ts';
import { type Pulled, pulledNames, removePulled, type Verified } from './shelf.ts';
import type { FetchedModel, FromShelf, ShelfTask } from './shelf-messages.ts';

export type Planned = Extract<FromShelf, { type: 'planned' }>;

type OnProgress = (done: number, of: number) => void;

/** The models folder for a program that has other work to do: what takes its time happens in processes of their own. */
export type ModelShelf = {
  /** @throws UserError in words for whoever fetches it; CancelledError when the program ends */
  pull(
    source: string,
    told: { as: string | null; onPlan: (plan: Planned) => void; onProgress: OnProgress },
  ): Promise<FetchedModel>;
  verify(name: string, onProgress: OnProgress): Promise<Verified>;
  remove(name: string): Promise<Pulled>;
  /** What was fetched, by name. */
  names(): Promise<string[]>;
  catalogue: readonly CatalogueEntry[];
  /** Ends what is under way; it is gone on with when it is asked for again. */
  close(): void;
};

export type ModelShelfOptions = {
  modelsDir: string;
  access: HubAccess;
  /** half precision where there is a choice */
  half: boolean;
  /** what the processes see of the environment; tokens come as messages */
  childEnvironment: Readonly<Record<string, string>>;
};

const childFile = fileURLToPath(new URL('shelf-child.ts', import.meta.url));

/** Opens the models folder; each pull or check runs in a child process with `childEnvironment` as its variables. */
export function openModelShelf({
  modelsDir,
  access,
  half,
  childEnvironment,
}: ModelShelfOptions): ModelShelf {
  const children = new Set<ChildProcess>();

  function run<T>(task: ShelfTask, hear: (told: FromShelf) => T | undefined): Promise<T> {
    const child = fork(childFile, [], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...childEnvironment },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    children.add(child);
    return new Promise<T>((resolve, reject) => {
      child.on('message', (message) => {
        const told = message as FromShelf;
        if (told.type === 'failed') return reject(errorOf(told));
        const answer = hear(told);
        if (answer !== undefined) resolve(answer);
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        children.delete(child);
        reject(
          signal === null
            ? new Error(`the process that fetches ended with ${code}`)
            : new CancelledError(),
        );
      });
      child.send(task);
    });
  }

  return {
    pull: (source, { as, onPlan, onProgress }) =>
      run({ type: 'pull', source, as, modelsDir, access, half }, (told) => {
        if (told.type === 'planned') onPlan(told);
        if (told.type === 'progress') onProgress(told.done, told.of);
        return told.type === 'pulled' ? told.model : undefined;
      }),
    verify: (name, onProgress) =>
      run({ type: 'verify', name, modelsDir }, (told) => {
        if (told.type === 'progress') onProgress(told.done, told.of);
        return told.type === 'verified' ? told.verified : undefined;
      }),
    remove: (name) => removePulled(modelsDir, name),
    names: () => pulledNames(modelsDir),
    catalogue: CATALOGUE,
    close() {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

function errorOf({ said, message, stack }: Extract<FromShelf, { type: 'failed' }>): Error {
  if (said.length > 0) return new UserError(said);
  return Object.assign(new Error(message), { stack });
}
