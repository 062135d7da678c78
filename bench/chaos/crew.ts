import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Host, Hosts } from '../../test/support/servers/hosts.ts';

export type CrewOptions = {
  url: string;
  prefix: string;
  workers: number;
  bots: number;
  jobMs: number;
  leaseMs: number;
  ordersEveryMs: number;
  /** of each bot; absent: without end */
  orders?: number;
  /** each member on a host of its own; absent: all on this one */
  hosts?: Hosts;
};

/** A place for one process, which is there again whenever it ended. */
export type Member = { process: ChildProcess; host: Host | null };

export type Crew = {
  /** how often each job was finished, and what was told of its end */
  done: Map<string, number>;
  told: Map<string, Set<string>>;
  acknowledged: Set<string>;
  workers: readonly Member[];
  bots: readonly Member[];
  dismiss(who: 'all' | 'bots'): Promise<void>;
};

/** Starts a member's process again whenever it ends, as a service manager does, also of one that found no Redis at its start. */
function keepUp(
  member: Member,
  program: string,
  words: readonly string[],
  { hear, isDismissed }: { hear: (line: string) => void; isDismissed: () => boolean },
): void {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  createInterface({ input: child.stdout }).on('line', hear);
  member.process = child;
  void once(child, 'exit').then(() => {
    setTimeout(() => {
      if (!isDismissed()) keepUp(member, program, words, { hear, isDismissed });
    }, 100);
  });
}

/** Bots that order and workers that sleep, as processes: what they say is counted. */
export async function openCrew(options: CrewOptions): Promise<Crew> {
  const { url, prefix, leaseMs, hosts } = options;
  const done = new Map<string, number>();
  const told = new Map<string, Set<string>>();
  const acknowledged = new Set<string>();
  const dismissed = new Set<Member>();

  function hear(line: string): void {
    const [what = '', id = '', status = ''] = line.split(' ');
    if (what === 'ack') acknowledged.add(id);
    else if (what === 'end') told.set(id, (told.get(id) ?? new Set()).add(status));
    else done.set(what, (done.get(what) ?? 0) + 1);
  }

  async function hire(script: string, ...last: (number | undefined)[]): Promise<Member> {
    const at = new URL(url);
    const host = (await hosts?.add(Number(at.port))) ?? null;
    if (host !== null) at.host = `${host.address.host}:${host.address.port}`;
    const [program, ...words] = [
      ...(host?.words ?? []),
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      path.join(import.meta.dirname, script),
      at.href,
      prefix,
      String(leaseMs),
      ...last.map((one) => String(one ?? '')),
    ];
    const member: Member = { host, process: null! };
    keepUp(member, program!, words, { hear, isDismissed: () => dismissed.has(member) });
    return member;
  }

  const workers: Member[] = [];
  const bots: Member[] = [];
  for (let n = 0; n < options.workers; n++) workers.push(await hire('worker.ts', options.jobMs));
  for (let n = 0; n < options.bots; n++)
    bots.push(await hire('bot.ts', options.ordersEveryMs, options.orders));
  return {
    done,
    told,
    acknowledged,
    workers,
    bots,
    async dismiss(who) {
      for (const member of who === 'all' ? [...workers, ...bots] : bots) {
        dismissed.add(member);
        member.process.kill('SIGKILL');
        await member.host?.close();
        member.host = null;
      }
    },
  };
}
