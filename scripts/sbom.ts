/**
 * `npm run -s sbom [-- FOLDER]`: what a release is made of, into FOLDER (out/sbom): sbom.cdx.json (CycloneDX, by
 * `npm sbom`) and LICENSES.txt with the licence of every package. Exit 1 when one of them is not among those that may be
 * passed on with this program.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

type Component = {
  name: string;
  group?: string;
  version: string;
  licenses?: readonly { license?: { id?: string; name?: string }; expression?: string }[];
};

const root = path.join(import.meta.dirname, '..');
/** They ask for their text to be passed on, and for nothing of ours. */
const FREE = [
  'MIT',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'CC0-1.0',
  'OFL-1.1',
  'Unlicense',
  'BlueOak-1.0.0',
  'Zlib',
];
/** libvips is a library of its own file, which anybody may replace: that is what the LGPL asks for. */
const REPLACEABLE = /^@img\/sharp-/;

const nameOf = ({ group, name }: Component): string =>
  group && !name.startsWith(group) ? `${group}/${name}` : name;

function licenceOf({ licenses = [] }: Component): string {
  const said = licenses.map(
    ({ license, expression }) => expression ?? license?.id ?? license?.name,
  );
  return said.filter((one) => one !== undefined).join(' AND ') || 'none that it names';
}

/** Each AND part has to be free, of an OR one. */
function isFine(component: Component): boolean {
  const licence = licenceOf(component).replaceAll(/[()]/g, '');
  if (licence.startsWith('LGPL-3.0') || licence.includes('AND LGPL-3.0')) {
    return REPLACEABLE.test(nameOf(component));
  }
  return licence
    .split(' AND ')
    .every((part) => part.split(' OR ').some((one) => FREE.includes(one.trim())));
}

/** The text that lies in the package; a package without one is named by its licence alone. */
function textOf(component: Component): string {
  const folder = path.join(root, 'node_modules', nameOf(component));
  if (!existsSync(folder)) return '';
  const file = readdirSync(folder).find((name) => /^(?:licen[cs]e|copying)/i.test(name));
  return file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8').trim();
}

const folder = path.resolve(process.argv[2] ?? path.join(root, 'out/sbom'));
mkdirSync(folder, { recursive: true });
const text = execFileSync('npm', ['sbom', '--omit=dev', '--sbom-format', 'cyclonedx'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
});
const bom = JSON.parse(text) as {
  metadata: { component: { name: string } };
  components: readonly Component[];
};
const { name } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  name: string;
};
// npm takes the folder's name for it.
bom.metadata.component.name = name;
writeFileSync(path.join(folder, 'sbom.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
const parts = bom.components
  .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  .map((one) => `${nameOf(one)} ${one.version}\n${licenceOf(one)}\n\n${textOf(one)}`.trim());
writeFileSync(path.join(folder, 'LICENSES.txt'), `${parts.join(`\n\n${'-'.repeat(78)}\n\n`)}\n`);
console.log(`${bom.components.length} packages: ${folder}/sbom.cdx.json, LICENSES.txt`);
const others = bom.components.filter((one) => !isFine(one));
for (const one of others) {
  console.error(
    `${nameOf(one)} ${one.version} is under ${licenceOf(one)}, which nobody has looked at.`,
  );
}
process.exitCode = others.length > 0 ? 1 : 0;
