import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openRegistry } from '../../src/engine/model/registry.ts';
import type { Plan } from '../../src/hub/plan.ts';
import { removePulled, verifyPulled } from '../../src/hub/shelf.ts';
import { parseSource } from '../../src/hub/sources.ts';
import { checkRedirect } from '../../src/hub/web.ts';
import { type LocalHub, openLocalHub, sha256 } from './local-hub.ts';
import {
  checkpoint,
  COMMIT,
  diffusersRepository,
  lora,
  pullFrom,
  temporaryFolder,
  visible,
} from './models-to-fetch.ts';

const FILE = 'org/one/model.safetensors';
const quiet = { signal: AbortSignal.timeout(600_000), onBytes() {} };
let hub: LocalHub;
before(async () => {
  hub = await openLocalHub();
});
after(() => hub.close());
beforeEach(() => {
  for (const all of [hub.repositories, hub.civitai, hub.downloads, hub.faults, hub.redirects]) {
    all.clear();
  }
  hub.asked.length = 0;
  hub.repositories.set('org/one', { files: { 'model.safetensors': checkpoint() }, commit: COMMIT });
});

const storeRanges = () => hub.asked.filter(({ at }) => at === 'store').map(({ range }) => range);

test('of a diffusers repository one variant of each network is fetched, and the models have one more', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.repositories.set('org/Model-1', { ...(await diffusersRepository()), licence: 'openrail' });
  let plan: Plan | null = null;
  const { pulled } = await pullFrom(hub, modelsDir, { onPlan: (found) => (plan = found) })(
    'org/Model-1',
  );
  assert.deepEqual(await visible(modelsDir), [
    'Model-1/model_index.json',
    'Model-1/text_encoder/model.fp16.safetensors',
    'Model-1/unet/diffusion_pytorch_model.fp16.safetensors',
    'Model-1/vae/diffusion_pytorch_model.fp16.safetensors',
  ]);
  assert.equal(plan!.licence, 'openrail');
  assert.equal(pulled.revision, COMMIT);
  const [model] = await openRegistry(modelsDir).list();
  assert.equal(model?.name, 'Model-1');
  assert.deepEqual(await verifyPulled(modelsDir, 'Model-1', quiet), {
    name: 'Model-1',
    whole: 4,
    problems: [],
  });
  // In full precision on a machine that wants it so, and one named file of it.
  await pullFrom(hub, modelsDir, { taste: { half: false }, as: 'full' })('org/Model-1');
  assert.ok((await visible(modelsDir)).includes('full/unet/diffusion_pytorch_model.safetensors'));
  await pullFrom(hub, modelsDir)('org/Model-1/v1-pruned.safetensors');
  assert.ok((await visible(modelsDir)).includes('v1-pruned.safetensors'));
  assert.deepEqual(await readdir(path.join(modelsDir, '.pulling')), [], 'nothing is left over');
});

test('a connection that breaks off again and again is gone on with', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const bytes = checkpoint();
  hub.faults.set(FILE, { breakAfter: [5000, 0, 7000, 1], status: [503, null, 429, null] });
  const seen: number[] = [];
  await pullFrom(hub, modelsDir, { onProgress: (done) => seen.push(done) })('org/one');
  assert.deepEqual(await readFile(path.join(modelsDir, 'model.safetensors')), Buffer.from(bytes));
  assert.deepEqual(storeRanges().slice(0, 7), [
    null,
    null,
    'bytes=5000-',
    'bytes=5000-',
    'bytes=5000-',
    'bytes=12000-',
    'bytes=12001-',
  ]);
  assert.equal(seen.at(-1), bytes.byteLength);
});

test('a server that never ends a file is given up, what came is kept, and the next pull goes on', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.faults.set(FILE, { breakAfter: [9000, 0, 0, 0, 0, 0, 0, 0] });
  await assert.rejects(
    pullFrom(hub, modelsDir)('org/one'),
    /broke off again and again at 9\.0 kB of .*run the same again to go on/,
  );
  assert.deepEqual(await visible(modelsDir), []);
  assert.deepEqual(await openRegistry(modelsDir).list(), []);
  hub.faults.clear();
  hub.asked.length = 0;
  await pullFrom(hub, modelsDir)('org/one');
  assert.deepEqual(storeRanges(), ['bytes=9000-']);
});

