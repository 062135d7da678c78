// Where this is installed as a package: ONNX Runtime's own install script fetches 400 MB of CUDA libraries on Linux, asked
// or not, and fails the whole install where NuGet cannot be reached. It leaves alone what is there, so empty files stand
// for them until `darkroom setup-cuda` (which checks what it fetches) puts the real ones in their place. In a clone of
// the repository .npmrc says the same. Never fails: then the install goes on as ever.
'use strict';

var fs = require('node:fs');
var path = require('node:path');

var root = path.join(__dirname, '..');

function placeholders() {
  if (fs.existsSync(path.join(root, 'src', 'main.ts'))) return;
  // Whoever says what they want gets it.
  if (process.env.ONNXRUNTIME_NODE_INSTALL || process.env.npm_config_onnxruntime_node_install)
    return;
  var runtime = path.dirname(require.resolve('onnxruntime-node/package.json', { paths: [root] }));
  var wanted = require(path.join(runtime, 'script', 'install-metadata.js'));
  var platform = process.platform + '/' + process.arch;
  var folder = path.join(runtime, 'bin', 'napi-v6', process.platform, process.arch);
  (wanted.requirements[platform] || []).forEach(function (name) {
    Object.keys(wanted.manifests[platform + ':' + name] || {}).forEach(function (file) {
      fs.closeSync(fs.openSync(path.join(folder, file), 'a'));
    });
  });
}

try {
  placeholders();
} catch {
  // Another layout than this one's: its own script decides.
}
