import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Config } from '../src/config.ts';
import {
  errorKeeper,
  errorsIn,
  forgetErrors,
  keptErrors,
  latestErrors,
} from '../src/error-journal.ts';
import { createLog } from '../src/log.ts';
import { withoutExcerpt } from '../src/log-fields.ts';

const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'darkroom-log-'));
  folders.push(folder);
  return folder;
}

type Line = Record<string, unknown> & { msg: string };

function logIn(config: Partial<Config> = {}) {
  const dataDir = config.dataDir ?? newFolder();
  const lines: Line[] = [];
  const all = {
    logLevel: 'info',
    logFormat: 'json',
    logPeople: 'plain',
    dataDir,
    ...config,
  } as const;
  const log = createLog(all, { write: (line) => void lines.push(JSON.parse(line) as Line) });
  return { log, lines, dataDir };
}

const PROMPT = 'a secret lighthouse';

test('of an error only what is free of prompts is written down', () => {
  const { log, lines } = logIn();
  const cause = Object.assign(new Error('disk'), { code: 'ENOSPC', syscall: 'write' });
  const error = Object.assign(new Error('Invalid Form Body', { cause }), {
    code: 50035,
    requestBody: { json: { content: PROMPT } },
    request: { prompt: PROMPT },
  });
  log.error({ err: error, job: 'abc' }, 'refused');
  const [line] = lines;
  assert.doesNotMatch(JSON.stringify(line), /lighthouse/);
  const err = line?.['err'] as { code: number; cause: { code: string; syscall: string } };
  assert.equal(err.code, 50035);
  assert.equal(err.cause.code, 'ENOSPC');
  assert.equal(err.cause.syscall, 'write');
});

test('what JSON.parse could not read is not repeated, short or long, in any field', () => {
  for (const text of [
    PROMPT,
    `{"prompt": "${PROMPT}`,
    `[${PROMPT}]`,
    `x${' '.repeat(90)}${PROMPT}`,
    `"${PROMPT}\n"`,
  ]) {
    const { log, lines } = logIn();
    let error: unknown;
    try {
      JSON.parse(text);
    } catch (caught) {
      error = caught;
    }
    assert.ok(error instanceof SyntaxError);
    log.warn({ err: error }, 'unreadable');
    log.warn({ said: error.message, stack: error.stack }, 'unreadable');
    assert.equal(lines.length, 2);
    assert.doesNotMatch(JSON.stringify(lines), /lighthouse|secret/, text);
  }
  assert.equal(withoutExcerpt('ENOENT: no such file'), 'ENOENT: no such file');
});

test('people are hashed where that is asked for: alike in all lines, otherwise on another machine', () => {
  const person = '123456789012345678';
  const shown = (config: Partial<Config>) => {
    const { log, lines } = logIn(config);
    log.info({ user: person, guildId: `dm:${person}`, job: 'abc' }, 'x');
    log.info({ userId: person, guildId: '987654321098765432' }, 'y');
    return lines;
  };
  assert.match(JSON.stringify(shown({})), new RegExp(person));

  const dataDir = newFolder();
  const [first, second] = shown({ logPeople: 'hashed', dataDir });
  assert.doesNotMatch(JSON.stringify([first, second]), new RegExp(person));
  assert.match(String(first?.['user']), /^u-[\w-]{12}$/);
  assert.equal(second?.['userId'], first?.['user']);
  assert.equal(first?.['guildId'], `dm:${String(first?.['user'])}`);
  assert.equal(second?.['guildId'], '987654321098765432');
  // the key is this installation's own, for its account alone, and outlives the program
  assert.equal(statSync(path.join(dataDir, 'log-key')).mode & 0o777, 0o600);
  assert.equal(shown({ logPeople: 'hashed', dataDir })[0]?.['user'], first?.['user']);
  assert.notEqual(shown({ logPeople: 'hashed' })[0]?.['user'], first?.['user']);
});

test('errors with a reference are kept at every level, others are not', () => {
  for (const logLevel of ['info', 'silent'] as const) {
    const { log, lines, dataDir } = logIn({ logLevel });
    log.error(
      { reference: '1a2b3c4d', job: 'abc', err: new Error('boom'), token: 'MTIz' },
      'a job failed',
    );
    log.error({ job: 'def' }, 'without a reference');
    log.info({ reference: '1a2b3c4d' }, 'no error');
    assert.equal(lines.length, { info: 3, silent: 0 }[logLevel]);
    const kept = keptErrors(dataDir, '1a2b3c4d');
    assert.deepEqual(
      kept.map(({ msg }) => msg),
      ['a job failed'],
    );
    assert.equal(kept[0]?.['token'], '[redacted]');
    assert.match(JSON.stringify(kept[0]?.['err']), /"message":"boom"/);
    assert.equal(statSync(path.join(dataDir, 'errors.jsonl')).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(path.join(dataDir, 'errors.jsonl'), 'utf8'), /without a/);
  }
});

test('the kept errors stay small, and the newest are among them', () => {
  const folder = newFolder();
  const keep = errorKeeper(folder, 10_000);
  const line = (reference: string, msg = 'x'.repeat(100)) =>
    JSON.stringify({ level: 'error', time: '2026-01-01T00:00:00.000Z', reference, msg });
  for (let i = 0; i < 1000; i++) keep(line(String(10_000_000 + i)));
  const bytes = readdirSync(folder).reduce(
    (sum, name) => sum + statSync(path.join(folder, name)).size,
    0,
  );
  assert.ok(bytes <= 20_000, `${bytes} bytes`);
  for (const last of [10_000_999, 10_000_950])
    assert.equal(keptErrors(folder, String(last)).length, 1);
  assert.equal(keptErrors(folder, '10000000').length, 0);

  keep(line('aaaaaaaa', 'y'.repeat(1_000_000)));
  const [long] = keptErrors(folder, 'aaaaaaaa');
  assert.ok((long?.msg.length ?? 0) < 3000);

  // neither a line cut off by a crash nor a folder that cannot be made harms anybody
  errorKeeper('/proc/nowhere')(line('bbbbbbbb'));
  assert.equal(
    errorsIn(`{"reference":"bbbbbbbb","ms\n${line('bbbbbbbb')}\n`, 'bbbbbbbb').length,
    1,
  );
  assert.equal(errorsIn(`Nov 30 host darkroom[7]: ${line('cccccccc')}`, 'cccccccc').length, 1);
});

test('of the kept errors the newest are listed, and a person’s lines go', () => {
  const folder = newFolder();
  const keep = errorKeeper(folder);
  const line = (reference: string, more: object) =>
    JSON.stringify({
      level: 'error',
      time: '2026-01-01T00:00:00.000Z',
      reference,
      msg: 'm',
      ...more,
    });
  keep(line('aaaaaaaa', { user: '1200000000000000001' }));
  keep(line('bbbbbbbb', { job: 'abcdefabcdef' }));
  keep(line('cccccccc', { guild: 'dm:1200000000000000001' }));
  keep(line('dddddddd', { user: '1200000000000000002' }));
  const listed = () => latestErrors(folder, 9).map(({ reference }) => reference);
  assert.deepEqual(listed(), ['dddddddd', 'cccccccc', 'bbbbbbbb', 'aaaaaaaa']);
  assert.equal(latestErrors(folder, 2).length, 2);
  forgetErrors(folder, ['1200000000000000001', 'abcdefabcdef']);
  assert.deepEqual(listed(), ['dddddddd']);
  assert.equal(statSync(path.join(folder, 'errors.jsonl')).mode & 0o777, 0o600);
  forgetErrors(newFolder(), ['nobody']);
});
