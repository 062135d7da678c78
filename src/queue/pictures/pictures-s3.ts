import { createHash, randomUUID } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { UserError } from '../../engine/errors.ts';
import { isPictureKey, type PictureStore } from '../pictures.ts';

const ANSWER_MS = 60_000;
/** A server that is busy for a moment is asked again, a few tenths of a second later. */
const RETRIES = 3;
const TRY_BYTES = 256 * 1024;

/** Of servers that have no room, whatever status they say it with. */
const NO_ROOM = /StorageFull|InsufficientStorage|QuotaExceeded|EntityTooLarge|NoSpace/i;

const FORM = 's3://ACCESS_KEY:SECRET@host/bucket/folder?region=…';

type Place = { origin: string; path: string; prefix: string; client: AwsClient };

/**
 * Pictures as objects of a bucket, of Amazon or whoever speaks its language. `address`:
 * s3://ACCESS_KEY:SECRET@host[:port]/bucket[/folder][?region=…], `s3+http://` without TLS; a secret's `/` and `+` are
 * written as %2F and %2B. An object is there whole or not at all. Nothing can be added to one: what `append` brings is an
 * object of its own, `<key>~<number>`, which reading puts behind it.
 * @throws UserError when it cannot be reached, refuses the key, or has no such bucket
 */
export async function openS3Pictures(address: string): Promise<PictureStore> {
  const place = placeOf(address);
  const store = storeAt(place);
  await store.tryOut().catch((error: unknown) => {
    throw new UserError(openingWords(error, place), { cause: error });
  });
  return store;
}

function placeOf(address: string): Place {
  const url = URL.canParse(address) ? new URL(address) : null;
  const [, bucket = '', ...folders] = url?.pathname.split('/') ?? [];
  if (url === null || url.host === '' || bucket === '') {
    throw new UserError(`PICTURES_URL names no bucket; expected ${FORM}.`);
  }
  if (url.username === '' || url.password === '') {
    throw new UserError(
      `PICTURES_URL must carry a key and its secret (or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY); expected ${FORM}, with / and + of the secret as %2F and %2B.`,
    );
  }
  const folder = folders.filter((part) => part !== '').map(decodeURIComponent);
  return {
    origin: `${url.protocol === 's3:' ? 'https' : 'http'}://${url.host}`,
    path: `/${bucket}`,
    prefix: folder.map((part) => `${part}/`).join(''),
    client: new AwsClient({
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
      service: 's3',
      region: url.searchParams.get('region') ?? 'us-east-1',
      retries: RETRIES,
      initRetryMs: 100,
    }),
  };
}

/** Objects by their names below the folder. */
function bucketAt({ origin, path, prefix, client }: Place) {
  async function ask(method: string, target: string, body?: Uint8Array): Promise<Response> {
    const sum = createHash('sha256').update(body ?? '');
    const response = await client.fetch(`${origin}${path}${target}`, {
      method,
      headers: { 'x-amz-content-sha256': sum.digest('hex') },
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined ? {} : { body }),
    });
    if (response.ok) return response;
    const said = await response.text().catch(() => '');
    if (response.status === 404 && !said.includes('NoSuchBucket')) return response;
    const code = /<Code>([^<]{1,80})/.exec(said)?.[1] ?? '';
    const full = response.status === 507 || NO_ROOM.test(code);
    throw Object.assign(new Error(`the bucket answered ${response.status} ${code}`), {
      code: full ? 'ENOSPC' : code || `HTTP${response.status}`,
    });
  }

  const objectOf = (name: string): string => `/${encodeURI(prefix)}${name.replace('~', '%7E')}`;

  /** Names of objects below `start`, without the folder, in order, with their bytes. */
  async function listSizes(start: string): Promise<Map<string, number>> {
    const names = new Map<string, number>();
    let token: string | null = null;
    do {
      const query = new URLSearchParams({ 'list-type': '2', prefix: prefix + start });
      if (token !== null) query.set('continuation-token', token);
      const text = await (await ask('GET', `?${query.toString()}`)).text();
      for (const [one] of text.matchAll(/<Contents>.*?<\/Contents>/gs)) {
        const name = /<Key>([^<]*)<\/Key>/.exec(one)?.[1] ?? '';
        const bytes = Number(/<Size>(\d+)<\/Size>/.exec(one)?.[1] ?? 0);
        names.set(plain(name).slice(prefix.length), bytes);
      }
      token = plain(/<NextContinuationToken>([^<]*)</.exec(text)?.[1] ?? '') || null;
    } while (token !== null);
    return names;
  }

  async function read(name: string): Promise<Uint8Array | null> {
    const response = await ask('GET', objectOf(name));
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  }

  async function remove(names: readonly string[]): Promise<void> {
    for (const name of names) await ask('DELETE', objectOf(name));
  }

  return {
    listSizes,
    list: async (start: string): Promise<string[]> => [...(await listSizes(start)).keys()],
    read,
    remove,
    async write(name: string, bytes: Uint8Array): Promise<void> {
      await ask('PUT', objectOf(name), bytes);
    },
  };
}

