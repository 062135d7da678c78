import { UserError } from '../../engine/errors.ts';
import type { Plan } from '../plan.ts';
import { sayOfHub } from '../sentences.ts';
import { isSafePath, type Source } from '../sources.ts';
import type { Web } from '../web.ts';

/**
 * Asks for an address' first byte: what the file is called and how long it is, as far as its server says so. Nobody
 * tells its hash, unless whoever fetches it does.
 * @throws UserError for an address that is refused, or has no file
 */
export async function planUrl(
  { url }: Extract<Source, { kind: 'url' }>,
  { web, sha256, signal }: { web: Web; sha256: string | null; signal: AbortSignal },
): Promise<Plan> {
  const shown = `${url.origin}${url.pathname}`;
  const headers = new Headers({ range: 'bytes=0-0', 'accept-encoding': 'identity' });
  const response = await web.get(url.href, { headers, signal });
  await response.body?.cancel().catch(() => {});
  if (response.status === 404 || response.status === 410) {
    throw new UserError(sayOfHub('pull-not-found', url.pathname, url.host));
  }
  if (response.status !== 200 && response.status !== 206 && response.status !== 416) {
    throw new UserError(sayOfHub('pull-answered', url.host, response.status));
  }
  const name = nameOf(response, url);
  return {
    what: shown,
    revision: response.headers.get('etag') ?? response.headers.get('last-modified') ?? '?',
    layout: 'file',
    name: name.replace(/\.\w+$/, ''),
    licence: null,
    page: shown,
    files: [{ path: name, url: url.href, size: sizeOf(response), sha256, gitSha1: null }],
    notes:
      sha256 === null
        ? ['Nobody tells its hash: what came is noted, and `verify` compares with that.']
        : [],
  };
}

function sizeOf({ status, headers }: Response): number | null {
  const told =
    status === 206
      ? /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
      : status === 200
        ? headers.get('content-length')
        : null;
  const size = Number(told ?? Number.NaN);
  return Number.isSafeInteger(size) && size >= 0 ? size : null;
}

/** From what the server calls it, else from its address. */
function nameOf({ headers }: Response, url: URL): string {
  const disposition = headers.get('content-disposition') ?? '';
  const [, star] = /filename\*=(?:UTF-8'')?([^;]+)/i.exec(disposition) ?? [];
  const [, plain] = /filename="?([^";]+)"?/i.exec(disposition) ?? [];
  const given = star ?? plain ?? url.pathname;
  let name: string;
  try {
    name = decodeURIComponent(given);
  } catch {
    name = given;
  }
  name = name.split(/[/\\]/).at(-1)?.trim() ?? '';
  if (!isSafePath(name)) return 'model.safetensors';
  return /\.(?:safetensors|sft|gguf|onnx)$/i.test(name) ? name : `${name}.safetensors`;
}