test('a server without ranges, and one that says nothing of the file, are read from the beginning', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.faults.set(FILE, { breakAfter: [9000, null], ignoresRange: true });
  await pullFrom(hub, modelsDir)('org/one');
  hub.downloads.set('/files/plain.safetensors', { bytes: checkpoint() });
  hub.faults.set('/files/plain.safetensors', { saysNothing: true });
  await pullFrom(hub, modelsDir)(`${hub.address}/files/plain.safetensors`);
  const all = await visible(modelsDir);
  assert.deepEqual(all, ['model.safetensors', 'plain.safetensors']);
  for (const name of all) {
    assert.equal(sha256(await readFile(path.join(modelsDir, name))), sha256(checkpoint()));
  }
});

test('other bytes than were told are not kept, whether they come at once or after a break', async (t) => {
  const modelsDir = await temporaryFolder(t);
  for (const breakAfter of [[], [4000]]) {
    hub.faults.set(FILE, { otherBytes: true, breakAfter });
    await assert.rejects(
      pullFrom(hub, modelsDir)('org/one'),
      new RegExp(`SHA-256 ${sha256(checkpoint())} was told, [0-9a-f]{64} came`),
    );
    assert.deepEqual(await visible(modelsDir), []);
  }
  // Small files have git's name alone, and it is compared, too.
  hub.repositories.set('org/small', {
    files: { 'model.safetensors': checkpoint() },
    commit: COMMIT,
    smallerThan: 1e9,
  });
  hub.faults.set('org/small/model.safetensors', { otherBytes: true });
  await assert.rejects(pullFrom(hub, modelsDir)('org/small'), /of git [0-9a-f]{40} was told/);
  hub.faults.clear();
  assert.equal((await pullFrom(hub, modelsDir)('org/small')).pulled.files.length, 1);
});

test('a part that was torn by a power cut is noticed and fetched anew', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.faults.set(FILE, { breakAfter: [9000, 0, 0, 0, 0, 0, 0, 0] });
  await assert.rejects(pullFrom(hub, modelsDir)('org/one'));
  hub.faults.clear();
  const pulling = path.join(modelsDir, '.pulling');
  const part = (await readdir(pulling, { recursive: true })).find((name) => name.endsWith('.part'));
  const file = path.join(pulling, part ?? '');
  await truncate(file, 5000);
  await truncate(file, 8000);
  await pullFrom(hub, modelsDir)('org/one');
  assert.equal(
    sha256(await readFile(path.join(modelsDir, 'model.safetensors'))),
    sha256(checkpoint()),
  );
});

test('a server that lies about sizes is told off', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const { byteLength } = checkpoint();
  for (const toldSize of [byteLength - 100, byteLength + 100]) {
    hub.faults.set(FILE, { toldSize });
    await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /was told to have .* and has /);
  }
  // The listing says less than comes, in a stream that tells no length.
  hub.faults.set(FILE, { saysNothing: true });
  const repository = hub.repositories.get('org/one')!;
  const longer = Buffer.concat([checkpoint(), Buffer.alloc(5000)]);
  const listed = { ...repository, files: { 'model.safetensors': checkpoint() } };
  let reads = 0;
  hub.repositories.set('org/one', {
    ...repository,
    get files() {
      return reads++ < 2 ? listed.files : { 'model.safetensors': longer };
    },
  });
  await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /and has more than/);
  assert.deepEqual(await visible(modelsDir), []);
});

test('tokens are asked for in words, and shown to the hub alone', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.repositories.get('org/one')!.token = 'hf_right';
  await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /accept its terms at .*HF_TOKEN/);
  const wrong = pullFrom(hub, modelsDir, { token: 'hf_wrong' });
  await assert.rejects(wrong('org/one'), /The token in HF_TOKEN may not read org\/one/);
  await pullFrom(hub, modelsDir, { token: 'hf_right' })('org/one');
  const stored = hub.asked.filter(({ at }) => at === 'store');
  assert.ok(stored.length > 0 && stored.every(({ authorization }) => authorization === null));
  await assert.rejects(
    pullFrom(hub, modelsDir)('org/absent'),
    /org\/absent is not there, or not for/,
  );
  const odd = pullFrom(hub, modelsDir, { revision: 'v9' });
  hub.repositories.get('org/one')!.token = undefined as never;
  await assert.rejects(odd('org/one'), /has no org\/one\. Check the name and the revision/);
});

