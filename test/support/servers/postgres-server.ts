import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../metrics.ts';

export type PostgresServer = {
  /** of the database `darkroom` and its owner `bot`, whose password is `w/rd` */
  url: string;
  /** of the same database, for whoever looks into it */
  adminUrl: string;
  /** Ends it at once, and starts it again on the same files. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

const BINARIES = globSync('/usr/lib/postgresql/*/bin').toSorted().at(-1) ?? '/usr/bin';

/** A Postgres of one's own on a free port, which asks for passwords; null where there is none. */
export async function openPostgresServer(): Promise<PostgresServer | null> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-postgres-'));
  const close = () => rm(folder, { recursive: true, force: true });
  const who = serverUser();
  if (who === null || spawnSync(path.join(BINARIES, 'initdb'), ['--version']).error) {
    await close();
    return null;
  }
  const data = path.join(folder, 'data');
  const secret = path.join(folder, 'secret');
  await writeFile(secret, 'admin');
  if ('uid' in who) for (const each of [folder, secret]) await chown(each, who.uid, who.gid);
  execFileSync(
    path.join(BINARIES, 'initdb'),
    [
      `-D${data}`,
      '-Uadmin',
      '-Ascram-sha-256',
      `--pwfile=${secret}`,
      '-EUTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...who, stdio: 'ignore', cwd: folder },
  );
  const port = await freePort();
  const at = (user: string, database: string) => `postgres://${user}@127.0.0.1:${port}/${database}`;
  let child: ChildProcess | null = null;

  const server: PostgresServer = {
    url: at('bot:w%2Frd', 'darkroom'),
    adminUrl: at('admin:admin', 'darkroom'),
    async kill() {
      const ended = child!;
      if (ended.exitCode !== null || ended.signalCode !== null) return;
      const exit = once(ended, 'exit');
      // SIGQUIT is its own way of dying at once: killed, its children would live on.
      ended.kill('SIGQUIT');
      await exit;
    },
    async start() {
      const words = [
        '-D',
        data,
        '-p',
        String(port),
        '-h',
        '127.0.0.1',
        '-k',
        '',
        '-c',
        'fsync=off',
      ];
      child = spawn(path.join(BINARIES, 'postgres'), words, {
        ...who,
        stdio: 'ignore',
        cwd: folder,
      });
      await answers(at('admin:admin', 'postgres'), child);
    },
    async close() {
      await server.kill();
      await close();
    },
  };
  await server.start();
  const admin = new pg.Client(at('admin:admin', 'postgres'));
  await admin.connect();
  await admin.query("CREATE ROLE bot LOGIN PASSWORD 'w/rd'");
  await admin.query("CREATE ROLE guest LOGIN PASSWORD 'guest'");
  await admin.query('CREATE DATABASE darkroom OWNER bot');
  await admin.query("CREATE DATABASE latin OWNER bot ENCODING 'LATIN1' TEMPLATE template0");
  await admin.end();
  return server;
}

/** It refuses to run as root; null where nobody else is there for it. */
function serverUser(): { uid: number; gid: number } | Record<never, never> | null {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((what) =>
    spawnSync('id', [what, 'postgres'], { encoding: 'utf8' }),
  );
  if (uid?.status !== 0 || gid?.status !== 0) return null;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const client = new pg.Client(url);
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await sleep(30);
    }
  }
  throw new Error('postgres ended at its start');
}
