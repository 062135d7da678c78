import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '../..');

test('every package that is passed on is listed with a licence that allows it', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'darkroom-sbom-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const script = path.join(root, 'scripts/sbom.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const bom = JSON.parse(readFileSync(path.join(folder, 'sbom.cdx.json'), 'utf8')) as {
    bomFormat: string;
    metadata: { component: { name: string } };
    components: { name: string; version: string; purl: string }[];
  };
  const { name, dependencies } = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8'),
  ) as { name: string; dependencies: Record<string, string> };
  assert.deepEqual([bom.bomFormat, bom.metadata.component.name], ['CycloneDX', name]);
  const urls = bom.components.map(({ purl }) => decodeURIComponent(purl));
  for (const [each, version] of Object.entries(dependencies)) {
    assert.ok(urls.includes(`pkg:npm/${each}@${version}`), each);
  }
  const licences = readFileSync(path.join(folder, 'LICENSES.txt'), 'utf8');
  assert.match(licences, /^onnxruntime-node 1\..*\nMIT\n\n.*Permission/ms);
  assert.match(licences, /^prom-client .*\nApache-2\.0\n\n/m);
});
