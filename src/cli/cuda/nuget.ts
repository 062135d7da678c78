/**
 * ONNX Runtime's CUDA provider, which the npm package leaves to its install script: the same files from the same NuGet
 * package, by the package's own list, but resumed where the line breaks and compared with the checksum of NuGet's
 * catalog.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import { fetchWhole, type FetchTools } from './fetch-whole.ts';
import { fetchJson } from './json.ts';
import { extract, listZip } from './zip.ts';

export type ProviderPackage = {
  name: string;
  version: string;
  /** file beside ONNX Runtime's own -> its place in the package */
  files: ReadonlyMap<string, string>;
};

type Metadata = {
  requirements: Record<string, string[]>;
  manifests: Record<string, Record<string, { package: string; path: string }>>;
  packages: Record<string, { name: string; versions: { feed: string; version: string }[] }>;
};

/** What onnxruntime-node's own install script would fetch for this platform; null: nothing. */
export function providerPackage(
  platform = `${process.platform}/${process.arch}`,
): ProviderPackage | null {
  const require = createRequire(import.meta.url);
  const metadata = require('onnxruntime-node/script/install-metadata.js') as Metadata;
  const name = metadata.requirements[platform]?.find((each) => each.startsWith('cuda'));
  const manifest = metadata.manifests[`${platform}:${name}`];
  const [first] = Object.values(manifest ?? {});
  const found = metadata.packages[first?.package ?? ''];
  const release = found?.versions.find(({ feed }) => feed === 'nuget');
  if (manifest === undefined || found === undefined || release === undefined) return null;
  return {
    name: found.name,
    version: release.version,
    files: new Map(
      Object.entries(manifest).map(([file, entry]) => [path.basename(file), entry.path]),
    ),
  };
}

/**
 * Fetches the package and puts its files into `target`. `scratch`: where it lies until then.
 * @throws UserError
 */
export async function fetchProvider(
  wanted: ProviderPackage,
  folders: { nuget: string; target: string; scratch: string },
  tools: FetchTools & { askPauseMs?: number } = {},
): Promise<void> {
  const id = wanted.name.toLowerCase();
  const version = wanted.version.toLowerCase();
  const ask = (address: string) => fetchJson(address, tools.askPauseMs);
  const index = await ask(folders.nuget);
  const contents = resourceOf(index, /^PackageBaseAddress\/3\.0\.0$/, folders.nuget);
  const hives = resourceOf(index, /^RegistrationsBaseUrl(?:\/3\.[46]\.0)?$/, folders.nuget);
  const leaf = await ask(`${hives}${id}/${version}.json`);
  const entry = leaf?.['catalogEntry'];
  const details =
    typeof entry === 'string' ? await ask(entry) : (Object(entry) as Record<string, unknown>);
  const { packageHash, packageHashAlgorithm = 'SHA512', packageSize } = details ?? {};
  if (
    typeof packageHash !== 'string' ||
    packageHashAlgorithm !== 'SHA512' ||
    typeof packageSize !== 'number' ||
    !(packageSize > 0)
  ) {
    throw new UserError(
      `${folders.nuget} names no checksum and size of ${wanted.name} ${wanted.version}, so nothing of it is fetched.`,
    );
  }
  await mkdir(folders.scratch, { recursive: true });
  const file = path.join(folders.scratch, `${id}.${version}.nupkg`);
  const digest = Buffer.from(packageHash, 'base64').toString('hex');
  const url = `${contents}${id}/${version}/${id}.${version}.nupkg`;
  await fetchWhole({ url, size: packageSize, sha256: null }, file, tools);
  await checkDigest(file, wanted, digest);
  const entries = await listZip(file);
  for (const [name, place] of wanted.files) {
    const found = entries.find((one) => one.name === place);
    if (found === undefined)
      throw new UserError(`${wanted.name} ${wanted.version} has no ${place}.`);
    await extract(file, found, path.join(folders.target, name), 0o755);
  }
  await rm(file, { force: true });
}

/** NuGet's catalog has SHA-512. What is not what it says is thrown away. */
async function checkDigest(file: string, { name }: ProviderPackage, digest: string): Promise<void> {
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  if (hash.digest('hex') === digest) return;
  await rm(file, { force: true });
  throw new UserError(
    `${name} came with another SHA-512 than NuGet's catalog names (${digest.slice(0, 12)}…), so it was thrown away. Try ` +
      'again; if it happens again, something between here and NuGet changes files.',
  );
}

/** The newest of a kind that the feed's index names, with a slash at its end. */
function resourceOf(index: Record<string, unknown> | null, kind: RegExp, feed: string): string {
  const resources = Array.isArray(index?.['resources']) ? (index['resources'] as unknown[]) : [];
  const found = resources
    .map((one) => Object(one) as Record<string, unknown>)
    .filter(({ '@type': type, '@id': id }) => kind.test(String(type)) && typeof id === 'string')
    .toSorted((a, b) => String(b['@type']).localeCompare(String(a['@type'])));
  const id = found[0]?.['@id'];
  if (typeof id === 'string') return id.replace(/\/*$/, '/');
  throw new UserError(`${feed} is no NuGet feed of version 3: its index names no packages.`);
}
