import { componentType } from '../messages/component-types.ts';
import { checkSelect } from './validate-select.ts';
import type { Checks, Fields } from './validate.ts';
import { isFields } from './validate.ts';

type Path = readonly (string | number)[];

const inRow = [2, 3, 5, 6, 7, 8];
const onTop = [1, 9, 10, 12, 13, 14, 17];
const inContainer = [1, 9, 10, 12, 13, 14];

type Walk = {
  checks: Checks;
  customIds: Map<string, Path>;
  ids: Set<number>;
  count: number;
  text: number;
  /** can `attachment://name` be resolved */
  hasFile: (name: string) => boolean;
};

/**
 * Complaints about the components of a message: with the Components V2 flag up to 40 components in all and 4,000
 * characters of text, without it up to five rows of buttons or one select each.
 */
export function checkComponents(
  checks: Checks,
  value: unknown,
  options: { v2: boolean; hasFile: (name: string) => boolean },
): void {
  if (value === undefined || value === null) return;
  const walk: Walk = {
    checks,
    customIds: new Map(),
    ids: new Set(),
    count: 0,
    text: 0,
    hasFile: options.hasFile,
  };
  const path = ['components'];
  const list = checks.list(path, value, options.v2 ? 1 : 0, options.v2 ? 40 : 5);
  for (const [i, one] of list.entries()) {
    checkOne(walk, [...path, i], one, options.v2 ? onTop : [componentType.row]);
  }
  if (walk.count > 40 && options.v2) {
    checks.fail(
      path,
      'COMPONENT_MAX_TOTAL',
      `The total number of components cannot exceed 40 (${walk.count}).`,
    );
  }
  if (walk.text > 4000) {
    checks.fail(
      path,
      'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED',
      `The total displayable text size ${walk.text} exceeds the maximum of 4000.`,
    );
  }
}

function checkOne(walk: Walk, path: Path, value: unknown, allowed: readonly number[]): void {
  const { checks } = walk;
  const component = checks.object(path, value);
  if (!component) return;
  const type = component['type'];
  if (typeof type !== 'number' || !allowed.includes(type)) {
    return checks.fail(
      [...path, 'type'],
      'UNION_TYPE_CHOICES',
      `Value of field "type" must be one of (${allowed.join(', ')}).`,
    );
  }
  walk.count++;
  checkId(walk, path, component['id']);
  switch (type) {
    case componentType.row:
      return checkRow(walk, path, component);
    case componentType.button:
      return checkButton(walk, path, component);
    case componentType.section:
      return checkSection(walk, path, component);
    case componentType.text:
      checks.text([...path, 'content'], component['content'], 1, 4000, true);
      walk.text += typeof component['content'] === 'string' ? component['content'].length : 0;
      return;
    case componentType.thumbnail:
      return checkMedia(walk, path, component, 'media');
    case componentType.gallery: {
      const items = checks.list([...path, 'items'], component['items'], 1, 10);
      for (const [i, item] of items.entries()) {
        const fields = checks.object([...path, 'items', i], item);
        if (fields) checkMedia(walk, [...path, 'items', i], fields, 'media');
      }
      return;
    }
    case componentType.file:
      return checkMedia(walk, path, component, 'file');
    case componentType.separator:
      return checks.integer([...path, 'spacing'], component['spacing'], 1, 2);
    case componentType.container: {
      checks.integer([...path, 'accent_color'], component['accent_color'], 0, 0xffffff);
      const children = checks.list([...path, 'components'], component['components'], 1, 40);
      for (const [i, child] of children.entries()) {
        checkOne(walk, [...path, 'components', i], child, inContainer);
      }
      return;
    }
    default:
      return checkSelect(checks, path, component, (id) => claimCustomId(walk, path, id));
  }
}

function checkId(walk: Walk, path: Path, id: unknown): void {
  walk.checks.integer([...path, 'id'], id, 0, 2 ** 31 - 1);
  if (typeof id !== 'number' || id === 0) return;
  if (walk.ids.has(id)) {
    walk.checks.fail(
      [...path, 'id'],
      'COMPONENT_ID_DUPLICATED',
      'Component id cannot be duplicated',
    );
  }
  walk.ids.add(id);
}

