import type { APIModalInteractionResponseCallbackData } from 'discord-api-types/v10';
import type { Resolved } from './command-options.ts';
import { Refusal, resolve } from './command-options.ts';
import type { State } from '../state.ts';
import { componentType } from '../messages/component-types.ts';
import type { Fields } from '../validate/validate.ts';
import { isFields } from '../validate/validate.ts';
import type { Channel } from '../world/channels.ts';

export type ModalValues = Readonly<Record<string, string | readonly string[]>>;

/** Option type numbers for what the selects of a modal resolve: users, roles, mentionables, channels, files. */
const resolvedAs: Readonly<Record<number, number>> = { 5: 6, 6: 8, 7: 9, 8: 7, 19: 11 };

/** The `components` and `resolved` of a modal submit. Throws Refusal when a rule of an input is not kept. */
export function modalSubmission(
  state: State,
  channel: Channel,
  modal: APIModalInteractionResponseCallbackData,
  values: ModalValues,
): { components: object[]; resolved: Resolved } {
  const resolved: Resolved = {};
  let nextId = 0;
  const convert = (part: Fields): object => {
    const id = typeof part['id'] === 'number' && part['id'] > 0 ? part['id'] : ++nextId;
    if (Array.isArray(part['components'])) {
      return {
        type: part['type'],
        id,
        components: part['components'].filter(isFields).map(convert),
      };
    }
    if (isFields(part['component'])) {
      return { type: part['type'], id, component: convert(part['component']) };
    }
    if (part['type'] === componentType.text) return { type: part['type'], id };
    return { id, ...inputValue(state, channel, part, values, resolved) };
  };
  const parts = modal.components as unknown as readonly Fields[];
  return { components: parts.map(convert), resolved };
}

function inputValue(
  state: State,
  channel: Channel,
  input: Fields,
  values: ModalValues,
  resolved: Resolved,
): object {
  const type = Number(input['type']);
  const customId = String(input['custom_id']);
  const base = { type, custom_id: customId };
  const given = values[customId];
  if (type === componentType.textInput) {
    return { ...base, value: checkText(input, typeof given === 'string' ? given : '') };
  }
  if (type === componentType.checkbox) return { ...base, value: given === 'true' };
  const list =
    given === undefined || given === '' ? [] : typeof given === 'string' ? [given] : given;
  checkChosen(input, list);
  if (type === componentType.radioGroup) return { ...base, value: list[0] ?? null };
  const kind = resolvedAs[type];
  if (kind !== undefined) for (const id of list) resolve(state, channel, kind, id, resolved);
  return { ...base, values: [...list] };
}

function checkText(input: Fields, value: string): string {
  const required = input['required'] !== false;
  if (value === '' && !required) return value;
  const least = Number(input['min_length'] ?? (required ? 1 : 0));
  const most = Number(input['max_length'] ?? 4000);
  if (value.length < least || value.length > most) {
    throw new Refusal(
      `"${String(input['label'] ?? input['custom_id'])}" takes ${least} to ${most} characters, this has ${value.length}.`,
    );
  }
  return value;
}

function checkChosen(input: Fields, list: readonly string[]): void {
  const required = input['required'] !== false;
  if (list.length === 0 && !required) return;
  const options = Array.isArray(input['options']) ? input['options'].filter(isFields) : null;
  const least = Number(input['min_values'] ?? 1);
  const most = Number(
    input['max_values'] ??
      (input['type'] === componentType.checkboxGroup ? (options?.length ?? 1) : 1),
  );
  if (list.length < least || list.length > most) {
    throw new Refusal(`Choose ${least} to ${most} here.`);
  }
  if (options && list.some((value) => !options.some((option) => option['value'] === value))) {
    throw new Refusal('What was chosen is not one of the options.');
  }
}