test('redirects lead to http and https alone, and not in circles', async (t) => {
  const modelsDir = await temporaryFolder(t);
  for (const target of [
    'file:///etc/passwd',
    'ftp://example.org/x',
    'data:text/plain,x',
    'http://',
  ]) {
    hub.redirects.set(FILE, target);
    await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /is not fetched: only http/);
  }
  hub.redirects.set(FILE, `${hub.address}/org/one/resolve/${COMMIT}/model.safetensors`);
  await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /without end/);
  assert.deepEqual(await visible(modelsDir), []);
});

test('from a public address nobody is sent into this network', async () => {
  const check = (from: string, to: string) => checkRedirect(new URL(from), new URL(to));
  const inside = [
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '192.168.1.1',
    '172.20.0.1',
    '100.64.0.1',
  ];
  for (const host of [
    ...inside,
    '[::1]',
    '[fd00::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    'localhost',
  ]) {
    await assert.rejects(
      check('https://203.0.113.7/x', `https://${host}/y`),
      /is not fetched/,
      host,
    );
    await check('http://127.0.0.2/x', `http://${host}/y`);
  }
  await check('https://203.0.113.7/x', 'https://198.51.100.2/y');
});

test('a file that is refused although its repository was listed asks for the token, too', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.faults.set(FILE, { status: [403, 401] });
  await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /accept its terms at .*HF_TOKEN/);
  const token = pullFrom(hub, modelsDir, { token: 'hf_x' });
  await assert.rejects(token('org/one'), /The token in HF_TOKEN may not read/);
});

test('a page to log in on in place of a file is no file', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.faults.set(FILE, { contentType: 'text/html; charset=utf-8' });
  await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /accept its terms at .*HF_TOKEN/);
  hub.downloads.set('/x/y/z.safetensors', { bytes: Buffer.from('<html>') });
  hub.faults.set('/x/y/z.safetensors', { contentType: 'text/html' });
  const plain = pullFrom(hub, modelsDir)(`${hub.address}/x/y/z.safetensors`);
  await assert.rejects(plain, /sent a web page in place of z\.safetensors/);
});

test('a store whose servers call one content by several names is gone on with, for the hash tells', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.faults.set(FILE, { breakAfter: [9000, 9000], changingNames: true });
  await pullFrom(hub, modelsDir)('org/one');
  assert.deepEqual(storeRanges(), [null, 'bytes=9000-', 'bytes=18000-']);
});

test('a listing without end, a revision of an address, and what was begun long ago', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const { pageSize } = hub;
  const note = new Uint8Array(9);
  const names = Array.from({ length: 1000 }, (_, n) => `${n}.txt`);
  const files = Object.fromEntries(names.map((name) => [name, note]));
  hub.repositories.set('org/many', { files, commit: COMMIT });
  Object.assign(hub, { endless: true, pageSize: names.length });
  await assert.rejects(pullFrom(hub, modelsDir)('org/many'), /did not answer as its API/);
  Object.assign(hub, { endless: false, pageSize });
  const revised = pullFrom(hub, modelsDir, { revision: 'v1' });
  await assert.rejects(revised(`${hub.address}/x/y/z.safetensors`), /has no revisions/);
  const old = path.join(modelsDir, '.pulling', 'abc', 'files');
  await mkdir(old, { recursive: true });
  await writeFile(path.join(old, 'x.part'), 'x');
  const then = new Date(Date.now() - 40 * 86_400_000);
  for (const one of [path.join(old, 'x.part'), old, path.dirname(old)])
    await utimes(one, then, then);
  await pullFrom(hub, modelsDir)('org/one');
  assert.deepEqual(await readdir(path.join(modelsDir, '.pulling')), []);
});

