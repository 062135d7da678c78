// Which test files share a process. Most of what a small file costs is its process: Node, discord.js, sharp and ONNX
// Runtime start, and each is the same for all of them.
'use strict';

var fs = require('node:fs');
var path = require('node:path');
var url = require('node:url');

/** They take long, most of it waiting: each has a process to itself, and they start first. */
var LONG = [
  'test/e2e/trouble/kill-painting.test.ts',
  'test/e2e/trouble/kill-answering.test.ts',
  'test/e2e/trouble/clock.test.ts',
  'test/e2e/trouble/drops.test.ts',
  'test/e2e/painting/imagine.test.ts',
  'test/e2e/page/page.test.ts',
  'test/e2e/painting/pictures.test.ts',
  'test/e2e/programs/workers.test.ts',
  'test/e2e/trouble/disk.test.ts',
  'test/e2e/painting/sheet-axes.test.ts',
  'test/engine/families/relatives.test.ts',
  'test/engine/pipeline/checkpoint-pictures.test.ts',
  'test/playground/page.test.ts',
  'test/cli/imagine.test.ts',
  'test/package.test.ts',
];
/** They count what the whole process has: threads, children. */
var ALONE = ['test/engine/network/session.test.ts', 'test/engine/picture/picture-reader.test.ts'];
/** So many files share a process, all of them of one folder of test/; of e2e/, whose files wait, fewer. */
var TOGETHER = 10;
var TOGETHER_E2E = 3;
/** Folders of test/ whose files take longest, and begin first. */
var FIRST = ['e2e', 'playground', 'engine', 'commands', 'explore', 'cli', 'runner', 'queue'];

/**
 * They await something while they are loaded. A file that waits for one of them begins in nobody's name, and its tests
 * belong to no suite; loaded before, they keep nobody waiting.
 */
var EARLY = ['test/support/golden/golden-set.ts'];

/**
 * Writes a test file for each group, in the order to start them, and answers their paths. Those of another run stay,
 * which may not have ended.
 */
exports.writeGroups = function (root, folder) {
  fs.mkdirSync(folder, { recursive: true });
  return groupsOf(root).map(function (files, i) {
    var name = String(i).padStart(3, '0') + '-' + path.basename(files[0], '.test.ts');
    var group = path.join(folder, name + '.test.mjs');
    // Hooks of a file are those of its suite, and its folders and engines are gone before the next file begins.
    var suites = files.map(function (file) {
      var href = JSON.stringify(url.pathToFileURL(path.join(root, file)).href);
      return (
        'describe(' + JSON.stringify(file) + ', async () => void (await import(' + href + ')));'
      );
    });
    var first = EARLY.map(function (file) {
      return 'import ' + JSON.stringify(url.pathToFileURL(path.join(root, file)).href) + ';';
    });
    var lines = ["import { describe } from 'node:test';"].concat(first, suites, '');
    fs.writeFileSync(group, lines.join('\n'));
    return group;
  });
};

function groupsOf(root) {
  var files = fs.globSync('test/**/*.test.ts', { cwd: root }).map(function (file) {
    return file.split(path.sep).join('/');
  });
  var groups = LONG.concat(ALONE).map(function (file) {
    return [file];
  });
  var rooms = {};
  files.sort().forEach(function (file) {
    if (LONG.indexOf(file) >= 0 || ALONE.indexOf(file) >= 0) return;
    var room = file.split('/').slice(1, -1)[0] || '';
    (rooms[room] = rooms[room] || []).push(file);
  });
  FIRST.concat(Object.keys(rooms)).forEach(function (room) {
    var its = rooms[room] || [];
    while (its.length > 0) groups.push(its.splice(0, room === 'e2e' ? TOGETHER_E2E : TOGETHER));
  });
  return groups;
}

exports.EARLY = EARLY;
