// Which test files share a process. Most of what a small file costs is its process: Node, discord.js, sharp and ONNX
// Runtime start, and each is the same for all of them.
'use strict';

var fs = require('node:fs');
var path = require('node:path');
var url = require('node:url');

/** They take long, most of it waiting for programs: each has a process to itself. */
var LONG = [
  'test/e2e/trouble/kill-painting.test.ts',
  'test/e2e/painting/explore.test.ts',
  'test/e2e/trouble/drops.test.ts',
  'test/e2e/trouble/clock.test.ts',
  'test/e2e/painting/imagine.test.ts',
  'test/e2e/trouble/kill-answering.test.ts',
  'test/e2e/programs/workers.test.ts',
  'test/e2e/trouble/disk.test.ts',
  'test/package.test.ts',
];
/** They count what the whole process has: threads, children. */
var ALONE = ['test/engine/network/session.test.ts', 'test/engine/picture/picture-reader.test.ts'];
/** So many files share a process; of e2e/, whose files wait for one thing after the other, fewer. */
var TOGETHER = 10;
var TOGETHER_E2E = 3;
/** Folders of test/ whose files take longest, and begin first. */
var FIRST = ['playground', 'cli', 'engine', 'commands', 'explore', 'runner', 'queue'];

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
  var rest = files.sort().filter(function (file) {
    return LONG.indexOf(file) < 0 && ALONE.indexOf(file) < 0;
  });
  var waiting = LONG.map(one).concat(parts(rest.filter(isWaiting), TOGETHER_E2E));
  var busy = rest.filter(function (file) {
    return !isWaiting(file);
  });
  busy.sort(function (a, b) {
    return rank(a) - rank(b);
  });
  return mixed(waiting, ALONE.map(one).concat(parts(busy, TOGETHER)));
}

function one(file) {
  return [file];
}

function isWaiting(file) {
  return file.indexOf('test/e2e/') === 0;
}

function rank(file) {
  var at = FIRST.indexOf(file.split('/')[1]);
  return at < 0 ? FIRST.length : at;
}

function parts(files, size) {
  var all = [];
  for (var at = 0; at < files.length; at += size) all.push(files.slice(at, at + size));
  return all;
}

/**
 * Those that wait stand among those that compute: what one leaves of the processor, another takes. They take longer,
 * and have all begun with half of the others.
 */
function mixed(waiting, busy) {
  return [waiting, busy]
    .flatMap(function (groups) {
      var share = groups === waiting ? 0.5 : 1;
      return groups.map(function (group, i) {
        return { group: group, at: (share * i) / groups.length };
      });
    })
    .sort(function (a, b) {
      return a.at - b.at;
    })
    .map(function (each) {
      return each.group;
    });
}

exports.EARLY = EARLY;
