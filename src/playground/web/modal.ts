/** A modal: text inputs, labels, selects, file upload, radio and checkboxes. */
import type { APISelectMenuComponent } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Uploaded } from '../protocol.ts';
import { sizeWords } from './files.ts';
import { classes, html } from './html.ts';
import { Aperture, icons } from './icons.ts';
import {
  firstValue,
  INPUT,
  modalParts,
  valueProblem,
  type ModalField,
  type ModalInput,
  type ModalValue,
} from './modal-values.ts';
import { entriesOf, SelectMenu, type People } from './select.ts';
import type { OpenModal, Pending } from './state.ts';
import { Markdown } from './text.ts';

type Values = Readonly<Record<string, ModalValue>>;
type Upload = (file: File) => Promise<Uploaded>;

export function Modal(props: {
  open: OpenModal;
  botName: string;
  people: People;
  pending: Pending | null;
  upload: Upload;
  onSubmit: (values: Values) => void;
  onClose: () => void;
}): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const parts = modalParts(props.open.modal);
  const fields = parts.flatMap((part) => (part.kind === 'field' ? [part] : []));
  const [values, setValues] = useState<Values>(() =>
    Object.fromEntries(fields.map(({ input }) => [input.custom_id, firstValue(input)])),
  );
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current
      ?.querySelector<HTMLElement>('.modal-fields :is(input, textarea, button)')
      ?.focus();
  }, []);
  const busy = props.pending !== null && props.pending.failed === null;
  const problems = fields.map(({ input }) => valueProblem(input, values[input.custom_id] ?? ''));
  const submit = (event: Event): void => {
    event.preventDefault();
    setAsked(true);
    if (busy) return;
    const wrong = problems.findIndex((words) => words !== null);
    if (wrong < 0) return props.onSubmit(values);
    dialog.current
      ?.querySelectorAll<HTMLElement>('.modal-field')
      [wrong]?.querySelector<HTMLElement>('input, textarea, button')
      ?.focus();
  };
  return html`<dialog
    ref=${dialog}
    class="modal"
    aria-labelledby="modal-title"
    onClose=${props.onClose}
  >
    <form onSubmit=${submit} novalidate>
      <header class="modal-head">
        <${Aperture} size=${28} />
        <h2 id="modal-title">${props.open.modal.title}</h2>
        <button type="button" class="plain" aria-label="Close" onClick=${props.onClose}>
          ${icons.close()}
        </button>
      </header>
      <div class="modal-fields">
        ${parts.map((part) => {
          if (part.kind === 'text') return html`<${Markdown} text=${part.content} />`;
          const id = part.input.custom_id;
          return html`<${Field}
            key=${id}
            field=${part}
            value=${values[id] ?? ''}
            people=${props.people}
            upload=${props.upload}
            problem=${asked ? problems[fields.indexOf(part)] : null}
            onValue=${(value: ModalValue) => setValues((all) => ({ ...all, [id]: value }))}
          />`;
        })}
      </div>
      ${props.pending?.failed && html`<p class="failed-words" role="alert">${props.pending.failed}</p>`}
      <footer class="modal-foot">
        <button type="button" class="button secondary" onClick=${props.onClose}>Cancel</button>
        <button type="submit" class=${classes('button primary', busy && 'busy')} aria-busy=${busy}>
          <span class="button-face">Submit</span>
          ${busy && html`<span class="dots"><i></i><i></i><i></i></span>`}
        </button>
      </footer>
      <p class="modal-note">This form goes to ${props.botName}, which runs on this machine.</p>
    </form>
  </dialog>`;
}

type InputProps = {
  input: ModalInput;
  value: ModalValue;
  id: string;
  onValue: (value: ModalValue) => void;
};

function Field(props: {
  field: ModalField;
  value: ModalValue;
  people: People;
  upload: Upload;
  problem: string | null | undefined;
  onValue: (value: ModalValue) => void;
}): VNode {
  const { field, value, onValue } = props;
  const { input } = field;
  const id = useId();
  const required = (input.required ?? true) && input.type !== INPUT.checkbox;
  const own: InputProps = { input, value, id, onValue };
  return html`<div class=${classes('modal-field', props.problem && 'wrong')}>
    <label class="modal-label" for=${id}>
      ${field.label}${required && html` <span class="required" title="Required">*</span>`}
    </label>
    ${field.description && html`<p class="modal-description">${field.description}</p>`}
    ${control(own, props.people, props.upload, field.label)}
    ${props.problem && html`<p class="failed-words" role="alert">${props.problem}</p>`}
  </div>`;
}

function control(own: InputProps, people: People, upload: Upload, label: string): VNode {
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

function TextInput({ input, value, id, onValue }: InputProps): VNode {
  const text = String(value);
  const onInput = (event: InputEvent): void => onValue((event.target as HTMLInputElement).value);
  const most = input.max_length ?? 4000;
  const shared = { id, value: text, placeholder: input.placeholder ?? '', onInput };
  const left = most - text.length;
  return html`<div class="modal-text">
    ${
      input.style === PARAGRAPH
        ? html`<textarea rows="4" ...${shared}></textarea>`
        : html`<input type="text" ...${shared} autocomplete="off" />`
    }
    ${left < 200 && html`<span class=${classes('modal-left', left < 0 && 'over')}>${left}</span>`}
  </div>`;
}

function Choices({ input, value, id, onValue }: InputProps): VNode {
  const one = input.type === INPUT.radio;
  const chosen = typeof value === 'string' ? [value] : value;
  const toggle = (option: string): void => {
    if (one) onValue(option);
    else
      onValue(chosen.includes(option) ? chosen.filter((v) => v !== option) : [...chosen, option]);
  };
  return html`<div class="modal-choices" role=${one ? 'radiogroup' : 'group'}>
    ${(input.options ?? []).map(
      (option, index) =>
        html`<label class="modal-choice" key=${option.value}>
          <input
            id=${index === 0 ? id : undefined}
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

function FileUpload({ input, value, id, onValue, upload }: InputProps & { upload: Upload }): VNode {
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
    ${files.map(
      (file) =>
        html`<span class="modal-file" key=${file.id}>
          ${file.name} <small>${sizeWords(file.size)}</small>
          <button
            type="button"
            class="plain"
            aria-label=${`Remove ${file.name}`}
            onClick=${() => remove(file)}
          >
            ${icons.close()}
          </button>
        </span>`,
    )}
    ${
      value.length < most &&
      html`<label class="modal-browse">
        ${icons.upload()} Drop a file here or <u>browse</u>
        <input
          id=${id}
          type="file"
          class="unseen"
          multiple=${most > 1}
          onChange=${(event: Event) => void take((event.target as HTMLInputElement).files)}
        />
      </label>`
    }
    ${words && html`<p role="status">${words}</p>`}
  </div>`;
}
