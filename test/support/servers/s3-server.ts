import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A bucket on loopback that looks at every signature (AWS Signature Version 4, as its documentation describes it) and at
 * the sum of every body, lists two keys at a time, and can run out of room.
 */
export async function openS3Server(settings: { key: string; secret: string; region: string }) {
  const objects = new Map<string, Uint8Array>();
  const state = { full: false, busy: 0, requests: [] as string[] };

  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac('sha256', key).update(text).digest();
  const sha = (bytes: Uint8Array | string): string =>
    createHash('sha256').update(bytes).digest('hex');
  const encode = (text: string): string =>
    encodeURIComponent(text).replaceAll(
      /[!'()*]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
    );

  /** What is wrong with a request's signature; null: nothing. */
  function objection(request: IncomingMessage, url: URL, body: Buffer): string | null {
    const { authorization = '' } = request.headers;
    const [, key, day, region, signed, given] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
        authorization,
      ) ?? [];
    if (key === undefined) return 'AccessDenied';
    if (key !== settings.key) return 'InvalidAccessKeyId';
    if (region !== settings.region) return 'AuthorizationHeaderMalformed';
    const header = (name: string): string => String(request.headers[name] ?? '').trim();
    const sum = header('x-amz-content-sha256');
    if (sum !== sha(body)) return 'XAmzContentSHA256Mismatch';
    const query = [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .toSorted()
      .join('&');
    const names = signed!.split(';');
    if (!names.includes('host') || !names.includes('x-amz-date')) return 'AccessDenied';
    const path = decodeURIComponent(url.pathname).split('/').map(encode).join('/');
    const lines = names.map((name) => `${name}:${header(name)}\n`).join('');
    const canonical = [request.method, path, query, lines, signed, sum].join('\n');
    const scope = `${day}/${region}/s3/aws4_request`;
    const toSign = ['AWS4-HMAC-SHA256', header('x-amz-date'), scope, sha(canonical)].join('\n');
    let derived: string | Buffer = `AWS4${settings.secret}`;
    for (const part of [day!, region, 's3', 'aws4_request']) derived = hmac(derived, part);
    return hmac(derived, toSign).toString('hex') === given ? null : 'SignatureDoesNotMatch';
  }

  function list(url: URL): string {
    const start = url.searchParams.get('prefix') ?? '';
    const after = url.searchParams.get('continuation-token') ?? '';
    const names = [...objects.keys()].filter((name) => name.startsWith(start) && name > after);
    const page = names.toSorted().slice(0, 2);
    const entries = page
      .map(
        (name) =>
          `<Contents><Key>${name.replaceAll('&', '&amp;')}</Key><Size>${objects.get(name)?.byteLength ?? 0}</Size></Contents>`,
      )
      .join('');
    const more = names.length > page.length;
    const token = more
      ? `<NextContinuationToken>${page.at(-1)!.replaceAll('&', '&amp;')}</NextContinuationToken>`
      : '';
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${entries}</ListBucketResult>`;
  }

  function answer(request: IncomingMessage, url: URL, body: Buffer): [number, Uint8Array | string] {
    const error = (status: number, code: string): [number, string] => [
      status,
      `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`,
    ];
    const wrong = objection(request, url, body);
    if (wrong !== null) return error(403, wrong);
    if (state.busy > 0) {
      state.busy--;
      return error(503, 'SlowDown');
    }
    const [, bucket = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    if (bucket !== 'pictures') return error(404, 'NoSuchBucket');
    const name = rest.join('/');
    const { method } = request;
    if (name === '' && method === 'GET') return [200, list(url)];
    if (method === 'GET') {
      const found = objects.get(name);
      return found === undefined ? error(404, 'NoSuchKey') : [200, found];
    }
    if (method === 'PUT') {
      if (state.full) return error(507, 'XMinioStorageFull');
      objects.set(name, new Uint8Array(body));
      return [200, ''];
    }
    if (method !== 'DELETE') return error(405, 'MethodNotAllowed');
    objects.delete(name);
    return [204, ''];
  }

  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const url = new URL(request.url ?? '/', 'http://x');
      state.requests.push(`${request.method} ${url.pathname}`);
      const [status, body] = answer(request, url, Buffer.concat(parts));
      response.writeHead(status).end(body);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    objects,
    state,
    host: `127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
