#!/usr/bin/env node
// `darkroom COMMAND …`: the one program of the package. In a clone of the repository it starts the sources, in an
// installed package what was built of them, since Node runs no TypeScript below node_modules.
// Plain old CommonJS on purpose: it must also run on the Node that is too old for everything else.
'use strict';

var fs = require('node:fs');
var path = require('node:path');

var root = path.join(__dirname, '..');
var isClone = fs.existsSync(path.join(root, 'src', 'main.ts'));
var built = isClone ? '' : 'dist';
var extension = isClone ? '.ts' : '.js';

var WHAT = {
  start: 'the bot on Discord with DISCORD_TOKEN, else the playground',
  imagine: 'one picture, without Discord',
  explore: 'a labelled sheet of what steps, CFG, samplers … do',
  models: 'what can paint here, and what any file is',
  recipe: 'how a picture was made',
  calibrate: 'how few steps are enough here',
  worker: 'paints for a bot that runs elsewhere',
  doctor: 'what stops this machine from painting, and what mends it',
  backup: 'the data folder into one archive, while the bot works',
  restore: 'brings such an archive back',
  explain: 'what is behind the reference that somebody was shown',
  queue: 'moves a queue between a file and a Redis',
  'setup-cuda': 'makes NVIDIA GPUs paint: fetches, checks and tries out what that needs',
};
/** These want a models folder. */
var PAINTS = ['start', 'imagine', 'explore', 'models', 'calibrate', 'worker', 'doctor'];

function commands() {
  var found = { start: path.join(built, 'src', 'main' + extension) };
  fs.readdirSync(path.join(root, built, 'src', 'cli')).forEach(function (file) {
    if (path.extname(file) !== extension) return;
    found[path.basename(file, extension)] = path.join(built, 'src', 'cli', file);
  });
  return found;
}

function help(known) {
  var lines = Object.keys(known).map(function (name) {
    return '  ' + (name + ' '.repeat(14)).slice(0, 14) + (WHAT[name] || '');
  });
  return (
    'Darkroom ' +
    require(path.join(root, 'package.json')).version +
    ': a Discord bot that paints with Stable Diffusion on your own machine.\n\n' +
    '  darkroom COMMAND [options]     darkroom COMMAND --help\n\n' +
    lines.join('\n') +
    '\n\nIts data is kept in ./data, models in ./models (DATA_DIR, MODELS_DIR, or lines of a .env file, say otherwise).\n'
  );
}

/** The known name that a mistyped one is nearest to, by letters in common; null: none is near. */
function nearest(typed, names) {
  var near = names.filter(function (name) {
    return name.indexOf(typed) === 0 || typed.indexOf(name) === 0 || distance(typed, name) <= 2;
  });
  return near.length > 0 ? near[0] : null;
}

function distance(a, b) {
  var row = Array.from({ length: b.length + 1 }, function (_, i) {
    return i;
  });
  for (var i = 1; i <= Math.min(a.length, 40); i++) {
    var before = row.slice();
    row[0] = i;
    for (var j = 1; j <= b.length; j++) {
      row[j] = Math.min(
        before[j] + 1,
        row[j - 1] + 1,
        before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
  }
  return row[b.length];
}

function fail(sentence) {
  console.error(sentence);
  process.exit(2);
}

/** Another Node than this one goes on with it. */
function handOver(node) {
  var child = require('node:child_process').spawn(
    node,
    [__filename].concat(process.argv.slice(2)),
    {
      stdio: 'inherit',
    },
  );
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends Ctrl-C to both.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  });
  child.on('error', function (error) {
    fail(
      'The Node of this package cannot be started (' +
        error.message +
        '). Install it anew, or use Node 24.',
    );
  });
  child.on('exit', function (code, signal) {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(code);
  });
}

/** The Node that came with the package, beside a system's that is too old; null: it was not installed. */
function ownNode() {
  try {
    var folder = path.dirname(require.resolve('node/package.json', { paths: [root] }));
    var file = path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return fs.existsSync(file) ? file : null;
  } catch {
    return null;
  }
}

/** An installed package brings the embedded model: a folder of one's own begins with it. */
function provideModels() {
  if (fs.existsSync('.env')) process.loadEnvFile('.env');
  if (process.env.MODELS_DIR || fs.existsSync('models')) return;
  var embedded = path.join(root, 'models');
  try {
    fs.cpSync(embedded, 'models.new', { recursive: true });
    fs.renameSync('models.new', 'models');
    console.error(
      'Made ' + path.resolve('models') + ' with the embedded model; put yours beside it.',
    );
  } catch {
    // Where nothing can be written, the embedded one is used where it lies.
    fs.rmSync('models.new', { recursive: true, force: true });
    process.env.MODELS_DIR = embedded;
  }
}

function main() {
  var known = commands();
  var name = process.argv[2];
  if (name === '--version' || name === '-v') {
    console.log(require(path.join(root, 'package.json')).version);
    return;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help(known));
    return;
  }
  if (!Object.prototype.hasOwnProperty.call(known, name)) {
    var meant = nearest(name, Object.keys(known));
    var guess = meant === null ? '' : ' Did you mean ' + meant + '?';
    fail(
      'There is no command ' +
        JSON.stringify(name.slice(0, 40)) +
        '.' +
        guess +
        ' darkroom --help lists them.',
    );
  }
  var parts = process.versions.node.split('.').map(Number);
  var node = parts[0] > 24 || (parts[0] === 24 && parts[1] >= 3) ? null : ownNode();
  if (node !== null) return handOver(node);
  var asksForHelp = process.argv.includes('--help') || process.argv.includes('-h');
  if (!isClone && PAINTS.includes(name) && !asksForHelp) provideModels();
  process.argv.splice(2, 1, known[name]);
  require('./run.cjs');
}

main();
