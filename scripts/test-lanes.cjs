// In which order the test files run, and the processes that take them. Most of what a small file costs is its process:
// Node, discord.js, sharp and ONNX Runtime start, and each is the same for all of them. So a few processes, the lanes,
// take one file after another until none is left.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const url = require('node:url');

/** Of those that wait, the ones that take longest: they begin first. */
const LONG = [
  'test/e2e/trouble/kill-painting.test.ts',
  'test/e2e/trouble/drops.test.ts',
  'test/e2e/trouble/clock.test.ts',
  'test/e2e/trouble/faults.test.ts',
  'test/e2e/painting/explore.test.ts',
  'test/e2e/trouble/disk.test.ts',
  'test/playground/page.test.ts',
  'test/e2e/people/posts.test.ts',
  'test/e2e/people/threads.test.ts',
  'test/e2e/programs/workers.test.ts',
  'test/e2e/programs/shards.test.ts',
];
/**
 * They count what the whole process has, threads and children, or how long something takes, which others' memory would
 * lengthen, and have one to themselves.
 */
const ALONE = [
  'test/engine/network/session.test.ts',
  'test/engine/picture/picture-reader.test.ts',
  'test/fuzz/fuzz.test.ts',
];
/** Folders of test/ whose files compute most, and begin first. */
const FIRST = ['playground', 'cli', 'engine', 'commands', 'explore', 'runner', 'queue'];

/** Enough for what the tests of a run write at once, and for the run beside it. */
const ROOM = 12e9;

/** Makes the folder of a run: in memory where there is plenty, for what is kept by nobody needs no disk. */
exports.openFolder = () => {
  const room = os.freemem() > ROOM && sizeOf('/dev/shm') > ROOM ? '/dev/shm' : os.tmpdir();
  const folder = fs.mkdtempSync(path.join(room, 'darkroom-tests-'));
  // Postgres runs as a user of its own.
  fs.chmodSync(folder, 0o711);
  return folder;
};

/** Bytes that are free there; 0 where nobody may write. */
function sizeOf(folder) {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    const { bavail, bsize } = fs.statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/**
 * Writes into an empty folder in which order the lanes take the files, and a test file for each process: one for each
 * lane and each file that needs its own. Answers their paths.
 */
exports.layLanes = (root, folder, lanes) => {
  writeOrder(folder, orderOf(root));
  const alone = ALONE.map((file, i) =>
    write(folder, `alone-${i}`, `import ${hrefOf(root, file)};\n`),
  );
  return alone.concat(writeLanes(root, folder, lanes));
};

/** `order`: the files that wait, and those that compute. */
function writeOrder(folder, order) {
  fs.writeFileSync(path.join(folder, 'order.json'), JSON.stringify(order));
}

/**
 * Writes so many test files that take those of the folder's order. Two of three begin with the files that wait, beside
 * which the third has a core to compute with. Answers their paths.
 */
function writeLanes(root, folder, lanes) {
  const waiting = Math.round((2 * lanes) / 3);
  return Array.from({ length: lanes }, (_, i) => {
    const first = i < waiting ? 'waits' : 'computes';
    // Before all else: it changes what node:test is made of.
    const text =
      `await import(${hrefOf(root, 'test/support/machine/quiet-hooks.ts')});\n` +
      `const { takeFiles } = await import(${hrefOf(root, 'test/support/machine/lane.ts')});\n` +
      `await takeFiles(${JSON.stringify(folder)}, '${first}');\n`;
    return write(folder, `lane-${i}`, text);
  });
}

function write(folder, name, text) {
  const file = path.join(folder, `${name}.test.mjs`);
  fs.writeFileSync(file, text);
  return file;
}

function hrefOf(root, file) {
  return JSON.stringify(url.pathToFileURL(path.join(root, file)).href);
}

/** Answers the files of the order that no lane has taken to its end. */
exports.leftOver = (folder) => {
  const { waits, computes } = JSON.parse(fs.readFileSync(path.join(folder, 'order.json'), 'utf8'));
  const isLeft = (file) => !fs.existsSync(path.join(folder, `${encodeURIComponent(file)}.ended`));
  return waits.concat(computes).filter(isLeft);
};

function orderOf(root) {
  const files = fs
    .globSync('test/**/*.test.ts', { cwd: root })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => !ALONE.includes(file))
    .sort();
  const isWaiting = (file) => file.startsWith('test/e2e/') || LONG.includes(file);
  const place = (file) => (LONG.includes(file) ? LONG.indexOf(file) : LONG.length);
  return {
    waits: files.filter(isWaiting).sort((a, b) => place(a) - place(b)),
    computes: files.filter((file) => !isWaiting(file)).sort((a, b) => rank(a) - rank(b)),
  };
}

function rank(file) {
  const at = FIRST.indexOf(file.split('/')[1]);
  return at < 0 ? FIRST.length : at;
}

exports.ALONE = ALONE;
exports.writeLanes = writeLanes;
exports.writeOrder = writeOrder;
