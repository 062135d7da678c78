import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageInfo } from '../messages/media.ts';
import type { Headers } from '../rest/http.ts';
import type { State } from '../state.ts';

const folder = fileURLToPath(new URL('../web/', import.meta.url));
const require = createRequire(import.meta.url);

/** The page's libraries, by the names under /vendor/ that its import map may use. */
const vendor: Readonly<Record<string, string>> = {
  'preact.js': 'preact/dist/preact.module.js',
  'preact.module.js': 'preact/dist/preact.module.js',
  'preact-hooks.js': 'preact/hooks/dist/hooks.module.js',
  'hooks.module.js': 'preact/hooks/dist/hooks.module.js',
  'htm.js': 'htm/dist/htm.module.js',
  'htm.module.js': 'htm/dist/htm.module.js',
};

/** Inter, so that the page looks the same on every machine: a sheet a weight, and the files that they name. */
const font = /^inter\/(?:[4-7]00\.css|files\/inter-[a-z-]+-[4-7]00-normal\.woff2)$/;
const fonts = path.dirname(require.resolve('@fontsource/inter/package.json'));

const contentTypes: Readonly<Record<string, string>> = {
  '.ts': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/** The page and its parts: /, /web/… (TypeScript with its types stripped) and /vendor/…. Anything else is 404. */
export async function servePage(
  response: ServerResponse,
  pathname: string,
  port: number,
): Promise<void> {
  const file = fileFor(pathname);
  let bytes: Buffer;
  try {
    if (file === null) throw new Error('not part of the page');
    bytes = await readFile(file);
  } catch {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing here.');
    return;
  }
  const extension = path.extname(file);
  const body =
    extension === '.ts' ? Buffer.from(stripTypeScriptTypes(bytes.toString('utf8'))) : bytes;
  response
    .writeHead(200, {
      'content-type': contentTypes[extension] ?? 'application/octet-stream',
      'content-length': String(body.length),
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      ...(extension === '.html' ? contentPolicy(body.toString('utf8'), port) : {}),
    })
    .end(body);
}

function fileFor(pathname: string): string | null {
  if (pathname === '/') return path.join(folder, 'index.html');
  if (pathname === '/favicon.ico') return path.join(folder, 'favicon.svg');
  if (pathname.startsWith('/vendor/')) {
    const wanted = pathname.slice('/vendor/'.length);
    if (font.test(wanted)) return path.join(fonts, wanted.slice('inter/'.length));
    const module = vendor[wanted];
    if (module === undefined) return null;
    const name = module.split('/')[0] ?? '';
    // Not `${name}/package.json`: htm does not export it. Both packages have their main file in dist/.
    return path.join(path.dirname(require.resolve(name)), '..', module.slice(name.length));
  }
  if (!/^\/web\/[\w./-]+$/.test(pathname) || pathname.includes('..')) return null;
  return path.join(folder, pathname.slice('/web/'.length));
}

/**
 * Everything comes from this server only; an inline script (the import map) is allowed by its hash. Pictures that a
 * person has just chosen are blobs, the page's icon is its own data.
 */
function contentPolicy(html: string, port: number): Headers {
  const inline = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    (match) =>
      `'sha256-${createHash('sha256')
        .update(match[1] ?? '')
        .digest('base64')}'`,
  );
  return {
    'content-security-policy': [
      "default-src 'self'",
      `script-src 'self' ${inline.join(' ')}`.trim(),
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data: blob:",
      `connect-src 'self' ws://127.0.0.1:${port} ws://localhost:${port}`,
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

/** An uploaded file by its signed link. Pictures are shown; anything else is only ever downloaded. */
export function serveAttachment(state: State, response: ServerResponse, url: URL): void {
  const id = state.links.verify(url.pathname, url.searchParams);
  const attachment = id === null ? null : state.store.attachment(id);
  const bytes = attachment ? state.store.attachmentBytes(attachment.id) : null;
  if (!attachment || !bytes) {
    response
      .writeHead(404, { 'content-type': 'text/plain' })
      .end('This content is no longer available.');
    return;
  }
  // What it is, not what its sender said it was.
  const picture = imageInfo(bytes);
  response
    .writeHead(200, {
      'content-type': picture?.contentType ?? 'application/octet-stream',
      'content-length': String(bytes.length),
      'content-disposition': `${picture === null ? 'attachment' : 'inline'}; filename="${attachment.filename}"`,
      'cache-control': 'private, max-age=86400',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    })
    .end(bytes);
}