test('hosts that are away, and answers that are none of the API, are told', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const away = {
    hub: 'http://127.0.0.1:11',
    hubToken: null,
    civitai: hub.address,
    civitaiToken: null,
  };
  await assert.rejects(
    pullFrom(hub, modelsDir, { access: away })('org/one'),
    /127\.0\.0\.1:\d+ cannot be reached \(.+\)\. Nothing was lost/,
  );
  hub.downloads.set('/odd', { bytes: Buffer.from('<html>') });
  const odd = { ...away, hub: `${hub.address}/odd?x=` };
  await assert.rejects(
    pullFrom(hub, modelsDir, { access: odd })('org/one'),
    /did not answer as its API|not there/,
  );
});

test('a name that is taken or cannot be one is refused before anything is fetched', async (t) => {
  const modelsDir = await temporaryFolder(t);
  await writeFile(path.join(modelsDir, 'model.safetensors'), 'mine');
  await mkdir(path.join(modelsDir, 'mine'));
  const refusals: readonly [as: string | null, words: RegExp][] = [
    [null, /something called model already/],
    ['mine', /something called mine already/],
    ['vae', /"vae" cannot be a model's name/],
    ['../out', /cannot be a model's name/],
    ['.hidden', /cannot be a model's name/],
    ['a/b', /cannot be a model's name/],
    ['x'.repeat(120), /cannot be a model's name/],
  ];
  for (const [as, words] of refusals) {
    await assert.rejects(pullFrom(hub, modelsDir, { as })('org/one'), words);
  }
  assert.deepEqual(storeRanges(), []);
  assert.equal(await readFile(path.join(modelsDir, 'model.safetensors'), 'utf8'), 'mine');
  await pullFrom(hub, modelsDir, { as: 'Größe 1.0 (beta)' })('org/one');
});

test('the same pull again fetches what is damaged, a newer commit what changed, and nothing else', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const repository = await diffusersRepository();
  hub.repositories.set('org/big', repository);
  await pullFrom(hub, modelsDir)('org/big');
  hub.asked.length = 0;
  assert.equal((await pullFrom(hub, modelsDir)('org/big')).unchanged, true);
  assert.deepEqual(storeRanges(), []);

  const vae = path.join(modelsDir, 'big/vae/diffusion_pytorch_model.fp16.safetensors');
  await truncate(vae, 100);
  const { problems } = await verifyPulled(modelsDir, 'big', quiet);
  assert.match(problems.join(), /big\/vae\/.* has 100 bytes instead of/);
  assert.equal((await pullFrom(hub, modelsDir)('org/big')).unchanged, false);
  const fetched = hub.asked.filter(({ at }) => at === 'store').map((one) => one.path);
  assert.deepEqual(fetched, ['org/big/vae/diffusion_pytorch_model.fp16.safetensors']);
  assert.deepEqual((await verifyPulled(modelsDir, 'big', quiet)).problems, []);

  const newer = 'b'.repeat(40);
  const index = Buffer.from('{"_class_name":"StableDiffusionPipeline","newer":true}');
  hub.repositories.set('org/big', {
    files: { ...repository.files, 'model_index.json': index },
    commit: newer,
  });
  hub.asked.length = 0;
  const { pulled } = await pullFrom(hub, modelsDir)('org/big');
  assert.equal(pulled.revision, newer);
  assert.deepEqual(
    hub.asked.filter(({ at }) => at === 'store').map((one) => one.path),
    ['org/big/model_index.json'],
  );
  assert.deepEqual(await readFile(path.join(modelsDir, 'big/model_index.json')), index);
});

test('what was fetched is removed, what somebody put beside it is not', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.repositories.set('org/big', await diffusersRepository());
  await pullFrom(hub, modelsDir)('org/big');
  await writeFile(path.join(modelsDir, 'big/notes.txt'), 'mine');
  await removePulled(modelsDir, 'big');
  assert.deepEqual(await visible(modelsDir), ['big/notes.txt']);
  await assert.rejects(removePulled(modelsDir, 'big'), /No model called big was fetched.*None was/);
  await assert.rejects(removePulled(modelsDir, '../x'), /No model called/);
  // A note that somebody has edited leads nowhere else.
  const note = path.join(modelsDir, '.pulled/evil.json');
  const files = [{ path: '../../out', size: 1, sha256: 'a'.repeat(64) }];
  await writeFile(note, JSON.stringify({ source: 'x', place: 'evil', files }));
  await assert.rejects(removePulled(modelsDir, 'evil'), /The note about evil cannot be read/);
});

test('parts of models go where they are looked for, and what is no model is not kept', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.repositories.set('org/lora', { files: { 'style.safetensors': lora() }, commit: COMMIT });
  await pullFrom(hub, modelsDir)('org/lora');
  assert.deepEqual(await visible(modelsDir), ['loras/style.safetensors']);
  hub.downloads.set('/page.safetensors', {
    bytes: Buffer.from('<!doctype html><html>Log in</html>'),
  });
  await assert.rejects(
    pullFrom(hub, modelsDir)(`${hub.address}/page.safetensors`),
    /was fetched and is nothing to paint with, so it was not kept: .*web page/,
  );
  assert.deepEqual(await visible(modelsDir), ['loras/style.safetensors']);
});

test('repositories that hold several models, none, pickles or odd names are refused in words', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const bytes = checkpoint();
  const refusals: readonly [files: string[], words: RegExp][] = [
    [['a.safetensors', 'b.safetensors'], /several models\. Name one: org\/x\/a\.safetensors, org/],
    [['README.md'], /holds no model that Darkroom opens/],
    [['model.ckpt', 'model.bin'], /holds pickles/],
    [['model_index.json', 'unet/diffusion_pytorch_model.bin', 'vae/x.safetensors'], /pickles/],
    [['model_index.json', 'unet/config.json', 'vae/x.safetensors'], /holds no model/],
    [['a.safetensors', '../../out.safetensors'], /whose name leads elsewhere/],
    [['a.safetensors', '/etc/out.safetensors'], /whose name leads elsewhere/],
  ];
  for (const [names, words] of refusals) {
    const files = Object.fromEntries(names.map((name) => [name, bytes]));
    hub.repositories.set('org/x', { files, commit: COMMIT });
    await assert.rejects(pullFrom(hub, modelsDir)('org/x'), words);
  }
  await assert.rejects(pullFrom(hub, modelsDir)('org/x/b.safetensors'), /odd|leads elsewhere|no b/);
  // Of one model's forms the one that suits the machine.
  const forms = ['m-fp16.safetensors', 'm.safetensors', 'm-ema-only-fp16.safetensors'];
  const files = Object.fromEntries(forms.map((name) => [name, bytes]));
  hub.repositories.set('org/x', { files, commit: COMMIT });
  await pullFrom(hub, modelsDir)('org/x');
  await pullFrom(hub, modelsDir, { taste: { half: false } })('org/x');
  assert.deepEqual(await visible(modelsDir), ['m-ema-only-fp16.safetensors', 'm.safetensors']);
});

test('shards come with their list, of one variant', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const names = [
    'model_index.json',
    'vae/config.json',
    'vae/diffusion_pytorch_model.safetensors',
    'transformer/config.json',
    'transformer/diffusion_pytorch_model-00001-of-00002.safetensors',
    'transformer/diffusion_pytorch_model-00002-of-00002.safetensors',
    'transformer/diffusion_pytorch_model.safetensors.index.json',
    'transformer/diffusion_pytorch_model.fp16-00001-of-00002.safetensors',
    'transformer/diffusion_pytorch_model.fp16-00002-of-00002.safetensors',
    'transformer/diffusion_pytorch_model.safetensors.index.fp16.json',
    'text_encoder/model-00001-of-00002.fp16.safetensors',
    'text_encoder/model-00002-of-00002.fp16.safetensors',
    'text_encoder/model.safetensors.index.fp16.json',
    'tokenizer/vocab.json',
    'scheduler/scheduler_config.json',
    'transformer/old/diffusion_pytorch_model.safetensors',
  ];
  hub.repositories.set('org/s', {
    files: Object.fromEntries(names.map((name) => [name, Buffer.from(name)])),
    commit: COMMIT,
  });
  const chosen = async (half: boolean): Promise<string[]> => {
    let plan: Plan | null = null;
    const onPlan = (found: Plan) => (plan = found);
    await pullFrom(hub, modelsDir, { taste: { half }, onPlan })('org/s').catch(() => {});
    return plan!.files.map((one) => one.path).filter((name) => name.startsWith('transformer/'));
  };
  assert.deepEqual((await chosen(true)).toSorted(), [
    'transformer/config.json',
    'transformer/diffusion_pytorch_model.fp16-00001-of-00002.safetensors',
    'transformer/diffusion_pytorch_model.fp16-00002-of-00002.safetensors',
    'transformer/diffusion_pytorch_model.safetensors.index.fp16.json',
  ]);
  assert.deepEqual((await chosen(false)).toSorted(), [
    'transformer/config.json',
    'transformer/diffusion_pytorch_model-00001-of-00002.safetensors',
    'transformer/diffusion_pytorch_model-00002-of-00002.safetensors',
    'transformer/diffusion_pytorch_model.safetensors.index.json',
  ]);
});

