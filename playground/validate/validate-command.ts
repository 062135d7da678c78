import type { Checks, Fields } from './validate.ts';
import { isFields, startChecks } from './validate.ts';

type Path = readonly (string | number)[];

const chatName = /^[-_'\p{L}\p{N}\p{Script=Devanagari}\p{Script=Thai}]{1,32}$/u;

/** Throws 50035 with every complaint about application commands; `at` is the list position in a bulk request. */
export function checkCommands(bodies: readonly unknown[], bulk: boolean): void {
  const checks = startChecks();
  const names = new Set<string>();
  for (const [i, body] of bodies.entries()) {
    const path: Path = bulk ? [i] : [];
    const command = checks.object(path, body);
    if (!command) continue;
    checkCommand(checks, path, command);
    const key = `${String(command['type'] ?? 1)}:${String(command['name'])}`;
    if (names.has(key)) {
      checks.fail(
        [...path, 'name'],
        'APPLICATION_COMMANDS_DUPLICATE_NAME',
        'Application command names must be unique',
      );
    }
    names.add(key);
  }
  checks.finish();
}

function checkCommand(checks: Checks, path: Path, command: Fields): void {
  const type = command['type'] ?? 1;
  if (type === 1) {
    checkName(checks, [...path, 'name'], command['name']);
    checks.text([...path, 'description'], command['description'], 1, 100, true);
  } else if (type === 2 || type === 3) {
    checks.text([...path, 'name'], command['name'], 1, 32, true);
    if (command['description']) {
      checks.fail(
        [...path, 'description'],
        'APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION',
        'Context menu commands cannot have description',
      );
    }
  } else {
    checks.fail([...path, 'type'], 'BASE_TYPE_CHOICES', 'Value must be one of (1, 2, 3).');
  }
  const permissions = command['default_member_permissions'];
  if (permissions !== undefined && permissions !== null && !/^\d+$/.test(String(permissions))) {
    checks.fail(
      [...path, 'default_member_permissions'],
      'NUMBER_TYPE_COERCE',
      `Value "${String(permissions)}" is not a set of permissions.`,
    );
  }
  checkLocalizations(checks, path, command);
  checkOptions(checks, path, command['options'], 0);
  if (textLength(command) > 8000) {
    checks.fail(path, 'APPLICATION_COMMAND_TOO_LARGE', 'Command exceeds maximum size (8000)');
  }
}

function checkName(checks: Checks, path: Path, name: unknown): void {
  checks.text(path, name, 1, 32, true);
  if (typeof name !== 'string' || name === '') return;
  if (!chatName.test(name) || name !== name.toLowerCase()) {
    checks.fail(path, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
  }
}

function checkLocalizations(checks: Checks, path: Path, fields: Fields): void {
  for (const [name, most] of [
    ['name_localizations', 32],
    ['description_localizations', 100],
  ] as const) {
    const texts = fields[name];
    if (!isFields(texts)) continue;
    for (const [locale, text] of Object.entries(texts)) {
      checks.text([...path, name, locale], text, 1, most);
    }
  }
}

function checkOptions(checks: Checks, path: Path, value: unknown, depth: number): void {
  if (value === undefined || value === null) return;
  const options = checks.list([...path, 'options'], value, 0, 25);
  const names = new Set<unknown>();
  let optionalSeen = false;
  for (const [i, one] of options.entries()) {
    const at = [...path, 'options', i];
    const option = checks.object(at, one);
    if (!option) continue;
    checkName(checks, [...at, 'name'], option['name']);
    checks.text([...at, 'description'], option['description'], 1, 100, true);
    checkLocalizations(checks, at, option);
    checkOptionKind(checks, at, option, depth);
    if (names.has(option['name'])) {
      checks.fail(
        [...at, 'name'],
        'APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_USED',
        'Option name was already used',
      );
    }
    names.add(option['name']);
    if (option['required'] !== true) optionalSeen = true;
    else if (optionalSeen) {
      checks.fail(
        at,
        'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
        'Required options must be placed before non-required options',
      );
    }
  }
}

function checkOptionKind(checks: Checks, path: Path, option: Fields, depth: number): void {
  const type = option['type'];
  if (typeof type !== 'number' || type < 1 || type > 11) {
    return checks.fail(
      [...path, 'type'],
      'BASE_TYPE_CHOICES',
      'Value must be one of (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11).',
    );
  }
  if (type <= 2) {
    if (depth >= (type === 1 ? 2 : 1)) {
      checks.fail(
        [...path, 'type'],
        'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
        'Sub-commands and sub-command groups cannot be nested here',
      );
    }
    return checkOptions(checks, path, option['options'], depth + 1);
  }
  if (option['choices'] === undefined || option['choices'] === null) return;
  if (option['autocomplete'] === true) {
    checks.fail(
      [...path, 'autocomplete'],
      'APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE',
      'Choices and autocomplete are mutually exclusive',
    );
  }
  checkChoices(checks, [...path, 'choices'], option['choices'], type);
}

/** Choices of an option, or of an autocomplete answer, for an option of `type`. */
export function checkChoices(checks: Checks, path: Path, value: unknown, type: number): void {
  for (const [i, one] of checks.list(path, value, 0, 25).entries()) {
    const choice = checks.object([...path, i], one);
    if (!choice) continue;
    checks.text([...path, i, 'name'], choice['name'], 1, 100, true);
    const at = [...path, i, 'value'];
    if (type === 3) {
      checks.text(at, choice['value'], 1, 100, true);
    } else if (
      typeof choice['value'] !== 'number' ||
      (type === 4 && !Number.isSafeInteger(choice['value']))
    ) {
      checks.fail(
        at,
        'NUMBER_TYPE_COERCE',
        `Value "${String(choice['value'])}" is not ${type === 4 ? 'int' : 'float'}.`,
      );
    }
  }
}

/** Discord counts names, descriptions and choice values of the whole command against 8,000. */
function textLength(fields: Fields): number {
  let total = 0;
  for (const name of ['name', 'description', 'value'] as const) {
    if (typeof fields[name] === 'string') total += fields[name].length;
  }
  for (const name of ['options', 'choices'] as const) {
    const list = fields[name];
    if (Array.isArray(list)) {
      for (const one of list) total += isFields(one) ? textLength(one) : 0;
    }
  }
  return total;
}