function storeAt(place: Place): PictureStore {
  const { listSizes, list, read, remove, write } = bucketAt(place);

  /** what was added to a key, by number */
  async function partsOf(key: string): Promise<string[]> {
    // A picture is never added to.
    return key.endsWith('.png') ? [] : list(`${key}~`);
  }

  function check(key: string): string {
    if (!isPictureKey(key)) throw new Error(`"${key}" is not a picture key`);
    return key;
  }

  return {
    async put(key, bytes) {
      await remove(await partsOf(check(key)));
      await write(key, bytes);
    },
    async append(key, bytes) {
      if (check(key).endsWith('.png')) throw new Error('nothing is added to a picture');
      const last = (await partsOf(key)).at(-1)?.split('~')[1] ?? '0';
      await write(`${key}~${String(Number(last) + 1).padStart(8, '0')}`, bytes);
    },
    async get(key) {
      const parts = await partsOf(check(key));
      const found = await Promise.all([key, ...parts].map(read));
      const whole = found.filter((part) => part !== null);
      if (whole.length === 0) return null;
      return whole.length === 1 ? whole[0]! : new Uint8Array(Buffer.concat(whole));
    },
    async delete(key) {
      await remove([check(key), ...(await partsOf(key))]);
    },
    async keys() {
      const names = (await list('')).map((name) => name.split('~')[0]!);
      return [...new Set(names)].filter(isPictureKey);
    },
    async sizes() {
      const sizes = new Map<string, number>();
      for (const [name, bytes] of await listSizes('')) {
        const key = name.split('~')[0]!;
        if (isPictureKey(key)) sizes.set(key, (sizes.get(key) ?? 0) + bytes);
      }
      return sizes;
    },
    async tryOut() {
      const name = `try-${randomUUID()}`;
      await write(name, new Uint8Array(TRY_BYTES));
      await remove([name]);
    },
  };
}

/** Text of XML; keys of ours hold none of these, folders may. */
function plain(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

function openingWords(error: unknown, { origin, path }: Place): string {
  const at = `${origin}${path}`;
  const { code = '', message, cause } = error as Error & { code?: string };
  if (code === 'NoSuchBucket')
    return `There is no bucket at ${at}. Create it, or name another one.`;
  if (code === 'ENOSPC') {
    return `The bucket at ${at} has no room for pictures (${message}). Make room there, or raise its quota.`;
  }
  if (
    /SignatureDoesNotMatch|InvalidAccessKeyId|AccessDenied|HTTP403|HTTP401|AuthorizationHeader/.test(
      code,
    )
  ) {
    return (
      `The bucket at ${at} refuses the key (${message}). Give one that may list, read, write and delete there, with / and ` +
      '+ of its secret as %2F and %2B, and the right ?region=.'
    );
  }
  const said = cause instanceof Error ? cause.message : message;
  return `Pictures cannot be kept at ${at} (${said}). Expected PICTURES_URL=${FORM}.`;
}
