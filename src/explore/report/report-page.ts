import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { ReportFigures } from './report-data.ts';
import { REPORT_TEXT, type ReportText } from './report-text.ts';

export type ReportPage = ReportFigures & {
  title: string;
  /** lines below the title: what all pictures share, the machine, what it took */
  about: readonly string[];
  /** what was noted beforehand; empty for nothing */
  notes: string;
  csv: string;
  text?: ReportText;
};

/** The page's scripts, those that others need first: a page in one file has no modules, so they share one scope. */
const SCRIPTS = ['model', 'parts', 'grid', 'zoom', 'viewer', 'curves', 'figures', 'main'] as const;
function script(): string {
  const parts = SCRIPTS.map((name) =>
    stripTypeScriptTypes(readFileSync(new URL(`page/${name}.ts`, import.meta.url), 'utf8'))
      .replaceAll(/^import [^;]*;$/gm, '')
      .replaceAll(/^export /gm, ''),
  );
  return `(() => {\n'use strict';\n${parts.join('\n')}\n})();`;
}

/**
 * One page with everything in it: it loads nothing from anywhere, runs no script but its own, and holds what people wrote
 * as data alone.
 */
export function reportPage(page: ReportPage): string {
  const { text = REPORT_TEXT } = page;
  const style = readFileSync(new URL('page/page.css', import.meta.url), 'utf8');
  const code = script();
  const policy = [
    "default-src 'none'",
    'img-src data: blob:',
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(code)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const data = JSON.stringify({ ...page, text }).replace(
    /[<>\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [
    '<!doctype html>',
    `<html lang="${text.language}">`,
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    '<meta name="generator" content="Darkroom">',
    '<meta name="color-scheme" content="dark light">',
    `<title>${escaped(page.title)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    `<noscript><p>${escaped(text.noScript)}</p></noscript>`,
    '<div id="report"></div>',
    `<script type="application/json" id="data">${data}</script>`,
    `<script>${code}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function hashOf(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}

function escaped(text: string): string {
  const signs: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (sign) => signs[sign] ?? '');
}
