import type { APIEmbed } from 'discord-api-types/v10';
import type { State } from '../state.ts';
import type { StoredAttachment, StoredComponent } from '../store/stored.ts';
import { componentType } from './component-types.ts';
import type { Fields } from '../validate/validate.ts';
import { isFields } from '../validate/validate.ts';

type Files = readonly Pick<StoredAttachment, 'id' | 'filename'>[];

/** Checked components with Discord's defaults filled in, an id each, and uploaded media named by attachment id. */
export function storeComponents(state: State, value: unknown, files: Files): StoredComponent[] {
  const list = Array.isArray(value) ? value.filter(isFields) : [];
  const taken = new Set<number>();
  for (const component of list) collectIds(component, taken);
  let next = 0;
  const freeId = (): number => {
    do next++;
    while (taken.has(next));
    return next;
  };
  const convert = (component: Fields): StoredComponent => {
    const given = component['id'];
    const id = typeof given === 'number' && given > 0 ? given : freeId();
    const stored: StoredComponent = {
      ...defaults(component),
      ...withoutNulls(component),
      id,
    } as StoredComponent;
    if (Array.isArray(component['components'])) {
      stored['components'] = component['components'].filter(isFields).map(convert);
    }
    if (isFields(component['accessory'])) stored['accessory'] = convert(component['accessory']);
    for (const name of ['media', 'file'] as const) {
      if (isFields(component[name])) stored[name] = storeMedia(state, component[name], files);
    }
    if (Array.isArray(component['items'])) {
      stored['items'] = component['items'].filter(isFields).map((item) => ({
        description: item['description'] ?? null,
        spoiler: item['spoiler'] === true,
        media: storeMedia(state, item['media'] as Fields, files),
      }));
    }
    return stored;
  };
  return list.map(convert);
}

function collectIds(component: Fields, taken: Set<number>): void {
  if (typeof component['id'] === 'number' && component['id'] > 0) taken.add(component['id']);
  const children = Array.isArray(component['components']) ? component['components'] : [];
  for (const child of [...children, component['accessory']]) {
    if (isFields(child)) collectIds(child, taken);
  }
}

function defaults(component: Fields): Fields {
  switch (component['type']) {
    case componentType.container:
      return { accent_color: null, spoiler: false };
    case componentType.separator:
      return { spacing: 1, divider: true };
    case componentType.thumbnail:
      return { description: null, spoiler: false };
    case componentType.file:
      return { spoiler: false };
    case componentType.stringSelect:
    case componentType.userSelect:
    case componentType.roleSelect:
    case componentType.mentionableSelect:
    case componentType.channelSelect:
      return { min_values: 1, max_values: 1 };
    default:
      return {};
  }
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

function storeMedia(state: State, media: Fields, files: Files): Fields {
  const url = String(media['url'] ?? '');
  if (url.startsWith('attachment://')) {
    const name = url.slice('attachment://'.length);
    return { attachmentId: files.find((file) => file.filename === name)?.id ?? '' };
  }
  const ours = state.links.idOf(url);
  return ours !== null && state.store.attachment(ours) ? { attachmentId: ours } : { url };
}

/**
 * Takes a message's embeds as Discord stores them: type "rich", nulls left out, `attachment://` addresses replaced by
 * those of the files.
 */
export function storeEmbeds(state: State, value: unknown, files: Files): APIEmbed[] {
  const list = Array.isArray(value) ? value.filter(isFields) : [];
  return list.map((embed) => {
    const stored: Record<string, unknown> = { ...withoutNulls(embed), type: 'rich' };
    for (const name of ['image', 'thumbnail'] as const) {
      if (isFields(embed[name])) stored[name] = storeMedia(state, embed[name], files);
    }
    return stored as unknown as APIEmbed;
  });
}

/** The component with that custom id anywhere in a message, or null. */
export function findComponent(
  components: readonly StoredComponent[],
  customId: string,
): StoredComponent | null {
  for (const component of components) {
    if (component['custom_id'] === customId) return component;
    const children = (component['components'] ?? []) as StoredComponent[];
    const accessory = component['accessory'] ? [component['accessory'] as StoredComponent] : [];
    const inner = findComponent([...children, ...accessory], customId);
    if (inner) return inner;
  }
  return null;
}
