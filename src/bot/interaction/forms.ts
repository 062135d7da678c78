import { ComponentType } from 'discord.js';
import type { APIModalInteractionResponseCallbackData, ModalSubmitInteraction } from 'discord.js';

type Form = APIModalInteractionResponseCallbackData;
type Part = Form['components'][number];

/**
 * Forms that people have open, so that one that was refused comes back with all that was typed. Discord gives a form
 * back without its definition, so the definition is kept: in memory, for a while, the newest of so many.
 */
export type Forms = {
  /** `hidden`: only one person sees the message whose button opened it. */
  opened(userId: string, form: Form, hidden: boolean): void;
  /** Whether what a form came from is seen by one person only; null where the form is not known any more. */
  isHidden(interaction: ModalSubmitInteraction): boolean | null;
  /** What was sent, with its words in it; the key it is found by. Null where the form is not known any more. */
  refused(interaction: ModalSubmitInteraction): string | null;
  /** For the one who typed it. */
  again(key: string, userId: string): { form: Form; hidden: boolean } | null;
};

const KEPT = 500;
const KEPT_MS = 30 * 60_000;

/** Makes an empty store of forms: 500 at most, for 30 minutes each. `now` is in milliseconds. */
export function createForms(now: () => number = Date.now): Forms {
  const kept = new Map<string, { form: Form; hidden: boolean; at: number }>();

  function keep(key: string, form: Form, hidden: boolean): void {
    kept.delete(key);
    kept.set(key, { form, hidden, at: now() });
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break;
      kept.delete(oldest);
    }
  }

  function find(key: string): { form: Form; hidden: boolean } | null {
    const found = kept.get(key);
    return found === undefined || now() - found.at > KEPT_MS ? null : found;
  }

  const openKey = ({ user, customId }: ModalSubmitInteraction) => `open ${user.id} ${customId}`;

  return {
    opened(userId, form, hidden) {
      keep(`open ${userId} ${form.custom_id}`, form, hidden);
    },
    isHidden: (interaction) => find(openKey(interaction))?.hidden ?? null,
    refused(interaction) {
      const open = find(openKey(interaction));
      if (open === null) return null;
      const { form, hidden } = open;
      const key = crypto.randomUUID().replaceAll('-', '').slice(0, 20);
      const components = form.components.map((part) => filled(part, interaction));
      keep(`refused ${interaction.user.id} ${key}`, { ...form, components }, hidden);
      return key;
    },
    again: (key, userId) => find(`refused ${userId} ${key}`),
  };
}

/** The same part with what was typed or chosen; an uploaded file has to be chosen again. */
function filled(part: Part, { fields }: ModalSubmitInteraction): Part {
  if (part.type !== ComponentType.Label) return part;
  const { component } = part;
  const found = fields.fields.get(component.custom_id);
  if (found === undefined) return part;
  switch (component.type) {
    case ComponentType.TextInput: {
      const { value: _before, ...rest } = component;
      const value = 'value' in found && typeof found.value === 'string' ? found.value : '';
      return { ...part, component: { ...rest, ...(value === '' ? {} : { value }) } };
    }
    case ComponentType.StringSelect: {
      const chosen = 'values' in found ? found.values : [];
      const options = component.options.map((one) => ({
        ...one,
        default: chosen.includes(one.value),
      }));
      return { ...part, component: { ...component, options } };
    }
    case ComponentType.RadioGroup: {
      const chosen = 'value' in found ? found.value : null;
      const options = component.options.map((one) => ({ ...one, default: one.value === chosen }));
      return { ...part, component: { ...component, options } };
    }
    default:
      return part;
  }
}
