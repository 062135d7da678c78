/** A modal: text inputs, labels, selects, file upload, radio and checkboxes. */
import type { VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useReturnFocus } from '../frame/focus.ts';
import { classes, html } from '../html.ts';
import { Aperture, icons } from '../frame/icons.ts';
import { control, type InputProps, type Upload } from './modal-inputs.ts';
import {
  firstValue,
  INPUT,
  modalParts,
  valueProblem,
  type ModalField,
  type ModalValue,
} from './modal-values.ts';
import type { People } from './select-entries.ts';
import type { OpenModal, Pending } from '../state.ts';
import { Markdown } from '../message/text.ts';

type Values = Readonly<Record<string, ModalValue>>;

/** Draws a modal of the bot. Its fields' problems are shown after the first try to send it. */
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
  useOpened(dialog);
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
      <${ModalHead} title=${props.open.modal.title} onClose=${props.onClose} />
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
      <${ModalFoot} busy=${busy} onClose=${props.onClose} />
      <p class="modal-note">This form goes to ${props.botName}, which runs on this machine.</p>
    </form>
  </dialog>`;
}

/** Opens a dialog with the focus in its first field, and gives it back at the end. */
function useOpened(dialog: { readonly current: HTMLDialogElement | null }): void {
  useReturnFocus();
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current
      ?.querySelector<HTMLElement>('.modal-fields :is(input, textarea, button)')
      ?.focus();
  }, []);
}

function ModalHead({ title, onClose }: { title: string; onClose: () => void }): VNode {
  return html`<header class="modal-head">
    <${Aperture} size=${28} />
    <h2 id="modal-title">${title}</h2>
    <button type="button" class="plain" aria-label="Close" onClick=${onClose}>
      ${icons.close()}
    </button>
  </header>`;
}

function ModalFoot({ busy, onClose }: { busy: boolean; onClose: () => void }): VNode {
  return html`<footer class="modal-foot">
    <button type="button" class="button secondary" onClick=${onClose}>Cancel</button>
    <button type="submit" class=${classes('button primary', busy && 'busy')} aria-busy=${busy}>
      <span class="button-face">Submit</span>
      ${busy && html`<span class="dots"><i></i><i></i><i></i></span>`}
    </button>
  </footer>`;
}

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
  const wrong = Boolean(props.problem);
  const about = [field.description && `${id}-about`, wrong && `${id}-wrong`].filter(Boolean);
  const own: InputProps = {
    input,
    value,
    id,
    onValue,
    required,
    wrong,
    describedBy: about.join(' ') || undefined,
  };
  // A group is named by its label as a whole; clicking that must not press its first choice.
  const group = input.type === INPUT.radio || input.type === INPUT.checkboxes;
  const star =
    required && html` <span class="required" title="Required" aria-hidden="true">*</span>`;
  return html`<div class=${classes('modal-field', wrong && 'wrong')}>
    ${
      group
        ? html`<span class="modal-label" id=${`${id}-label`}>${field.label}${star}</span>`
        : html`<label class="modal-label" for=${id}>${field.label}${star}</label>`
    }
    ${field.description && html`<p class="modal-description" id=${`${id}-about`}>${field.description}</p>`}
    ${control(own, props.people, props.upload, field.label)}
    ${wrong && html`<p class="failed-words" role="alert" id=${`${id}-wrong`}>${props.problem}</p>`}
  </div>`;
}
