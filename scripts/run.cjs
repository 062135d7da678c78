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
if (!process.env.NODE_COMPILE_CACHE) var compiled = placeOfCompiled();

/** In a clone, and in an installed package, which lies in the node_modules of others; undefined: there is none. */
function placeOfCompiled() {
  var own = path.join(root, 'node_modules');
  if (fs.existsSync(own)) return path.join(own, '.cache', 'compiled');
  var around = path.dirname(root);
  if (path.basename(around) === 'node_modules') return path.join(around, '.cache', 'darkroom-bot');
}

if (target === '--test') {
  var given = process.argv.slice(3);
  // Most wait for most of their time, and fill each other's gaps; one takes up to a gigabyte.
  var os = require('node:os');
  var atOnce = Math.min(3 * os.availableParallelism(), Math.floor(os.totalmem() / 2e9));
  atOnce = Math.max(2, atOnce);
  // Programs that tests start read it; the files themselves import it.
  var ofTests = { ORT_THREADS: process.env.ORT_THREADS || '1' };
  if (compiled) ofTests.NODE_COMPILE_CACHE = compiled;
  // Memory that is given back and asked for anew costs more than the arithmetic in it.
  ofTests.MALLOC_MMAP_THRESHOLD_ = '268435456';
  ofTests.MALLOC_TRIM_THRESHOLD_ = '268435456';
  var lanes = require('./test-lanes.cjs');
  var folder = lanes.openFolder();
  ofTests.TMPDIR = folder;
  var order = given.length > 0 ? null : folder;
  // The run hears Ctrl-C as well; its folder, which may be memory, is removed when it has ended.
  process.on('SIGINT', function () {});
  var run = require('node:child_process').spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      // More processes than cores: threads that collect garbage for one of them take the processor from the others.
      '--single-threaded-gc',
      '--max-semi-space-size=32',
      '--import=./test/support/machine/one-thread.ts',
      '--test',
      // What hangs ends some time: of the whole run a process takes many files.
      '--test-timeout=' + (order ? 7200000 : 900000),
      '--test-concurrency=' + atOnce,
    ].concat(order ? lanes.layLanes(root, order, atOnce) : given),
    {
      cwd: root,
      stdio: 'inherit',
      env: Object.assign({}, process.env, ofTests),
    },
  );
  var left = order ? lanes.leftOver(order) : [];
  fs.rmSync(folder, { recursive: true, force: true });
  if (left.length > 0)
    console.error('These test files did not run to their end: ' + left.join(', '));
  process.exit(run.status || (run.status === null || left.length > 0 ? 1 : 0));
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
