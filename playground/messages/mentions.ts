import type { StoredComponent } from '../store/stored.ts';
import type { Fields } from '../validate/validate.ts';
import { isFields } from '../validate/validate.ts';

export type Mentions = { mentionIds: readonly string[]; mentionsEveryone: boolean };

/**
 * Whom a message pings: what its text names, as far as `allowed_mentions` lets it (absent: everything). Text displays
 * ping like content does. The permission to mention everyone is not looked at, so that a careless bot shows.
 */
export function mentionsIn(
  content: string,
  components: readonly StoredComponent[],
  allowed: unknown,
): Mentions {
  const text = [content, ...textsOf(components)].join('\n');
  const named = [
    ...new Set([...text.matchAll(/<@!?(\d{17,20})>/g)].map((match) => match[1] ?? '')),
  ];
  const everyone = /@(everyone|here)\b/.test(text);
  if (!isFields(allowed)) return { mentionIds: named, mentionsEveryone: everyone };
  const parse = listOf(allowed, 'parse');
  const users = listOf(allowed, 'users');
  return {
    mentionIds: parse.includes('users') ? named : named.filter((id) => users.includes(id)),
    mentionsEveryone: everyone && parse.includes('everyone'),
  };
}

function listOf(fields: Fields, name: string): readonly unknown[] {
  const list = fields[name];
  return Array.isArray(list) ? list : [];
}

function textsOf(components: readonly StoredComponent[]): string[] {
  return components.flatMap((component) => [
    ...(typeof component['content'] === 'string' ? [component['content']] : []),
    ...textsOf((component['components'] ?? []) as StoredComponent[]),
  ]);
}
