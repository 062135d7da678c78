import { componentType } from '../messages/component-types.ts';
import { checkSelect } from './validate-select.ts';
import type { Checks, Fields } from './validate.ts';
import { startChecks } from './validate.ts';

type Path = readonly (string | number)[];

const inLabel = [3, 4, 5, 6, 7, 8, 19, 21, 22, 23];

/** Throws 50035 with every complaint about the data of a modal callback. */
export function checkModal(data: unknown): void {
  const checks = startChecks();
  const modal = checks.object(['data'], data);
  if (modal) {
    checks.text(['data', 'custom_id'], modal['custom_id'], 1, 100, true);
    checks.text(['data', 'title'], modal['title'], 1, 45, true);
    const taken = new Set<unknown>();
    const path = ['data', 'components'];
    for (const [i, one] of checks.list(path, modal['components'], 1, 5).entries()) {
      checkPart(checks, [...path, i], one, taken);
    }
  }
  checks.finish();
}

function checkPart(checks: Checks, path: Path, value: unknown, taken: Set<unknown>): void {
  const part = checks.object(path, value);
  if (!part) return;
  switch (part['type']) {
    case componentType.text:
      return checks.text([...path, 'content'], part['content'], 1, 4000, true);
    case componentType.row: {
      const [input] = checks.list([...path, 'components'], part['components'], 1, 1);
      return checkInput(
        checks,
        [...path, 'components', 0],
        input,
        [componentType.textInput],
        taken,
      );
    }
    case componentType.label:
      checks.text([...path, 'label'], part['label'], 1, 45, true);
      checks.text([...path, 'description'], part['description'], 0, 100);
      return checkInput(checks, [...path, 'component'], part['component'], inLabel, taken);
    default:
      checks.fail(
        [...path, 'type'],
        'UNION_TYPE_CHOICES',
        'Value of field "type" must be one of (1, 10, 18).',
      );
  }
}

function checkInput(
  checks: Checks,
  path: Path,
  value: unknown,
  allowed: readonly number[],
  taken: Set<unknown>,
): void {
  const input = checks.object(path, value);
  if (!input) return;
  const type = Number(input['type']);
  if (!allowed.includes(type)) {
    return checks.fail(
      [...path, 'type'],
      'UNION_TYPE_CHOICES',
      `Value of field "type" must be one of (${allowed.join(', ')}).`,
    );
  }
  const claim = (id: unknown): void => {
    checks.text([...path, 'custom_id'], id, 1, 100, true);
    if (taken.has(id)) {
      checks.fail(
        [...path, 'custom_id'],
        'COMPONENT_CUSTOM_ID_DUPLICATED',
        'Component custom id cannot be duplicated',
      );
    }
    taken.add(id);
  };
  if (type === componentType.textInput) return checkTextInput(checks, path, input, claim);
  if (type <= componentType.channelSelect) return checkSelect(checks, path, input, claim);
  claim(input['custom_id']);
  if (type === componentType.fileUpload) {
    checks.integer([...path, 'min_values'], input['min_values'], 0, 10);
    checks.integer([...path, 'max_values'], input['max_values'], 1, 10);
  }
  if (type === componentType.radioGroup) checks.list([...path, 'options'], input['options'], 2, 10);
  if (type === componentType.checkboxGroup) {
    checks.list([...path, 'options'], input['options'], 1, 10);
  }
}

function checkTextInput(
  checks: Checks,
  path: Path,
  input: Fields,
  claim: (id: unknown) => void,
): void {
  claim(input['custom_id']);
  checks.text([...path, 'label'], input['label'], 0, 45);
  checks.text([...path, 'placeholder'], input['placeholder'], 0, 100);
  checks.text([...path, 'value'], input['value'], 0, 4000);
  checks.integer([...path, 'min_length'], input['min_length'], 0, 4000);
  checks.integer([...path, 'max_length'], input['max_length'], 1, 4000);
  if (input['style'] !== 1 && input['style'] !== 2) {
    checks.fail([...path, 'style'], 'BASE_TYPE_CHOICES', 'Value must be one of (1, 2).');
  }
}