function claimCustomId(walk: Walk, path: Path, id: unknown): void {
  walk.checks.text([...path, 'custom_id'], id, 1, 100, true);
  if (typeof id !== 'string') return;
  if (walk.customIds.has(id)) {
    walk.checks.fail(
      [...path, 'custom_id'],
      'COMPONENT_CUSTOM_ID_DUPLICATED',
      'Component custom id cannot be duplicated',
    );
  }
  walk.customIds.set(id, path);
}

function checkRow(walk: Walk, path: Path, row: Fields): void {
  const { checks } = walk;
  const children = checks.list([...path, 'components'], row['components'], 1, 5);
  for (const [i, child] of children.entries()) {
    checkOne(walk, [...path, 'components', i], child, inRow);
  }
  const types = children.map((child) => (isFields(child) ? child['type'] : null));
  if (types.length > 1 && types.some((type) => type !== componentType.button)) {
    checks.fail(
      [...path, 'components'],
      'COMPONENT_LAYOUT_WIDTH_EXCEEDED',
      'The specified component exceeds the maximum width',
    );
  }
}

function checkButton(walk: Walk, path: Path, button: Fields): void {
  const { checks } = walk;
  checks.text([...path, 'label'], button['label'], 0, 80);
  const style = button['style'];
  if (typeof style !== 'number' || style < 1 || style > 6) {
    checks.fail(
      [...path, 'style'],
      'BASE_TYPE_CHOICES',
      'Value must be one of (1, 2, 3, 4, 5, 6).',
    );
  } else if (style === 5) {
    checks.text([...path, 'url'], button['url'], 1, 512, true);
    if (typeof button['url'] === 'string' && !/^(https?|discord):\/\/\S+$/.test(button['url'])) {
      checks.fail([...path, 'url'], 'BASE_TYPE_BAD_URL', 'Not a well formed URL.');
    }
    if (button['custom_id'] !== undefined) {
      checks.fail(
        path,
        'COMPONENT_BUTTON_LINK_CUSTOM_ID',
        'A custom id cannot be specified for a link button',
      );
    }
    return;
  } else if (style !== 6) {
    claimCustomId(walk, path, button['custom_id']);
  }
  if (!button['label'] && !button['emoji'] && style !== 6) {
    checks.fail(path, 'BUTTON_COMPONENT_INVALID_LABEL', 'A button must have a label or emoji');
  }
}

function checkSection(walk: Walk, path: Path, section: Fields): void {
  const children = walk.checks.list([...path, 'components'], section['components'], 1, 3);
  for (const [i, child] of children.entries()) {
    checkOne(walk, [...path, 'components', i], child, [componentType.text]);
  }
  checkOne(walk, [...path, 'accessory'], section['accessory'], [
    componentType.button,
    componentType.thumbnail,
  ]);
}

function checkMedia(walk: Walk, path: Path, holder: Fields, name: 'media' | 'file'): void {
  const { checks } = walk;
  checks.text([...path, 'description'], holder['description'], 0, 1024);
  const media = checks.object([...path, name], holder[name]);
  if (!media) return;
  const at = [...path, name, 'url'];
  const url = media['url'];
  checks.text(at, url, 1, 2048, true);
  if (typeof url !== 'string') return;
  if (url.startsWith('attachment://')) {
    if (!walk.hasFile(url.slice('attachment://'.length))) {
      checks.fail(
        at,
        'UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND',
        `The referenced attachment was not found: ${url}`,
      );
    }
  } else if (name === 'file') {
    checks.fail(
      at,
      'COMPONENT_FILE_ATTACHMENT_ONLY',
      'A file component only supports attachment:// references',
    );
  } else if (!/^https?:\/\/\S+$/.test(url)) {
    checks.fail(
      at,
      'URL_TYPE_INVALID_SCHEME',
      `Scheme "${url.split(':')[0]}" is not supported. Scheme must be one of ('http', 'https', 'attachment').`,
    );
  }
}