test('Civitai: a version by its number, its hash, its token, and what it says is unsafe', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const bytes = checkpoint();
  const file = (over: object) => ({
    name: 'dream_8.safetensors',
    type: 'Model',
    sizeKB: bytes.byteLength / 1024,
    primary: true,
    metadata: { fp: 'fp16', format: 'SafeTensor' },
    hashes: { SHA256: sha256(bytes).toUpperCase() },
    downloadUrl: '{DOWNLOAD}/api/download/models/34',
    pickleScanResult: 'Success',
    virusScanResult: 'Success',
    ...over,
  });
  const version = (files: object[]) => ({
    id: 34,
    modelId: 12,
    name: 'v8',
    baseModel: 'SD 1.5',
    files,
  });
  const say = (files: object[]) => {
    hub.civitai.set('model-versions/34', { ...version(files), model: { name: 'Dream' } });
    hub.civitai.set('models/12', {
      name: 'Dream',
      allowCommercialUse: ['Image'],
      modelVersions: [version(files)],
    });
  };
  hub.downloads.set('34', { bytes, token: 'secret' });
  say([file({ name: 'dream.vae.pt', type: 'VAE' }), file({ name: 'd.ckpt' }), file({})]);
  await assert.rejects(pullFrom(hub, modelsDir)('civitai:12'), /set CIVITAI_TOKEN/);
  const pull = pullFrom(hub, modelsDir, { civitaiToken: 'secret' });
  const { pulled } = await pull('civitai:12');
  assert.deepEqual(
    [pulled.place, pulled.revision, pulled.licence],
    ['dream_8.safetensors', '34', 'commercial use: Image'],
  );
  assert.ok(hub.asked.every(({ at, authorization }) => at === 'hub' || authorization === null));
  for (const source of [
    'civitai:12@34',
    '12@34'.slice(0, 2),
    `${hub.address}/models/12/dream?modelVersionId=34`,
  ]) {
    const again = pullFrom(hub, modelsDir, {
      civitaiToken: 'secret',
      as: `again ${source.length}`,
    });
    assert.equal((await again(source)).pulled.revision, '34');
  }
  say([file({ hashes: { SHA256: 'c'.repeat(64) } })]);
  const other = pullFrom(hub, modelsDir, { civitaiToken: 'secret', as: 'other' });
  await assert.rejects(other('civitai:12'), /SHA-256 c{64} was told/);
  say([file({ virusScanResult: 'Danger' })]);
  await assert.rejects(other('civitai:12'), /is not safe \(Danger\)/);
  say([file({ name: 'd.ckpt' })]);
  await assert.rejects(other('civitai:12'), /holds pickles/);
  say([file({ name: '../../evil.safetensors' })]);
  await assert.rejects(other('civitai:12'), /holds no model/);
  await assert.rejects(other('civitai:99'), /has no civitai:99/);
  hub.civitai.set('models/12', ['nonsense']);
  await assert.rejects(other('civitai:12'), /did not answer as its API/);
});

