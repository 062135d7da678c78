import { apiErrors } from '../rest/api-error.ts';
import { messageFlag } from '../messages/render-message.ts';
import { checkComponents } from './validate-components.ts';
import type { Checks, Fields } from './validate.ts';
import { isFields, startChecks } from './validate.ts';

export type MessageFacts = {
  /** flags of the message after this request */
  flags: number;
  /** flags that the caller may name in a request */
  allowedFlags: number;
  /** names of the files that the message will have */
  filenames: readonly string[];
  /** how many files the request itself carries */
  fileCount: number;
  /** what stays of an edited message where the request is silent */
  kept: { content: string; embeds: number; components: number } | null;
  /** embeds that are already there keep their own attachment links */
};

/** Throws 50035 with every complaint about a message request, or 50006 when nothing would be shown. */
export function checkMessage(body: Fields, facts: MessageFacts): void {
  const checks = startChecks();
  const v2 = (facts.flags & messageFlag.componentsV2) !== 0;
  checks.text(['content'], body['content'], 0, 2000);
  checkFlags(checks, body['flags'], facts.allowedFlags);
  const embedCount = checkEmbeds(checks, body['embeds'], facts.filenames);
  checkComponents(checks, body['components'], {
    v2,
    hasFile: (name) => facts.filenames.includes(name),
  });
  checkAttachments(checks, body['attachments'], facts.fileCount);
  checkMentions(checks, body['allowed_mentions']);
  if (typeof body['nonce'] === 'string') checks.text(['nonce'], body['nonce'], 0, 25);
  if (v2) checkLegacyFields(checks, body, facts);
  checks.finish();

  const content = 'content' in body ? body['content'] : facts.kept?.content;
  const embeds = 'embeds' in body ? embedCount : (facts.kept?.embeds ?? 0);
  const components = Array.isArray(body['components'])
    ? body['components'].length
    : body['components'] === null
      ? 0
      : (facts.kept?.components ?? 0);
  const shown = String(content ?? '').trim() !== '' || embeds > 0 || components > 0;
  if (!shown && facts.filenames.length === 0) throw apiErrors.emptyMessage();
}

function checkFlags(checks: Checks, flags: unknown, allowed: number): void {
  checks.integer(['flags'], flags, 0, 2 ** 31 - 1);
  if (typeof flags === 'number' && (flags & ~allowed) !== 0) {
    checks.fail(['flags'], 'MESSAGE_FLAGS_INVALID', `Invalid message flags (${flags & ~allowed}).`);
  }
}

/** A Components V2 message consists of components only; an edit must empty the older fields itself. */
function checkLegacyFields(checks: Checks, body: Fields, facts: MessageFacts): void {
  const filled = (name: string, kept: boolean): boolean => {
    const value = body[name];
    if (value === undefined) return kept;
    return value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
  };
  const legacy = {
    content: (facts.kept?.content ?? '') !== '',
    embeds: (facts.kept?.embeds ?? 0) > 0,
    poll: false,
    sticker_ids: false,
  };
  for (const [name, kept] of Object.entries(legacy)) {
    if (!filled(name, kept)) continue;
    checks.fail(
      [name],
      'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2',
      `The '${name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`,
    );
  }
}

function checkEmbeds(checks: Checks, value: unknown, filenames: readonly string[]): number {
  if (value === undefined || value === null) return 0;
  const list = checks.list(['embeds'], value, 0, 10);
  let total = 0;
  const text = (path: (string | number)[], part: unknown, most: number): void => {
    checks.text(path, part, 0, most);
    if (typeof part === 'string') total += part.length;
  };
  for (const [i, one] of list.entries()) {
    const embed = checks.object(['embeds', i], one);
    if (!embed) continue;
    text(['embeds', i, 'title'], embed['title'], 256);
    text(['embeds', i, 'description'], embed['description'], 4096);
    checks.integer(['embeds', i, 'color'], embed['color'], 0, 0xffffff);
    if (isFields(embed['footer']))
      text(['embeds', i, 'footer', 'text'], embed['footer']['text'], 2048);
    if (isFields(embed['author']))
      text(['embeds', i, 'author', 'name'], embed['author']['name'], 256);
    const fields = embed['fields']
      ? checks.list(['embeds', i, 'fields'], embed['fields'], 0, 25)
      : [];
    for (const [k, field] of fields.entries()) {
      if (!isFields(field)) continue;
      for (const [name, most] of [
        ['name', 256],
        ['value', 1024],
      ] as const) {
        checks.text(['embeds', i, 'fields', k, name], field[name], 1, most, true);
        if (typeof field[name] === 'string') total += field[name].length;
      }
    }
    checkEmbedMedia(checks, ['embeds', i], embed, filenames);
  }
  if (total > 6000) {
    checks.fail(['embeds'], 'MAX_EMBED_SIZE_EXCEEDED', 'Embed size exceeds maximum size of 6000');
  }
  return list.length;
}

function checkEmbedMedia(
  checks: Checks,
  path: (string | number)[],
  embed: Fields,
  filenames: readonly string[],
): void {
  for (const name of ['image', 'thumbnail'] as const) {
    const media = embed[name];
    if (!isFields(media)) continue;
    const url = String(media['url'] ?? '');
    const known =
      /^https?:\/\/\S+$/.test(url) ||
      (url.startsWith('attachment://') && filenames.includes(url.slice('attachment://'.length)));
    if (!known) {
      checks.fail([...path, name, 'url'], 'URL_TYPE_INVALID_URL', 'Not a well formed URL.');
    }
  }
}

function checkAttachments(checks: Checks, value: unknown, fileCount: number): void {
  if (fileCount > 10) {
    checks.fail(['attachments'], 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.');
  }
  if (value === undefined || value === null) return;
  for (const [i, one] of checks.list(['attachments'], value, 0, 10).entries()) {
    const attachment = checks.object(['attachments', i], one);
    if (!attachment) continue;
    checks.text(['attachments', i, 'description'], attachment['description'], 0, 1024);
    checks.text(['attachments', i, 'filename'], attachment['filename'], 0, 1024);
    if (!/^\d+$/.test(String(attachment['id']))) {
      checks.fail(
        ['attachments', i, 'id'],
        'NUMBER_TYPE_COERCE',
        `Value "${String(attachment['id'])}" is not snowflake.`,
      );
    }
  }
}

function checkMentions(checks: Checks, value: unknown): void {
  if (value === undefined || value === null) return;
  const mentions = checks.object(['allowed_mentions'], value);
  if (!mentions) return;
  const parse = mentions['parse'];
  if (parse !== undefined && parse !== null) {
    for (const [i, one] of checks.list(['allowed_mentions', 'parse'], parse, 0, 3).entries()) {
      if (one === 'users' || one === 'roles' || one === 'everyone') continue;
      checks.fail(
        ['allowed_mentions', 'parse', i],
        'BASE_TYPE_CHOICES',
        "Value must be one of ('users', 'roles', 'everyone').",
      );
    }
  }
  for (const name of ['users', 'roles'] as const) {
    const ids = mentions[name];
    if (ids === undefined || ids === null) continue;
    const list = checks.list(['allowed_mentions', name], ids, 0, 100);
    if (list.length > 0 && Array.isArray(parse) && parse.includes(name)) {
      checks.fail(
        ['allowed_mentions'],
        'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE',
        `parse:["${name}"] and ${name}: [ids...] are mutually exclusive.`,
      );
    }
  }
}
