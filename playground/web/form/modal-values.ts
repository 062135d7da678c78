/** What a modal asks for, as a flat list of inputs with their first values and rules. Pure. */
import type { APIModalInteractionResponseCallbackData } from 'discord-api-types/v10';

/** Discord's component shapes, read loosely: one input of a modal with everything any kind of it may carry. */
export type ModalInput = {
  type: number;
  custom_id: string;
  label?: string;
  style?: number;
  placeholder?: string;
  value?: string;
  min_length?: number;
  max_length?: number;
  min_values?: number;
  max_values?: number;
  required?: boolean;
  default?: boolean;
  options?: readonly { label: string; value: string; description?: string; default?: boolean }[];
  default_values?: readonly { id: string }[];
};
export type ModalField = { label: string; description: string; input: ModalInput };
export type ModalPart = { kind: 'text'; content: string } | ({ kind: 'field' } & ModalField);
export type ModalValue = string | readonly string[];

export const INPUT = {
  text: 4,
  fileUpload: 19,
  radio: 21,
  checkboxes: 22,
  checkbox: 23,
} as const;

type Loose = ModalInput & {
  description?: string;
  content?: string;
  component?: ModalInput;
  components?: readonly Loose[];
};

/** Lists a modal's texts and inputs in order, from both of Discord's forms (action rows and labels). */
export function modalParts(modal: APIModalInteractionResponseCallbackData): ModalPart[] {
  const part = (c: Loose): ModalPart[] => {
    if (c.components) return c.components.flatMap(part);
    if (c.component) {
      return [
        {
          kind: 'field',
          label: c.label ?? '',
          description: c.description ?? '',
          input: c.component,
        },
      ];
    }
    if (c.content !== undefined) return [{ kind: 'text', content: c.content }];
    return c.custom_id ? [{ kind: 'field', label: c.label ?? '', description: '', input: c }] : [];
  };
  return (modal.components as unknown as Loose[]).flatMap(part);
}

/** Reads what an input holds when the modal opens. Check boxes say "true" or "false", lists their chosen values. */
export function firstValue(input: ModalInput): ModalValue {
  if (input.type === INPUT.text) return input.value ?? '';
  if (input.type === INPUT.checkbox) return input.default ? 'true' : 'false';
  const chosen = (input.options ?? []).filter((o) => o.default).map((o) => o.value);
  if (input.type === INPUT.radio) return chosen[0] ?? '';
  if (input.default_values) return input.default_values.map((d) => d.id);
  return chosen;
}

/** What is wrong with the value, as a sentence; null when it may be submitted. */
export function valueProblem(input: ModalInput, value: ModalValue): string | null {
  const required = input.required ?? true;
  if (input.type === INPUT.checkbox) return null;
  if (value.length === 0) {
    if (!required) return null;
    return input.type === INPUT.text ? 'This field is required.' : 'Please choose something here.';
  }
  if (typeof value === 'string') {
    if (input.type !== INPUT.text) return null;
    const least = input.min_length ?? 0;
    const most = input.max_length ?? 4000;
    if (value.length < least) return `At least ${least} characters, this is ${value.length}.`;
    return value.length > most ? `At most ${most} characters, this is ${value.length}.` : null;
  }
  const least = input.min_values ?? 1;
  const most =
    input.max_values ??
    Math.max(1, input.type === INPUT.checkboxes ? (input.options?.length ?? 1) : 1);
  if (value.length < least) return `Choose at least ${least}.`;
  return value.length > most ? `Choose at most ${most}.` : null;
}
