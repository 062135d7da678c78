/** The line at the bottom: text, or a slash command as pills; the keyboard does everything. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { APIApplicationCommandBasicOption } from 'discord-api-types/v10';
import type { Client } from './client.ts';
import { filterCommands, OPTION, type SlashCommand } from './commands.ts';
import { CommandList, FieldHelp, OptionList, SuggestionList } from './composer-list.ts';
import { EndField, Pill } from './composer-pill.ts';
import {
  addField,
  needsPick,
  matchChoice,
  parseLine,
  problem,
  remaining,
  removeField,
  startDraft,
  typedOptionName,
  values,
  withField,
  type Draft,
  type Picked,
} from './draft.ts';
import { classes, html } from './html.ts';
import { icons } from './icons.ts';
import type { People } from './select.ts';
import { useSuggestions } from './suggestions.ts';

/** Where the caret is: the text line, a field by its option's name, or the end. No option's name has a colon. */
const TEXT = ':text';
const END = ':end';

export type ComposerProps = {
  client: Client;
  channelId: string;
  channelName: string;
  botName: string;
  botOnline: boolean;
  commands: readonly SlashCommand[];
  people: People;
};

export function Composer(props: ComposerProps): VNode {
  const { client, channelId, commands, people } = props;
  const [text, setText] = useState('');
  const [draft, setDraft] = useState<Draft | null>(null);
  const [caret, setCaret] = useState(TEXT);
  const [endText, setEndText] = useState('');
  const [at, setAt] = useState(0);
  const [complaint, setComplaint] = useState<string | null>(null);
  const [uploading, setUploading] = useState<string | null>(null);
  const [open, setOpen] = useState(true);
  const last = useRef<Draft | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const wantsFocus = useRef(false);

  const listed = useMemo(
    () =>
      draft === null && open && text.startsWith('/') && !text.includes('\n')
        ? filterCommands(commands, text.slice(1))
        : null,
    [commands, text, draft === null, open],
  );
  const suggestions = useSuggestions(client, channelId, draft, draft ? caret : null, people);
  const field = draft?.fields.find((f) => f.option.name === caret) ?? null;
  const left = draft ? remaining(draft) : [];
  const typed = endText.trim().toLowerCase();
  const endOptions = left.filter((o) => o.name.includes(typed));

  const move = (to: string): void => {
    wantsFocus.current = true;
    setCaret(to);
    setAt(to === END ? -1 : 0);
    if (to !== END) setEndText('');
  };
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    const target = box.current?.querySelector<HTMLTextAreaElement>(
      `[data-field="${CSS.escape(caret)}"]`,
    );
    target?.focus();
    if (target && 'setSelectionRange' in target)
      target.setSelectionRange(target.value.length, target.value.length);
  });
  useEffect(() => {
    setDraft(null);
    setText('');
    setCaret(TEXT);
    setComplaint(null);
  }, [channelId]);

  const begin = (next: Draft): void => {
    const empty = next.fields.find((f) => f.text === '');
    setDraft(next);
    setText('');
    setComplaint(null);
    move(empty?.option.name ?? END);
  };
  const leave = (back = ''): void => {
    setDraft(null);
    setText(back);
    setOpen(true);
    setComplaint(null);
    move(TEXT);
  };
  const names = draft?.fields.map((f) => f.option.name) ?? [];
  const step = (by: 1 | -1): void => {
    const here = caret === END ? names.length : names.indexOf(caret);
    const next = here + by;
    if (next >= 0) move(names[next] ?? END);
  };
  const advance = (from: Draft): void => {
    const empty = from.fields.find((f) => f.text === '' && f.option.name !== caret);
    move(empty?.option.name ?? END);
  };
  const pick = (entry: Picked | undefined): void => {
    if (!draft || !field || !entry) return;
    const next = withField(draft, field.option.name, entry.label, entry);
    setDraft(next);
    setComplaint(null);
    advance(next);
  };
  const choose = (option: APIApplicationCommandBasicOption | undefined): void => {
    if (!draft || !option) return;
    setDraft(addField(draft, option));
    setEndText('');
    move(option.name);
  };
  const remove = (name: string): void => {
    if (!draft) return;
    const index = names.indexOf(name);
    setDraft(removeField(draft, name));
    setComplaint(null);
    move(names[index - 1] ?? names[index + 1] ?? END);
  };

  const submit = (): void => {
    if (!draft) return;
    const wrong = draft.fields.find((f) => problem(f) !== null);
    if (wrong) {
      setComplaint(problem(wrong));
      return move(wrong.option.name);
    }
    if (uploading) return setComplaint(`${uploading} is still uploading.`);
    if (!props.botOnline) {
      return setComplaint(
        `${props.botName} is not ready yet. Your command stays here: press Enter again in a moment.`,
      );
    }
    const { commandId, name, path } = draft.command;
    if (!client.runCommand({ channelId, commandId, name, path, options: values(draft) })) return;
    last.current = draft;
    leave();
  };
  const say = (): void => {
    const words = text.trim();
    if (words === '') return;
    if (words.startsWith('/')) {
      return setComplaint(
        `There is no command “${words.split(' ')[0]}”. Type / alone to see them all.`,
      );
    }
    client.say(words);
    setText('');
    client.notice(
      `Only slash commands do something here. Type / to see what ${props.botName} can do.`,
    );
  };

  const attach = async (file: File): Promise<void> => {
    if (!draft) {
      return client.notice(
        'Files go with a command: type / and choose one that takes a file, then drop it again.',
      );
    }
    const takes = draft.command.options.filter((o) => (o.type as number) === OPTION.attachment);
    const option =
      takes.find((o) => o.name === caret) ??
      takes.find((o) => !draft.fields.some((f) => f.option.name === o.name && f.text !== '')) ??
      takes[0];
    if (!option) return setComplaint(`/${draft.command.name} takes no file.`);
    const { name } = option;
    setDraft((d) => d && addField(d, option));
    setUploading(file.name);
    setComplaint(null);
    try {
      const { id } = await client.upload(file);
      setDraft((d) => d && withField(d, name, file.name, { label: file.name, value: id }));
      setCaret((now) => (now === name ? END : now));
      wantsFocus.current = true;
    } catch (error) {
      setComplaint((error as Error).message);
    } finally {
      setUploading(null);
    }
  };
  useDroppedFiles(attach);
  useSlashKey(() => (draft ? move(caret) : leave('/')));

  const onText = (next: string): void => {
    setOpen(true);
    setAt(0);
    setComplaint(null);
    const parsed = parseLine(next, commands);
    if (parsed) begin(parsed);
    else setText(next);
  };
  const onField = (name: string, next: string): void => {
    if (!draft) return;
    setComplaint(null);
    setAt(0);
    const named = typedOptionName(draft, next);
    if (named && named.name !== name) {
      const option = draft.command.options.find((o) => o.name === named.name)!;
      setDraft(
        addField(
          withField(
            draft,
            name,
            named.before,
            matchChoice(draft.fields.find((f) => f.option.name === name)!.option, named.before),
          ),
          option,
        ),
      );
      return move(named.name);
    }
    // `/imagine prompt:` typed into the prompt's own field: the name is already there.
    const clean = named ? '' : next;
    setDraft(withField(draft, name, clean, null));
  };
  const onEnd = (next: string): void => {
    setComplaint(null);
    const exact = left.find((o) => next.trim() === `${o.name}:` || next === `${o.name} `);
    if (exact) return choose(exact);
    setEndText(next);
    setAt(next.trim() === '' ? -1 : 0);
  };
  const onBlurField = (name: string): void => {
    const one = draft?.fields.find((f) => f.option.name === name);
    if (!draft || !one || one.picked || !needsPick(one.option)) return;
    const match = matchChoice(one.option, one.text);
    if (match) setDraft(withField(draft, name, match.label, match));
  };

  const rows =
    listed?.length ?? (caret === END && draft ? endOptions.length : suggestions.entries.length);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (handled(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  /** True when the key was for the composer; everything else keeps what the browser does with it. */
  const handled = (event: KeyboardEvent): boolean => {
    const { key } = event;
    const input = event.target as HTMLTextAreaElement;
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      if (key === 'ArrowUp' && !draft && text === '' && last.current) {
        setDraft(last.current);
        move(last.current.fields[0]?.option.name ?? END);
        return true;
      }
      if (rows === 0) return false;
      setAt((now) => (now + (key === 'ArrowDown' ? 1 : now < 0 ? 0 : -1) + rows) % rows);
      return true;
    }
    if (key === 'Escape') {
      if (draft) leave();
      else if (listed) setOpen(false);
      else client.notice(null);
      return true;
    }
    if (!draft) {
      if (listed && listed.length > 0 && (key === 'Tab' || key === 'Enter') && !event.shiftKey) {
        begin(startDraft(listed[at] ?? listed[0]!));
        return true;
      }
      if (key === 'Enter' && !event.shiftKey) say();
      return key === 'Enter' && !event.shiftKey;
    }
    if (event.target instanceof HTMLButtonElement) return false;
    const atStart = input.selectionStart === 0 && input.selectionEnd === 0;
    if (key === 'Enter') {
      const chosen = suggestions.state === 'ready' ? suggestions.entries[at] : undefined;
      if (caret === END && at >= 0 && endOptions[at]) choose(endOptions[at]);
      else if (caret === END && typed !== '')
        setComplaint(`/${draft.command.name} has no option “${typed}”.`);
      else if (chosen && caret !== END) pick(chosen);
      else submit();
      return true;
    }
    if (key === 'Tab') {
      if (event.shiftKey) {
        if (caret === names[0] || (caret === END && names.length === 0)) return false;
        step(-1);
        return true;
      }
      if (caret === END) {
        if (at < 0 || !endOptions[at]) return false;
        choose(endOptions[at]);
      } else if (
        field &&
        field.text !== '' &&
        suggestions.state === 'ready' &&
        suggestions.entries[at]
      ) {
        pick(suggestions.entries[at]);
      } else step(1);
      return true;
    }
    if (key === 'Backspace' && atStart && input.value === '') {
      if (caret !== END && field && !field.option.required) remove(caret);
      else if (caret === END && names.length > 0) step(-1);
      else if (names.indexOf(caret) > 0) step(-1);
      else if (draft.fields.every((f) => f.text === '')) leave(`/${draft.command.name}`);
      return true;
    }
    if (key === 'ArrowLeft' && atStart && caret !== names[0]) {
      step(-1);
      return true;
    }
    if (key === 'ArrowRight' && caret !== END && input.selectionStart === input.value.length) {
      step(1);
      return true;
    }
    return false;
  };
  const onPaste = (event: ClipboardEvent): void => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    void attach(file);
  };

  const help =
    draft &&
    html`<${FieldHelp}
      draft=${draft}
      caret=${caret === END ? null : caret}
      complaint=${complaint}
      uploading=${uploading}
    />`;
  return html`<div class="composer" onKeyDown=${onKeyDown} onPaste=${onPaste} ref=${box}>
    ${
      listed &&
      listed.length > 0 &&
      html`<${CommandList}
        commands=${listed}
        at=${at}
        botName=${props.botName}
        onAt=${setAt}
        onPick=${(c: SlashCommand) => begin(startDraft(c))}
      />`
    }
    ${
      listed?.length === 0 &&
      html`<div class="popup">
        <p class="popup-none">
          ${commands.length === 0 ? `${props.botName} has no commands here yet. They appear when it is ready.` : `No command matches “${text}”.`}
        </p>
      </div>`
    }
    ${
      draft &&
      html`<div class="popup">
        ${help}
        ${
          caret === END
            ? html`<${OptionList} options=${endOptions} at=${at} onAt=${setAt} onPick=${choose} />`
            : html`<${SuggestionList}
                suggestions=${suggestions}
                at=${at}
                onAt=${setAt}
                onPick=${pick}
              />`
        }
      </div>`
    }
    ${!draft && complaint && html`<p class="composer-complaint" role="alert">${complaint}</p>`}
    <div class=${classes('composer-line', draft && 'filling')}>
      ${
        draft
          ? html`<span class="composer-command">/${draft.command.name}</span>
              ${draft.fields.map(
                (one) =>
                  html`<${Pill}
                    key=${one.option.name}
                    field=${one}
                    active=${caret === one.option.name}
                    wrong=${complaint !== null && problem(one) !== null}
                    listed=${caret === one.option.name && suggestions.entries.length > 0 ? at : null}
                    uploading=${(one.option.type as number) === OPTION.attachment ? uploading : null}
                    onFocus=${() => caret !== one.option.name && (setCaret(one.option.name), setAt(0))}
                    onBlur=${() => onBlurField(one.option.name)}
                    onText=${(next: string) => onField(one.option.name, next)}
                    onRemove=${one.option.required ? null : () => remove(one.option.name)}
                    onFile=${attach}
                  />`,
              )}
              <${EndField}
                id=${END}
                text=${endText}
                more=${left.length}
                active=${caret === END}
                onFocus=${() => caret !== END && (setCaret(END), setAt(-1))}
                onText=${onEnd}
              />`
          : html`<span class="grow" data-value=${text}>
              <textarea
                rows="1"
                data-field=${TEXT}
                role="combobox"
                aria-label=${`Message #${props.channelName}. Type / for commands`}
                aria-expanded=${listed !== null}
                aria-controls="composer-list"
                aria-activedescendant=${listed?.length ? `composer-entry-${at}` : undefined}
                placeholder=${`Message #${props.channelName} · type / for commands`}
                value=${text}
                onInput=${(event: InputEvent) => onText((event.target as HTMLTextAreaElement).value)}
              ></textarea>
            </span>`
      }
      ${
        draft &&
        html`<button
          type="button"
          class="plain"
          aria-label="Leave this command"
          title="Leave (Esc)"
          onClick=${() => leave()}
        >
          ${icons.close()}
        </button>`
      }
      <button
        type="button"
        class="composer-send"
        aria-label=${draft ? `Send /${draft.command.name}` : 'Send'}
        title="Send (Enter)"
        disabled=${!draft && text.trim() === ''}
        onClick=${() => (draft ? submit() : say())}
      >
        ${icons.send()}
      </button>
    </div>
  </div>`;
}

/** Files dropped anywhere on the page (a modal's own field takes its files itself). */
function useDroppedFiles(take: (file: File) => void): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      document.body.classList.add('dropping');
    };
    const out = (event: DragEvent): void => {
      if (event.relatedTarget === null) document.body.classList.remove('dropping');
    };
    const drop = (event: DragEvent): void => {
      document.body.classList.remove('dropping');
      const file = event.dataTransfer?.files[0];
      if (!file || event.defaultPrevented) return;
      event.preventDefault();
      latest.current(file);
    };
    addEventListener('dragover', over);
    addEventListener('dragleave', out);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', out);
      removeEventListener('drop', drop);
    };
  }, []);
}

/** "/" typed while nothing that takes text has the focus opens the command list. */
function useSlashKey(open: () => void): void {
  const latest = useRef(open);
  latest.current = open;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if ((event.target as Element).closest?.('input, textarea, dialog')) return;
      event.preventDefault();
      latest.current();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