test('an address: its name, its hash where somebody knows it, and a content that changed meanwhile', async (t) => {
  const modelsDir = await temporaryFolder(t);
  const bytes = checkpoint();
  const disposition = `attachment; filename="the model.safetensors"`;
  hub.downloads.set('/get', { bytes, disposition });
  const source = `${hub.address}/get?id=7`;
  const wrong = pullFrom(hub, modelsDir, { sha256: 'd'.repeat(64) });
  await assert.rejects(wrong(source), /SHA-256 d{64} was told/);
  hub.faults.set('/get', { breakAfter: [6000, 0, 0, 0, 0, 0, 0, 0] });
  await assert.rejects(pullFrom(hub, modelsDir)(source), /broke off/);
  const other = safetensorsWith(bytes);
  hub.downloads.set('/get', { bytes: other, disposition });
  hub.faults.clear();
  await pullFrom(hub, modelsDir, { sha256: sha256(other) })(source);
  assert.deepEqual(await visible(modelsDir), ['the model.safetensors']);
  assert.equal(
    sha256(await readFile(path.join(modelsDir, 'the model.safetensors'))),
    sha256(other),
  );
});

/** The same checkpoint with other numbers at its end. */
function safetensorsWith(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[other.length - 2] = 1;
  return other;
}

test('two programs do not fetch the same at once', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.faults.set(FILE, { slow: { ms: 5, chunk: 200_000 } });
  const first = pullFrom(hub, modelsDir)('org/one');
  // The folder is there before its lock: only a lock tells that the first one is the first.
  const pulling = path.join(modelsDir, '.pulling');
  while (!(await readdir(pulling).catch(() => [])).some((name) => name.endsWith('.lock'))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await assert.rejects(pullFrom(hub, modelsDir)('org/one'), /is being fetched by another program/);
  await first;
  const stopped = new AbortController();
  const onProgress = () => stopped.abort(new Error('stopped'));
  const second = pullFrom(hub, modelsDir, { as: 'b', signal: stopped.signal, onProgress });
  await assert.rejects(second('org/one'), /stopped/);
  assert.deepEqual(await visible(modelsDir), ['model.safetensors']);
});

