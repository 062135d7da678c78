// Starts a TypeScript file, or the test runner, on the Node that `npm install` put into node_modules.
// Plain old CommonJS on purpose: it must also run on the Node that is too old for everything else.
'use strict';

var parts = process.versions.node.split('.').map(Number);
var runsTypeScript = parts[0] > 24 || (parts[0] === 24 && parts[1] >= 3);

if (!runsTypeScript) {
  console.error(
    'Darkroom runs on Node 24, this is Node ' +
      process.versions.node +
      '. Run `npm install` here once (it brings its ' +
      'own Node 24; your npm must allow the install script of the package "node"), then start with npm: npm start.',
  );
  process.exit(1);
}

var fs = require('node:fs');
var path = require('node:path');
var root = path.join(__dirname, '..');
var target = process.argv[2];

// What Node compiles of the sources is kept: a program then takes half the time to start.
if (!process.env.NODE_COMPILE_CACHE && fs.existsSync(path.join(root, 'node_modules'))) {
  var compiled = path.join(root, 'node_modules', '.cache', 'compiled');
}

if (target === '--test') {
  var given = process.argv.slice(3);
  var files =
    given.length > 0
      ? given
      : require('./test-groups.cjs').writeGroups(
          root,
          path.join(root, 'node_modules', '.cache', 'test-groups'),
        );
  // Files wait about half of their time, and fill each other's gaps; one takes up to a gigabyte.
  var os = require('node:os');
  // Programs that tests start read it; the files themselves import it.
  var ofTests = { ORT_THREADS: process.env.ORT_THREADS || '1' };
  if (compiled) ofTests.NODE_COMPILE_CACHE = compiled;
  var atOnce = Math.min(2 * os.availableParallelism() + 1, Math.floor(os.totalmem() / 2e9));
  var run = require('node:child_process').spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      // More processes than cores: threads that collect garbage for one of them take the processor from the others.
      '--single-threaded-gc',
      '--max-semi-space-size=32',
      '--import=./test/support/machine/one-thread.ts',
      '--test',
      '--test-timeout=900000',
      '--test-concurrency=' + Math.max(2, atOnce),
    ].concat(files),
    {
      cwd: root,
      stdio: 'inherit',
      env: Object.assign({}, process.env, ofTests),
    },
  );
  process.exit(run.status === null ? 1 : run.status);
}
if (compiled) require('node:module').enableCompileCache(compiled);

// node:sqlite still announces itself as experimental; people should see Darkroom's words only.
var emitWarning = process.emitWarning;
process.emitWarning = function (warning, options) {
  var type = typeof options === 'string' ? options : options && options.type;
  if (type === 'ExperimentalWarning' || (warning && warning.name === 'ExperimentalWarning')) return;
  return emitWarning.apply(process, arguments);
};

process.argv.splice(1, 2, path.join(root, target));
import(require('node:url').pathToFileURL(path.join(root, target)).href).catch(function (error) {
  console.error(error);
  process.exit(1);
});
