// Takes out of node_modules what only other platforms run: ONNX Runtime brings five of them. For images.
'use strict';

var fs = require('node:fs');
var path = require('node:path');

var bin = path.join(__dirname, '..', 'node_modules', 'onnxruntime-node', 'bin');
var kept = path.join(process.platform, process.arch);

fs.readdirSync(bin).forEach(function (api) {
  if (!fs.existsSync(path.join(bin, api, kept, 'onnxruntime_binding.node'))) {
    throw new Error(
      'ONNX Runtime has nothing for ' +
        kept +
        ' in ' +
        path.join(bin, api) +
        ': nothing was removed.',
    );
  }
  fs.readdirSync(path.join(bin, api)).forEach(function (platform) {
    fs.readdirSync(path.join(bin, api, platform)).forEach(function (arch) {
      if (path.join(platform, arch) === kept) return;
      fs.rmSync(path.join(bin, api, platform, arch), { recursive: true });
    });
    if (fs.readdirSync(path.join(bin, api, platform)).length === 0) {
      fs.rmdirSync(path.join(bin, api, platform));
    }
  });
});
