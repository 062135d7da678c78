import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { manageModels } from '../../src/cli/models/manage-models.ts';
import { CATALOGUE, findInCatalogue } from '../../src/hub/catalogue.ts';
import { parseSource } from '../../src/hub/sources.ts';
import { type LocalHub, openLocalHub, sha256 } from '../hub/local-hub.ts';
import { checkpoint, COMMIT, temporaryFolder, visible } from '../hub/models-to-fetch.ts';
import { NO_SMALL_DISK, openSmallDisk } from '../support/machine/small-disk.ts';
import { ROOT, run } from './data/data-folders.ts';
import { commandsOnOneEngine } from './in-process.ts';

const FILE = 'org/one/model.safetensors';
let hub: LocalHub;
before(async () => {
  hub = await openLocalHub();
});
const commands = commandsOnOneEngine({});
after(async () => {
  await commands.close();
  await hub.close();
});

function env(modelsDir: string): Record<string, string> {
  return { MODELS_DIR: modelsDir, HF_ENDPOINT: hub.address, DEVICE: 'cpu', DATA_DIR: modelsDir };
}

/** What the program does, without its start. */
const models = (args: readonly string[], settings: Record<string, string>) =>
  commands.run(manageModels, args, settings);

/** How much of the file lies in the models folder by now. */
async function partBytes(modelsDir: string): Promise<number> {
  const pulling = path.join(modelsDir, '.pulling');
  const names = await readdir(pulling, { recursive: true }).catch((): string[] => []);
  const part = names.find((name) => name.endsWith('.part'));
  return part === undefined
    ? 0
    : ((await stat(path.join(pulling, part)).catch(() => null))?.size ?? 0);
}

test('a pull that was killed goes on where it was; the model appears whole or not at all', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.repositories.set('org/one', { files: { 'model.safetensors': checkpoint() }, commit: COMMIT });
  hub.faults.set(FILE, { slow: { ms: 10, chunk: 30_000 } });
  const child = spawn(
    process.execPath,
    [path.join(ROOT, 'scripts/run.cjs'), 'src/cli/models.ts', 'pull', 'org/one', '--as', 'mine'],
    { env: { ...process.env, ...env(modelsDir) }, stdio: 'ignore' },
  );
  while (child.exitCode === null && (await partBytes(modelsDir)) < 500_000) await sleep(5);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual(await visible(modelsDir), []);
  const left = await partBytes(modelsDir);
  assert.ok(left >= 500_000 && left < checkpoint().byteLength, `${left} bytes`);

  hub.faults.clear();
  hub.asked.length = 0;
  const pulled = await models(['pull', 'org/one', '--as', 'mine'], env(modelsDir));
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.match(pulled.stdout, /^mine is at .*\n.*mine\.safetensors\n\s+family\s+sd1/);
  assert.match(
    pulled.stderr,
    /org\/one at a{40}: one file, 7\.3 MB, to be mine\nlicence: mit; http/,
  );
  const ranges = hub.asked.filter(({ at }) => at === 'store').map(({ range }) => range);
  assert.deepEqual(ranges, [`bytes=${left}-`]);

  const listed = await models(['--json'], env(modelsDir));
  assert.deepEqual(
    JSON.parse(listed.stdout).models.map((one: { name: string }) => one.name),
    ['mine'],
  );
  const verified = await models(['verify'], env(modelsDir));
  assert.deepEqual([verified.code, verified.stdout], [0, 'mine is whole: 1 file.\n']);
  await writeFile(path.join(modelsDir, 'mine.safetensors'), 'damaged');
  const damaged = await models(['verify', 'mine'], env(modelsDir));
  assert.equal(damaged.code, 1);
  assert.match(
    damaged.stdout,
    /has 7 bytes instead of \d+\. To mend it: .*pull org\/one --as "mine"/,
  );
  const mended = await models(['pull', 'org/one', '--as', 'mine', '--json'], env(modelsDir));
  assert.equal(JSON.parse(mended.stdout).unchanged, false);
  const removed = await models(['remove', 'mine'], env(modelsDir));
  assert.match(removed.stdout, /^mine is removed: 7\.3 MB are free again/);
  assert.deepEqual(await visible(modelsDir), []);
  const again = await models(['remove', 'mine'], env(modelsDir));
  assert.deepEqual([again.code, again.stdout], [2, '']);
});

