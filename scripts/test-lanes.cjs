// In which order the test files run, and the processes that take them. Most of what a small file costs is its process:
// Node, discord.js, sharp and ONNX Runtime start, and each is the same for all of them. So a few processes, the lanes,
// take one file after another until none is left.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const url = require('node:url');

/** They take longest, most of it waiting, and begin first, each some files after the one before. */
const LONG = [
  'test/e2e/trouble/kill-painting.test.ts',
  'test/e2e/trouble/drops.test.ts',
  'test/e2e/trouble/faults.test.ts',
  'test/e2e/people/posts.test.ts',
  'test/e2e/painting/explore.test.ts',
  'test/e2e/people/deleted.test.ts',
  'test/e2e/trouble/disk.test.ts',
  'test/e2e/painting/buttons.test.ts',
  'test/e2e/painting/sheet-axes.test.ts',
  'test/e2e/trouble/restart.test.ts',
  'test/e2e/people/threads.test.ts',
  'test/e2e/trouble/clock.test.ts',
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
/** Folders of test/ whose files take longest, and begin first. */
const FIRST = ['playground', 'cli', 'engine', 'commands', 'explore', 'runner', 'queue'];
/** When the last end-to-end file begins, in files of the others: what ends last is short. */
const BEGUN = 0.8;

/**
 * Writes into an empty folder in which order the lanes take the files, and a test file for each process: one for each
 * lane and each file that needs its own. Answers their paths.
 */
exports.layLanes = (root, folder, lanes) => {
  const order = orderOf(root).filter((file) => !ALONE.includes(file));
  fs.writeFileSync(path.join(folder, 'order.json'), JSON.stringify(order));
  const hrefOf = (file) => JSON.stringify(url.pathToFileURL(path.join(root, file)).href);
  const write = (name, text) => {
    const file = path.join(folder, `${name}.test.mjs`);
    fs.writeFileSync(file, text);
    return file;
  };
  const alone = ALONE.map((file, i) => write(`alone-${i}`, `import ${hrefOf(file)};\n`));
  const takes =
    `import { takeFiles } from ${hrefOf('test/support/machine/lane.ts')};\n` +
    `await takeFiles(${JSON.stringify(folder)});\n`;
  return alone.concat(Array.from({ length: lanes }, (_, i) => write(`lane-${i}`, takes)));
};

/** Answers the files of the order that no lane has taken to its end. */
exports.leftOver = (folder) => {
  const order = JSON.parse(fs.readFileSync(path.join(folder, 'order.json'), 'utf8'));
  return order.filter((_, i) => !fs.existsSync(path.join(folder, `${i}.ended`)));
};

/**
 * Files that wait stand among those that compute: what one leaves of the processor, another takes. They take longer, and
 * have all begun before the others have.
 */
function orderOf(root) {
  const files = fs
    .globSync('test/**/*.test.ts', { cwd: root })
    .map((file) => file.split(path.sep).join('/'))
    .sort();
  const rest = files.filter((file) => !LONG.includes(file));
  const busy = rest.filter((file) => !isWaiting(file)).sort((a, b) => rank(a) - rank(b));
  const places = (group, share) =>
    group.map((file, i) => ({ file, at: (share * i) / group.length }));
  return places(LONG, BEGUN / 2)
    .concat(places(rest.filter(isWaiting), BEGUN))
    .concat(places(busy, 1))
    .sort((a, b) => a.at - b.at)
    .map(({ file }) => file);
}

function isWaiting(file) {
  return file.startsWith('test/e2e/');
}

function rank(file) {
  const at = FIRST.indexOf(file.split('/')[1]);
  return at < 0 ? FIRST.length : at;
}

exports.ALONE = ALONE;
