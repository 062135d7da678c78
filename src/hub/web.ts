import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { UserError } from '../engine/errors.ts';
import { sayOfHub } from './sentences.ts';

/** A token, and the one site that is shown it. */
export type Credential = { origin: string; token: string };

/** HTTP with the rules of a download: tokens never leave their site, and no answer leads where nobody sent us. */
export type Web = {
  /**
   * Follows redirects. The answer may be of any status; its body is for the caller.
   * @throws UserError for an address that is refused, or a host that cannot be reached
   */
  get(address: string, init?: { headers?: Headers; signal?: AbortSignal }): Promise<Response>;
};

const MOST_REDIRECTS = 10;
/** Until the first byte of an answer. */
const ANSWER_MS = 60_000;

/** Addresses of this machine and its network (RFC 6890). IPv4 ones that are written as IPv6 are looked up as IPv4. */
const INSIDE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  INSIDE.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  INSIDE.addSubnet(net, bits, 'ipv6');
}

/**
 * Opens the web for downloads. A credential goes to its own site only, also where that redirects; addresses within
 * the local network are refused.
 */
export function openWeb(credentials: readonly Credential[], userAgent: string): Web {
  return {
    async get(address, { headers, signal } = {}) {
      let url = checked(address);
      const start = url;
      for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
        if (hops > 0) await checkRedirect(start, url);
        const response = await ask(url, headers, signal);
        const location = response.headers.get('location');
        if (response.status < 300 || response.status > 399 || location === null) return response;
        await response.body?.cancel();
        if (!URL.canParse(location, url.href)) throw refused(location);
        const next = checked(new URL(location, url).href);
        if (url.protocol === 'https:' && next.protocol === 'http:') throw refused(next.href);
        url = next;
      }
      throw new UserError(sayOfHub('pull-too-many-redirects', start.host));
    },
  };

  async function ask(
    url: URL,
    given: Headers | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const headers = new Headers(given);
    headers.set('user-agent', userAgent);
    // What somebody else adds must not travel on to where an answer sends us.
    headers.delete('authorization');
    const own = credentials.find(({ origin }) => origin === url.origin);
    if (own !== undefined) headers.set('authorization', `Bearer ${own.token}`);
    const tooLate = new AbortController();
    const timer = setTimeout(() => tooLate.abort(new Error('no answer')), ANSWER_MS);
    const signals = signal === undefined ? [tooLate.signal] : [tooLate.signal, signal];
    try {
      return await fetch(url.href, {
        headers,
        redirect: 'manual',
        signal: AbortSignal.any(signals),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw new UserError(sayOfHub('pull-unreachable', url.host, reasonOf(error)), {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

function checked(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw refused(address);
  return url;
}

function refused(address: string): UserError {
  return new UserError(sayOfHub('pull-address-refused', address.slice(0, 200)));
}

/** Whoever names an address of this network may be sent about in it; from outside nobody is sent in. */
export async function checkRedirect(start: URL, url: URL): Promise<void> {
  if (url.hostname === start.hostname) return;
  if ((await isInside(url.hostname)) && !(await isInside(start.hostname))) throw refused(url.href);
}

async function isInside(hostname: string): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const found =
    isIP(host) === 0
      ? (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address)
      : [host];
  return found.some((address) => INSIDE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
}

/** The innermost cause in a few words: undici wraps the system's. */
export function reasonOf(error: unknown): string {
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const { code, message } = (inner ?? {}) as NodeJS.ErrnoException;
  return code ?? message ?? 'unknown';
}