test(
  'a disk that becomes full keeps what came, and the same pull goes on when there is room',
  { skip: NO_SMALL_DISK },
  async (t) => {
    const folder = await temporaryFolder(t);
    const tooSmall = await openSmallDisk(path.join(folder, 'small'), 4);
    t.after(() => tooSmall.close());
    hub.repositories.set('org/one', {
      files: { 'model.safetensors': checkpoint() },
      commit: COMMIT,
    });
    const refused = await run(
      'models',
      ['pull', 'org/one'],
      env(path.join(folder, 'small')),
      tooSmall.within,
    );
    assert.match(refused.stderr, /The model takes 7\.3 MB, and .* are free where the models lie/);

    const disk = await openSmallDisk(path.join(folder, 'disk'), 80);
    t.after(() => disk.close());
    hub.faults.set(FILE, { slow: { ms: 15, chunk: 30_000 } });
    const running = run('models', ['pull', 'org/one'], env(path.join(folder, 'disk')), disk.within);
    while ((await partBytes(disk.seenAs)) < 100_000) await sleep(5);
    await disk.fill();
    const full = await running;
    assert.match(full.stderr, /The disk became full at .*run the same again to go on/);
    assert.equal(full.code, 2);
    const left = await partBytes(disk.seenAs);
    assert.ok(left > 0);
    await disk.empty();
    hub.faults.clear();
    const done = await run(
      'models',
      ['pull', 'org/one'],
      env(path.join(folder, 'disk')),
      disk.within,
    );
    assert.equal(done.code, 0, done.stderr);
    const ranges = hub.asked.filter(({ at }) => at === 'store').map(({ range }) => range);
    assert.equal(ranges.at(-1), `bytes=${left}-`);
  },
);

test('the catalogue names what can be fetched, with facts in order', async (t) => {
  const modelsDir = await temporaryFolder(t);
  assert.ok(CATALOGUE.length >= 12);
  const sites = { hub: 'https://huggingface.co', civitai: 'https://civitai.com' };
  const names = new Set<string>();
  for (const entry of CATALOGUE) {
    const source = parseSource(entry.source, sites);
    assert.equal(source.kind, 'hub');
    // A hash belongs to one file, and comes with its length.
    const isFile = source.kind === 'hub' && source.path !== null;
    assert.equal(entry.sha256 !== null, isFile, entry.name);
    assert.equal(entry.bytes !== null, entry.sha256 !== null, entry.name);
    assert.match(entry.sha256 ?? 'a'.repeat(64), /^[0-9a-f]{64}$/);
    assert.ok(entry.licence.length > 2 && entry.needs.length > 2);
    for (const other of entry.with) assert.ok(findInCatalogue(other), other);
    assert.ok(!names.has(entry.name));
    names.add(entry.name);
  }
  const shown = await models(['catalogue'], env(modelsDir));
  for (const { name, licence } of CATALOGUE) {
    assert.ok(shown.stdout.includes(name) && shown.stdout.includes(licence), name);
  }
  // What the hub tells of a file of the catalogue must be what the catalogue knows.
  const { source } = findInCatalogue('sdxl-vae')!;
  const [owner, name, file = ''] = source.split('/');
  hub.repositories.set(`${owner}/${name}`, { files: { [file]: checkpoint() }, commit: COMMIT });
  const other = await models(['pull', 'sdxl-vae'], env(modelsDir));
  assert.match(other.stderr, /SHA-256 235745af[0-9a-f]{56} was told/);
  assert.equal(other.code, 2);
});

test('a model that somebody put there is verified as far as anybody can', async (t) => {
  const modelsDir = await temporaryFolder(t);
  await writeFile(path.join(modelsDir, 'mine.safetensors'), checkpoint());
  await writeFile(path.join(modelsDir, 'cut.safetensors'), checkpoint().subarray(0, 100_000));
  const { code, stdout } = await models(['verify', 'mine', 'cut', 'none'], env(modelsDir));
  assert.equal(code, 1);
  assert.match(
    stdout,
    new RegExp(`^mine was not fetched .* compare its SHA-256 ${sha256(checkpoint())} with`),
  );
  assert.match(stdout, /\ncut: .*breaks off.*\nThere is no model none in /);
});

test('what is typed wrongly is said before anything is fetched', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const wrong: readonly [args: string[], words: RegExp][] = [
    [['pull'], /Name one: .*pull owner\/name/],
    [['pull', 'a/b', '--sha256', 'xyz'], /--sha256 is "xyz"; expected 64/],
    [['pull', 'a/b', '--variant', 'fp8'], /allowed: fp16, full/],
    [['remove', 'x'], /No model called x was fetched/],
  ];
  await Promise.all(
    wrong.map(async ([args, words]) => {
      const { code, stderr } = await models(args, env(modelsDir));
      assert.match(stderr, words);
      assert.equal(code, 2);
    }),
  );
});
