import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunError, UserError } from '../../../src/engine/errors.ts';
import { withoutPaths } from '../../../src/engine/host/hidden-paths.ts';
import { say } from '../../../src/engine/sentences.ts';

const FOLDERS = ['/srv/my models'];

test('of a model’s files only what lies below the models folder is told, of others their name', () => {
  const damaged = say(
    'model-file-damaged',
    'sd15',
    'unet/model.onnx',
    'Load model from /srv/my models/sd15/unet/model.onnx failed: /opt/onnxruntime/core/graph.cc:12',
  );
  const hidden = withoutPaths(new RunError(damaged), FOLDERS) as RunError;
  assert.ok(hidden instanceof RunError);
  assert.match(hidden.message, /Load model from sd15\/unet\/model\.onnx failed: graph\.cc:12$/);
  assert.match(String(hidden.said[0]?.values[2]), /^Load model from sd15\/unet/);
  assert.doesNotMatch(JSON.stringify(hidden.said), /srv|opt/);
  const missing = withoutPaths(
    new UserError(say('models-folder-unreadable', '/srv/my models')),
    FOLDERS,
  ) as UserError;
  assert.match(missing.message, /^The models folder my models cannot be read/);
});

test('what names no path stays the same error', () => {
  const plain = new UserError(say('not-in-range', 'steps', 1, 150, '"1/2"'));
  assert.equal(withoutPaths(plain, FOLDERS), plain);
  const words = new UserError('A prompt such as a/b/c, 3/4 or https://a.b/c/d is fine.');
  assert.equal(withoutPaths(words, FOLDERS), words);
  const other = new Error('/srv/my models/x');
  assert.equal(withoutPaths(other, FOLDERS), other);
});
