import { componentType } from '../messages/component-types.ts';
import type { Checks, Fields } from './validate.ts';
import { isFields } from './validate.ts';

type Path = readonly (string | number)[];

/** A select in a message row or in a modal label; `claim` checks its custom id. */
export function checkSelect(
  checks: Checks,
  path: Path,
  select: Fields,
  claim: (id: unknown) => void,
): void {
  claim(select['custom_id']);
  checks.text([...path, 'placeholder'], select['placeholder'], 0, 150);
  checks.integer([...path, 'min_values'], select['min_values'], 0, 25);
  checks.integer([...path, 'max_values'], select['max_values'], 1, 25);
  if (select['type'] !== componentType.stringSelect) return;
  const options = checks.list([...path, 'options'], select['options'], 1, 25);
  const values = new Set<unknown>();
  for (const [i, option] of options.entries()) {
    const at = [...path, 'options', i];
    const fields = checks.object(at, option);
    if (!fields) continue;
    checks.text([...at, 'label'], fields['label'], 1, 100, true);
    checks.text([...at, 'value'], fields['value'], 1, 100, true);
    checks.text([...at, 'description'], fields['description'], 0, 100);
    if (values.has(fields['value'])) {
      checks.fail(
        [...at, 'value'],
        'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED',
        'The specified option value is already used',
      );
    }
    values.add(fields['value']);
  }
  const most = Number(select['max_values'] ?? 1);
  if (most > options.length) {
    checks.fail(
      [...path, 'max_values'],
      'BASE_TYPE_MAX_LENGTH',
      `Must be ${options.length} or fewer in length.`,
    );
  }
  const chosen = options.filter((option) => isFields(option) && option['default'] === true).length;
  if (chosen > most) {
    checks.fail(
      [...path, 'options'],
      'SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES',
      'The number of default values exceeds the maximum number of values',
    );
  }
}
