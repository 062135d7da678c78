import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Environment } from '../src/config-variables.ts';
import { loadConfig } from '../src/config.ts';

const root = path.join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const isThere = (file: string): boolean => existsSync(path.join(root, file));

const documents = globSync(['*.md', 'docs/**/*.md', 'playground/*.md', 'training/*.md'], {
  cwd: root,
}).map((file) => ({ file: file.split(path.sep).join('/'), text: read(file) }));

type Document = (typeof documents)[number];

/** Scripts that a document tells people to run and that package.json does not have. */
function unknownScripts({ file, text }: Document): string[] {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  return [...text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => !(name in scripts))
    .map((name) => `${file}: npm run ${name}`);
}

/** Links and pictures that lead nowhere. */
function brokenLinks({ file, text }: Document): string[] {
  return [...text.matchAll(/\]\(([^)\s#`(]+)(?:#[^)]*)?\)/g), ...text.matchAll(/src="([^"]+)"/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !isThere(path.join(path.dirname(file), target)))
    .map((target) => `${file} -> ${target}`);
}

/** Source files that a document names by their whole path. */
function lostFiles({ file, text }: Document): string[] {
  return [
    ...text.matchAll(/\b((?:src|commands|playground|scripts|test|bench)\/[\w./-]+\.(?:ts|cjs))\b/g),
  ]
    .map((match) => match[1] ?? '')
    .filter((target) => !isThere(target))
    .map((target) => `${file} names ${target}`);
}

const tracked = globSync(
  ['{src,commands,playground,scripts,test,bench,training,models}/**/*.{ts,cjs,css,py}'],
  { cwd: root, exclude: ['**/node_modules/**'] },
).map((file) => file.split(path.sep).join('/'));

/** Source files that a document names by the end of their path, such as `lora/low-rank.ts`. */
function lostNames({ file, text }: Document): string[] {
  return [...text.matchAll(/`([\w./-]*[\w-]\.(?:ts|cjs|css|py))`/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => !tracked.some((one) => one === name || one.endsWith(`/${name}`)))
    .map((name) => `${file} names ${name}`);
}

/** Folders and files of the sources that a document names without an ending, such as `bot/order/options`. */
function lostPlaces({ file, text }: Document): string[] {
  const rooms = 'src|commands|playground|scripts|test|bench|engine|queue|runner|explore|bot';
  return [...text.matchAll(new RegExp(`\`((?:${rooms})/[a-z][a-z/-]*)\``, 'g'))]
    .map((match) => (match[1] ?? '').replace(/\/$/, ''))
    .filter((place) => ![place, `src/${place}`].some((one) => isThere(one) || isThere(`${one}.ts`)))
    .map((place) => `${file} names ${place}`);
}

const sources = tracked
  .filter((file) => file !== 'test/documents.test.ts')
  .map(read)
  .concat(['package.json', 'Dockerfile', 'compose.yaml', 'compose.scale.yaml'].map(read))
  .join('\n');

/** Variables of the environment that a document tells of and nothing reads. */
function lostVariables({ file, text }: Document): string[] {
  return [...text.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => !sources.includes(name))
    .map((name) => `${file} tells of ${name}`);
}

test('documents name scripts, links and files that exist', () => {
  assert.ok(documents.length > 8);
  const current = documents.filter(({ file }) => file !== 'CHANGELOG.md');
  assert.deepEqual(current.flatMap(unknownScripts), []);
  assert.deepEqual(current.flatMap(brokenLinks), []);
  assert.deepEqual(current.flatMap(lostFiles), []);
  assert.deepEqual(current.flatMap(lostNames), []);
  assert.deepEqual(current.flatMap(lostPlaces), []);
  assert.deepEqual(current.flatMap(lostVariables), []);
  const planted = {
    file: 'README.md',
    text: '`npm run -s nothing` [here](docs/nothing.md) in src/nothing.ts, `onnx/nothing.ts`, `bot/nothing`, `NO_SUCH_THING=1`',
  };
  assert.equal(unknownScripts(planted).length, 1);
  assert.equal(brokenLinks(planted).length, 1);
  assert.equal(lostFiles(planted).length, 1);
  assert.equal(lostNames(planted).length, 1);
  assert.equal(lostPlaces(planted).length, 1);
  assert.equal(lostVariables(planted).length, 1);
});

/** Read, and said by others: NVIDIA's, Amazon's and systemd's. */
const NOT_OURS = [
  'CUDA_VISIBLE_DEVICES',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'NOTIFY_SOCKET',
];

test("README's table of variables is what the program reads", () => {
  const asked = new Set<string>();
  const note = (_: object, name: string | symbol): undefined => void asked.add(String(name));
  loadConfig(new Proxy<Environment>({}, { get: note }));
  // Read only beside another one.
  for (const port of ['PICTURES_PORT', 'METRICS_PORT']) {
    loadConfig(
      new Proxy<Environment>(
        {},
        {
          get(_, name) {
            note(_, name);
            if (name === port) return '9000';
            return name === 'PICTURES_SECRET' ? 'a secret of many letters' : undefined;
          },
        },
      ),
    );
  }
  const table = /## Configuration[^]*?\n(\|[^]*?)\n\n/.exec(read('README.md'))?.[1] ?? '';
  const told = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => String(name)),
  );
  assert.ok(told.length > 20);
  assert.deepEqual(
    [...asked].filter((name) => !told.includes(name) && !NOT_OURS.includes(name)),
    [],
  );
  assert.deepEqual(
    told.filter((name) => !asked.has(name)),
    [],
  );
});

/** The tree of ARCHITECTURE's "Rooms" as paths: two blanks a level, names before the first wide gap. */
function roomsOf(text: string): string[] {
  const tree = /## Rooms[\s\S]*?```\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  const above: string[] = [];
  const found: string[] = [];
  for (const line of tree.split('\n').filter((each) => each.trim() !== '')) {
    const depth = (line.length - line.trimStart().length) / 2;
    const names =
      line
        .trim()
        .split(/\s{2,}/)[0]
        ?.split(' ') ?? [];
    above.length = depth;
    for (const name of names) {
      if (/^[\w.-]+(?:\/|\.ts|\.md|\/[\w-]+\/)$/.test(name)) found.push([...above, name].join(''));
    }
    above[depth] = names[0] ?? '';
  }
  return found;
}

test("ARCHITECTURE's rooms are the folders there are", () => {
  const rooms = roomsOf(read('ARCHITECTURE.md'));
  assert.ok(rooms.includes('src/engine/engine.ts') && rooms.length > 60, rooms.join('\n'));
  assert.deepEqual(
    rooms.filter((room) => !isThere(room)),
    [],
  );
  for (const parent of ['src', 'src/engine', 'src/queue', 'src/explore', 'src/bot']) {
    const folders = readdirSync(path.join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const text = read('ARCHITECTURE.md');
    for (const name of folders)
      assert.ok(text.includes(`${name}/`), `${parent}/${name} is not told of`);
  }
  assert.deepEqual(roomsOf('## Rooms\n```\nsrc/\n  a/  x\n    b.ts c.ts  y\n```'), [
    'src/',
    'src/a/',
    'src/a/b.ts',
    'src/a/c.ts',
  ]);
});

test('ARCHITECTURE lists every decision that is written down', () => {
  const listed = [...read('ARCHITECTURE.md').matchAll(/\(docs\/adr\/([\w-]+\.md)\)/g)].map(
    (match) => match[1],
  );
  assert.deepEqual(listed.toSorted(), readdirSync(path.join(root, 'docs/adr')).toSorted());
});

/** Tables may stand side by side: one small file an entry. */
const TABLES = ['src/engine/samplers', 'src/engine/diffusers', 'src/engine/families'];
const HOUSES = ['src', 'commands', 'playground', 'test', 'bench', 'scripts', 'training'];
/** Not folders that people look for anything in: what a package or a run put there, and inputs of tests. */
const ASIDE = /(^|\/)(node_modules|__pycache__|fixtures)(\/|$)/;
const MOST_FILES = 15;

test('no folder is crowded', () => {
  const crowded = globSync(
    HOUSES.map((house) => `${house}/**/`),
    { cwd: root },
  )
    .map((folder) => folder.split(path.sep).join('/').replace(/\/$/, ''))
    .filter((folder) => !ASIDE.test(folder) && !TABLES.includes(folder))
    .map((folder) => {
      const entries = readdirSync(path.join(root, folder), { withFileTypes: true });
      return { folder, files: entries.filter((entry) => entry.isFile()).length };
    })
    .filter(({ files }) => files > MOST_FILES);
  assert.deepEqual(crowded, []);
});