test('what people type names what they mean', () => {
  const sites = { hub: 'https://hf-mirror.com', civitai: 'https://civitai.com' };
  const named = (text: string) => {
    const source = parseSource(text, sites);
    return source.kind === 'url' ? source.url.href : Object.values(source).join(' ');
  };
  assert.equal(named('org/name'), 'hub org/name  ');
  assert.equal(named('hf:org/name@v1.0'), 'hub org/name  v1.0');
  assert.equal(named('org/name/sub/x.safetensors'), 'hub org/name sub/x.safetensors ');
  assert.equal(named('https://huggingface.co/org/name'), 'hub org/name  ');
  assert.equal(named('https://huggingface.co/org/name/tree/main'), 'hub org/name  main');
  assert.equal(
    named('https://huggingface.co/org/name/resolve/main/a%20b/x.gguf?download=true'),
    'hub org/name a b/x.gguf main',
  );
  assert.equal(named('https://hf-mirror.com/org/name/blob/v2/x.sft'), 'hub org/name x.sft v2');
  assert.equal(
    named('https://huggingface.co/datasets/org/name'),
    'https://huggingface.co/datasets/org/name',
  );
  assert.equal(named('12'), 'civitai 12 ');
  assert.equal(named('civitai:12@34'), 'civitai 12 34');
  assert.equal(named('urn:air:sdxl:checkpoint:civitai:12@34'), 'civitai 12 34');
  assert.equal(named('https://civitai.com/models/12/x?modelVersionId=34'), 'civitai 12 34');
  assert.equal(named('https://civitai.com/api/download/models/34?type=Model'), 'civitai  34');
  for (const text of [
    '',
    'name',
    'a/b/c',
    '../a',
    'a/../b',
    'a b/c',
    'org/name@',
    'org/name@a@b',
    'https://',
  ]) {
    assert.throws(() => parseSource(text, sites), /names nothing that can be fetched/, text);
  }
  for (const text of ['file:///etc/passwd', 'ftp://x/y', 'smb://x/y']) {
    assert.throws(() => parseSource(text, sites), /is not fetched: only http/);
  }
});
