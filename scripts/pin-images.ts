/**
 * `npm run -s image:pin [-- Dockerfile]`: asks the registries for the digests of the images that the Dockerfile stands on
 * and writes them behind their names (`ARG NODE_IMAGE=node:24-bookworm-slim@sha256:…`), so that the next build takes the
 * same bytes. Run it again to move to what the tags mean by then; `--check` only says whether they have moved.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';

type Image = { host: string; repository: string; tag: string; digest: string | null };

const ARG = /^(ARG \w+_IMAGE=)(\S+)$/gm;
/** Lists of manifests first: the digest of one platform's would leave out the others. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
const PATIENCE_MS = 30_000;

/** `node:24`, `nvidia/cuda:12@sha256:…`, `ghcr.io/a/b:1` -> their parts, as docker reads them. */
function imageOf(reference: string): Image {
  const [name = '', digest = null] = reference.split('@');
  const [, place, rest] = /^([^/]+[.:][^/]*|localhost)\/(.+)$/.exec(name) ?? [];
  const [repository = '', tag = 'latest'] = (rest ?? name).split(':');
  if (place !== undefined) return { host: place, repository, tag, digest };
  const full = repository.includes('/') ? repository : `library/${repository}`;
  return { host: 'registry-1.docker.io', repository: full, tag, digest };
}

/** Answers what the registry has for the tag. A registry that wants to know who asks is asked for a token for anybody. */
async function digestOf({ host, repository, tag }: Image): Promise<string> {
  const isLocal = /^(?:localhost|127\.0\.0\.1)(?::\d+)?$/.test(host);
  const url = `${isLocal ? 'http' : 'https'}://${host}/v2/${repository}/manifests/${tag}`;
  const ask = (token: string | null): Promise<Response> =>
    fetch(url, {
      headers: { accept: MANIFESTS, ...(token && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  let answer = await ask(null);
  if (answer.status === 401) answer = await ask(await tokenFor(answer));
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const said = answer.headers.get('docker-content-digest');
  if (said !== null && said !== digest) throw new Error(`${url} says ${said} and sends ${digest}`);
  return digest;
}

async function tokenFor(answer: Response): Promise<string> {
  const wanted = answer.headers.get('www-authenticate') ?? '';
  const value = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(wanted)?.[1] ?? '';
  const url = new URL(value('realm'));
  url.searchParams.set('service', value('service'));
  url.searchParams.set('scope', value('scope'));
  const granted = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const { token = '' } = (await granted.json()) as { token?: string };
  return token;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { check: { type: 'boolean' } },
    allowPositionals: true,
  });
  const file = positionals[0] ?? path.join(import.meta.dirname, '../Dockerfile');
  let text = await readFile(file, 'utf8');
  let moved = 0;
  for (const [line, start = '', reference = ''] of text.matchAll(ARG)) {
    const image = imageOf(reference);
    const digest = await digestOf(image);
    const isSame = image.digest === digest;
    if (!isSame) moved++;
    console.log(`${reference.split('@')[0]}  ${digest}${isSame ? '' : '  (new)'}`);
    text = text.replace(line, `${start}${reference.split('@')[0]}@${digest}`);
  }
  if (values.check) return moved > 0 ? 1 : 0;
  await writeFile(file, text);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { message, cause } = error as Error;
  const why = cause instanceof Error ? `${message} (${cause.message})` : message;
  console.error(`The images could not be pinned, and nothing was changed: ${why}.`);
  process.exitCode = 1;
}
