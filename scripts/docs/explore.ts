/**
 * Makes every picture of docs/explore.md: runs each command that the guide prints above a picture and puts its
 * sheet, curve or animation, made small, where the guide looks for it. `npm run docs:explore [-- name …]` after
 * models/demo or the drawing has changed.
 */
import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  mkdirSync,
  copyFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';

const root = path.join(import.meta.dirname, '../..');
const guide = path.join(root, 'docs/explore.md');
const folder = path.join(root, 'docs/images/explore');
const MOST_BYTES = 3 * 1024 * 1024;
const WIDTH = 1200;

type Example = { name: string; args: string[]; pictures: string[] };

/** A command in a code block and the pictures below it, up to the next command. */
function examplesOf(text: string): Example[] {
  const examples: Example[] = [];
  for (const block of text.split(/^```sh\n/m).slice(1)) {
    const [code = '', below = ''] = block.split(/^```$/m);
    const line = code.trim();
    const pictures = [...below.matchAll(/\]\(images\/explore\/([a-z0-9-]+\.webp)\)/g)].map(
      (m) => m[1]!,
    );
    if (pictures.length === 0) continue;
    const [, words] = /^npm run -s explore -- (.+)$/.exec(line) ?? [];
    if (words === undefined) throw new Error(`a picture stands below "${line}", which makes none`);
    const args = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2]!);
    examples.push({ name: pictures[0]!.replace(/\.webp$/, ''), args, pictures });
  }
  return examples;
}

async function make({ args, pictures }: Example): Promise<void> {
  const out = mkdtempSync(path.join(os.tmpdir(), 'darkroom-docs-'));
  const command = [path.join(root, 'scripts/run.cjs'), 'src/cli/explore.ts', ...args, '--out', out];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
  for (const picture of pictures) {
    const target = path.join(folder, picture);
    if (picture.endsWith('-film.webp')) copyFileSync(path.join(out, 'evolution.webp'), target);
    else {
      const source = picture.endsWith('-curve.webp')
        ? 'curve.png'
        : args[0] === 'evolution'
          ? 'strip.png'
          : 'sheet.png';
      await sharp(path.join(out, source))
        .resize({ width: WIDTH, withoutEnlargement: true })
        .keepXmp()
        .webp({ quality: 82, smartSubsample: true })
        .toFile(target);
    }
  }
  rmSync(out, { recursive: true });
}

mkdirSync(folder, { recursive: true });
const wanted = process.argv.slice(2);
const examples = examplesOf(readFileSync(guide, 'utf8'));
for (const example of examples) {
  if (wanted.length > 0 && !wanted.includes(example.name)) continue;
  console.log(`· ${example.name}`);
  await make(example);
}
const known = new Set(examples.flatMap(({ pictures }) => pictures));
for (const file of readdirSync(folder)) if (!known.has(file)) rmSync(path.join(folder, file));
const bytes = [...known].reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
console.log(`${known.size} pictures, ${(bytes / 1024).toFixed(0)} kB`);
if (bytes > MOST_BYTES)
  throw new Error(`the pictures of the guide have grown beyond ${MOST_BYTES} bytes`);
