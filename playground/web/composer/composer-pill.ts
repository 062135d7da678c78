/** One option of the command being filled in, and the place after the last one. */
import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { OPTION } from './commands.ts';
import type { Field } from './draft.ts';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';

/** Draws one option with its value as a field to type in, or as a file to choose. */
export function Pill(props: {
  field: Field;
  active: boolean;
  wrong: boolean;
  /** highlighted entry of the list above, null while there is none */
  listed: number | null;
  uploading: string | null;
  onFocus: () => void;
  onBlur: () => void;
  onText: (text: string) => void;
  onRemove: (() => void) | null;
  onFile: (file: File) => void;
}): VNode {
  const { field, active } = props;
  const { option } = field;
  const file = (option.type as number) === OPTION.attachment;
  const name = classes(
    'pill',
    active && 'active',
    props.wrong && 'wrong',
    field.picked !== null && 'picked',
  );
  return html`<span class=${name}>
    <span class="pill-name" id=${`pill-${option.name}`}>${option.name}</span>
    ${file ? html`<${FilePill} ...${props} />` : html`<${TextPill} ...${props} />`}
    ${
      props.onRemove &&
      html`<button
        type="button"
        class="pill-remove"
        tabindex="-1"
        aria-label=${`Remove ${option.name}`}
        onClick=${props.onRemove}
      >
        ${icons.close()}
      </button>`
    }
  </span>`;
}

type TextProps = {
  field: Field;
  wrong: boolean;
  listed: number | null;
  onFocus: () => void;
  onBlur: () => void;
  onText: (text: string) => void;
};

function TextPill(props: TextProps): VNode {
  const { option, text } = props.field;
  const numeric =
    (option.type as number) === OPTION.integer || (option.type as number) === OPTION.number;
  return html`<span class="grow" data-value=${text || ' '}>
    <textarea
      rows="1"
      cols="1"
      data-field=${option.name}
      role="combobox"
      aria-labelledby=${`pill-${option.name}`}
      aria-describedby="composer-help"
      aria-required=${option.required ?? false}
      aria-invalid=${props.wrong}
      aria-expanded=${props.listed !== null}
      aria-controls="composer-list"
      aria-activedescendant=${props.listed === null ? undefined : `composer-entry-${props.listed}`}
      inputmode=${numeric ? 'decimal' : 'text'}
      spellcheck=${false}
      autocomplete="off"
      value=${text}
      onFocus=${props.onFocus}
      onBlur=${props.onBlur}
      onInput=${(event: InputEvent) => props.onText((event.target as HTMLTextAreaElement).value.replace(/\r?\n/g, ' '))}
    ></textarea>
  </span>`;
}

type FileProps = {
  field: Field;
  uploading: string | null;
  onFocus: () => void;
  onFile: (file: File) => void;
};

function FilePill({ field, uploading, onFocus, onFile }: FileProps): VNode {
  const input = useRef<HTMLInputElement>(null);
  const words = uploading ? `uploading ${uploading}…` : field.text || 'drop a file or browse';
  const onChange = (): void => {
    const file = input.current?.files?.[0];
    if (file) onFile(file);
    if (input.current) input.current.value = '';
  };
  return html`<button
      type="button"
      class="pill-file"
      data-field=${field.option.name}
      onFocus=${onFocus}
      onClick=${() => input.current?.click()}
    >
      ${icons.upload()} ${words}
    </button>
    <input
      ref=${input}
      type="file"
      class="unseen"
      tabindex="-1"
      aria-label=${field.option.name}
      onChange=${onChange}
    />`;
}

/** Draws the place behind the last pill; `more` options are left to add. */
export function EndField(props: {
  id: string;
  text: string;
  more: number;
  active: boolean;
  onFocus: () => void;
  onText: (text: string) => void;
}): VNode {
  const words = props.more > 0 ? `+${props.more} optional` : '';
  return html`<span class=${classes('end-field', props.active && 'active')}>
    <textarea
      rows="1"
      cols="1"
      data-field=${props.id}
      aria-label=${props.more > 0 ? `Add an option, ${props.more} left` : 'End of the command'}
      placeholder=${words}
      autocomplete="off"
      spellcheck=${false}
      value=${props.text}
      onFocus=${props.onFocus}
      onInput=${(event: InputEvent) => props.onText((event.target as HTMLTextAreaElement).value)}
    ></textarea>
  </span>`;
}

/** Draws the line of a plain message, which becomes a command after a slash. */
export function TextLine(props: {
  id: string;
  text: string;
  channelName: string;
  listed: number | null;
  onText: (text: string) => void;
}): VNode {
  return html`<span class="grow" data-value=${props.text}>
    <textarea
      rows="1"
      data-field=${props.id}
      role="combobox"
      aria-label=${`Message ${props.channelName}. Type / for commands`}
      aria-expanded=${props.listed !== null}
      aria-controls="composer-list"
      aria-activedescendant=${props.listed === null ? undefined : `composer-entry-${props.listed}`}
      placeholder=${innerWidth < 480 ? 'Type / for commands' : `Message ${props.channelName} · type / for commands`}
      value=${props.text}
      onInput=${(event: InputEvent) => props.onText((event.target as HTMLTextAreaElement).value)}
    ></textarea>
  </span>`;
}
