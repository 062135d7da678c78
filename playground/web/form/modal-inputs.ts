/** The inputs that a modal may ask for. */
import type { APISelectMenuComponent } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Uploaded } from '../../protocol.ts';
import { sizeWords } from '../message/files.ts';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';
import { INPUT, type ModalInput, type ModalValue } from './modal-values.ts';
import { SelectMenu } from './select.ts';
import { entriesOf, type People } from './select-entries.ts';

export type Upload = (file: File) => Promise<Uploaded>;

export type InputProps = {
  input: ModalInput;
  value: ModalValue;
  id: string;
  onValue: (value: ModalValue) => void;
  required: boolean;
  wrong: boolean;
  /** ids of the description and of what is wrong */
  describedBy: string | undefined;
};

/** Draws the control for one of a modal's inputs, by its component type. */
export function control(own: InputProps, people: People, upload: Upload, label: string): VNode {
  const { input, value, onValue } = own;
  switch (input.type) {
    case INPUT.text:
      return html`<${TextInput} ...${own} />`;
    case INPUT.fileUpload:
      return html`<${FileUpload} ...${own} upload=${upload} />`;
    case INPUT.radio:
    case INPUT.checkboxes:
      return html`<${Choices} ...${own} />`;
    case INPUT.checkbox:
      return html`<input
        id=${own.id}
        type="checkbox"
        checked=${value === 'true'}
        onChange=${(event: Event) => onValue((event.target as HTMLInputElement).checked ? 'true' : 'false')}
      />`;
    default: {
      const select = input as unknown as APISelectMenuComponent;
      return html`<${SelectMenu}
        entries=${entriesOf(select, people)}
        chosen=${typeof value === 'string' ? [] : value}
        placeholder=${select.placeholder ?? 'Make a selection'}
        min=${input.required === false ? 0 : (select.min_values ?? 1)}
        max=${select.max_values ?? 1}
        disabled=${select.disabled ?? false}
        label=${label}
        onChoose=${onValue}
      />`;
    }
  }
}

const PARAGRAPH = 2;

function TextInput(props: InputProps): VNode {
  const { input, value, id, onValue } = props;
  const text = String(value);
  const onInput = (event: InputEvent): void => onValue((event.target as HTMLInputElement).value);
  const most = input.max_length ?? 4000;
  const shared = {
    id,
    value: text,
    placeholder: input.placeholder ?? '',
    onInput,
    'aria-required': props.required,
    'aria-invalid': props.wrong,
    'aria-describedby': props.describedBy,
  };
  const left = most - text.length;
  return html`<div class="modal-text">
    ${
      input.style === PARAGRAPH
        ? html`<textarea rows="4" ...${shared}></textarea>`
        : html`<input type="text" ...${shared} autocomplete="off" />`
    }
    ${left < Math.min(200, most / 5) && html`<span class=${classes('modal-left', left < 0 && 'over')}>${left}</span>`}
  </div>`;
}

function Choices({ input, value, id, onValue, describedBy }: InputProps): VNode {
  const one = input.type === INPUT.radio;
  const chosen = typeof value === 'string' ? [value] : value;
  const toggle = (option: string): void => {
    if (one) onValue(option);
    else
      onValue(chosen.includes(option) ? chosen.filter((v) => v !== option) : [...chosen, option]);
  };
  return html`<div
    class="modal-choices"
    role=${one ? 'radiogroup' : 'group'}
    aria-labelledby=${`${id}-label`}
    aria-describedby=${describedBy}
  >
    ${(input.options ?? []).map(
      (option) =>
        html`<label class="modal-choice" key=${option.value}>
          <input
            type=${one ? 'radio' : 'checkbox'}
            name=${id}
            checked=${chosen.includes(option.value)}
            onChange=${() => toggle(option.value)}
          />
          <span class="select-words">
            <span>${option.label}</span>
            ${option.description && html`<small>${option.description}</small>`}
          </span>
        </label>`,
    )}
  </div>`;
}

function uploadedFile(file: Uploaded, onRemove: () => void): VNode {
  return html`<span class="modal-file" key=${file.id}>
    ${file.name} <small>${sizeWords(file.size)}</small>
    <button type="button" class="plain" aria-label=${`Remove ${file.name}`} onClick=${onRemove}>
      ${icons.close()}
    </button>
  </span>`;
}

function FileUpload(props: InputProps & { upload: Upload }): VNode {
  const { input, value, id, onValue, upload, describedBy } = props;
  const [files, setFiles] = useState<readonly Uploaded[]>([]);
  const [words, setWords] = useState<string | null>(null);
  const most = input.max_values ?? 1;
  const take = async (list: FileList | null): Promise<void> => {
    let now = files;
    for (const file of Array.from(list ?? []).slice(0, most - files.length)) {
      setWords(`Uploading ${file.name}…`);
      try {
        now = [...now, await upload(file)];
      } catch (error) {
        return setWords((error as Error).message);
      }
    }
    setWords(null);
    setFiles(now);
    onValue(now.map((file) => file.id));
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    void take(event.dataTransfer?.files ?? null);
  };
  const remove = (file: Uploaded): void => {
    const now = files.filter((other) => other !== file);
    setFiles(now);
    onValue(now.map((other) => other.id));
  };
  return html`<div
    class="modal-drop"
    onDragOver=${(event: DragEvent) => event.preventDefault()}
    onDrop=${drop}
  >
    ${files.map((file) => uploadedFile(file, () => remove(file)))}
    ${
      value.length < most &&
      html`<label class="modal-browse">
        ${icons.upload()} Drop a file here or <u>browse</u>
        <input
          id=${id}
          type="file"
          class="unseen"
          aria-describedby=${describedBy}
          multiple=${most > 1}
          onChange=${(event: Event) => {
            const field = event.target as HTMLInputElement;
            void take(field.files).then(() => (field.value = ''));
          }}
        />
      </label>`
    }
    ${words && html`<p role="status">${words}</p>`}
  </div>`;
}
