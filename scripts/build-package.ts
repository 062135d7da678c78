/**
 * Makes dist/ for `npm pack`: JavaScript of every module, with the files beside them, laid out as the sources are. Only a
 * package that is published needs it, because Node strips no types below node_modules.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
/** Modules that are named by their file, for a thread or process of their own. */
const NAMED = /(new URL\('[\w/.-]+)\.ts(', import\.meta\.url\))/g;
/** What a package needs; bench, scripts and test stay. */
const PASSED_ON = ['src', 'commands', 'playground'];

function compile(): void {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { tsc: string } };
  const tsc = path.join(path.dirname(manifest), bin.tsc);
  const config = path.join(dist, 'tsconfig.json');
  const compilerOptions = {
    rootDir: root,
    outDir: dist,
    noEmit: false,
    rewriteRelativeImportExtensions: true,
    // The types are the checks' business.
    noCheck: true,
  };
  const include = PASSED_ON.map((folder) => path.join(root, folder));
  const own = { extends: path.join(root, 'tsconfig.json'), compilerOptions, include };
  mkdirSync(dist, { recursive: true });
  writeFileSync(config, JSON.stringify(own));
  execFileSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' });
  rmSync(config);
}

/** Everything that is no module: also the sources of pages, which are read as text and stripped at run time. */
function copyFiles(): void {
  const found = globSync(
    PASSED_ON.map((folder) => `${folder}/**/*`),
    {
      cwd: root,
      withFileTypes: true,
      exclude: (file) => file.name === 'node_modules',
    },
  ).filter((file) => file.isFile());
  // A folder with a configuration of its own is compiled for a browser.
  const pages = found
    .filter(({ name }) => name === 'tsconfig.json')
    .map(({ parentPath }) => parentPath + path.sep);
  for (const { parentPath, name } of found) {
    const file = path.join(parentPath, name);
    const isText = pages.some((page) => file.startsWith(page));
    if (name === 'tsconfig.json' || (name.endsWith('.ts') && !isText)) continue;
    cpSync(file, path.join(dist, path.relative(root, file)));
  }
}

/** @throws Error when a module still names one that is not there any more */
function renameNamed(): void {
  const left: string[] = [];
  for (const file of globSync('**/*.js', { cwd: dist })) {
    const target = path.join(dist, file);
    const text = readFileSync(target, 'utf8').replace(NAMED, '$1.js$2');
    writeFileSync(target, text);
    const named = text.match(/(?:from |import\(?|URL\()\s*['"][^'"]+\.ts['"]/g) ?? [];
    left.push(...named.map((one) => `${file}: ${one}`));
  }
  if (left.length > 0) throw new Error(`modules that are named as sources:\n${left.join('\n')}`);
}

rmSync(dist, { recursive: true, force: true });
compile();
copyFiles();
renameNamed();
