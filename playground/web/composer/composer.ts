/** The line at the bottom: text, or a slash command as pills; the keyboard does everything. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Client } from '../client.ts';
import { OPTION, type SlashCommand } from './commands.ts';
import { answerKey, type Key } from './composer-keys.ts';
import { CommandLine, Popup, type SetState } from './composer-parts.ts';
import { TextLine } from './composer-pill.ts';
import {
  begin,
  choose,
  complain,
  emptyComposer,
  leave,
  listedCommands,
  moveTo,
  TEXT,
  typeText,
  uploaded,
} from './composer-state.ts';
import { problem, values, type Draft, type Field } from './draft.ts';
import { useDroppedFiles, useSlashKey } from './gestures.ts';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';
import type { People } from '../form/select-entries.ts';
import { AttachButton, AttachedView, usePost } from './post.ts';
import { useSuggestions } from './suggestions.ts';

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
  const [s, setState] = useState(emptyComposer);
  const set: SetState = setState;
  const [uploading, setUploading] = useState<string | null>(null);
  const post = usePost(client, channelId);
  const last = useRef<Draft | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const suggestions = useSuggestions(client, channelId, s.draft, s.draft ? s.caret : null, people);
  const lists = { commands: listedCommands(s, commands), suggestions };

  useEffect(() => {
    // "Not ready yet" is no longer true.
    if (props.botOnline) set((now) => ({ ...now, complaint: null }));
  }, [props.botOnline]);
  useLayoutEffect(() => {
    if (s.focus > 0) putCaret(box.current, s.caret);
  }, [s.focus]);
  useEffect(() => {
    // On a touch screen the focus would push the keyboard up over the channel.
    const by = matchMedia('(hover: hover)').matches ? 1 : 0;
    set((now) => ({ ...emptyComposer, focus: now.focus + by }));
  }, [channelId]);

  const submit = (): void => {
    if (!s.draft) return;
    const wrong = s.draft.fields.find((f) => problem(f) !== null);
    if (wrong) return set((now) => moveTo(complain(now, problem(wrong) ?? ''), wrong.option.name));
    if (uploading) return set((now) => complain(now, `${uploading} is still uploading.`));
    if (!props.botOnline) {
      const words = `${props.botName} is not ready yet. Your command stays here: press Enter again in a moment.`;
      return set((now) => complain(now, words));
    }
    const { commandId, name, path } = s.draft.command;
    if (!client.runCommand({ channelId, commandId, name, path, options: values(s.draft) })) return;
    last.current = s.draft;
    set((now) => leave(now));
  };
  const say = (): void => {
    const words = s.text.trim();
    if (post.attached) {
      const wrong = post.send(words);
      return set((now) => (wrong === null ? leave(now) : complain(now, wrong)));
    }
    if (words === '') return;
    if (words.startsWith('/')) {
      const typed = words.split(' ')[0] ?? '';
      const no = `There is no command “${typed}”. Type / alone to see them all.`;
      return set((now) => complain(now, no));
    }
    client.say(words);
    set((now) => leave(now));
    client.notice(
      `Only slash commands do something here. Type / to see what ${props.botName} can do.`,
    );
  };
  const attach = async (file: File): Promise<void> => {
    const option = s.draft && fileOption(s.draft, s.caret);
    if (!s.draft) return post.add(file);
    if (!option) {
      const { name } = s.draft.command;
      return set((now) => complain(now, `/${name} takes no file.`));
    }
    set((now) => choose(now, option));
    setUploading(file.name);
    try {
      const { id } = await client.upload(file);
      set((now) => uploaded(now, option.name, { label: file.name, value: id }));
    } catch (error) {
      set((now) => complain(now, (error as Error).message));
    } finally {
      setUploading(null);
    }
  };
  useDroppedFiles((file) => void attach(file));
  useSlashKey(() => set((now) => (now.draft ? moveTo(now, now.caret) : leave(now, '/'))));

  const onKeyDown = (event: KeyboardEvent): void => {
    // A button in a pill keeps Enter and the arrows for itself; Tab, Escape and Backspace work on it too.
    const onButton = event.target instanceof HTMLButtonElement;
    if (event.isComposing || (onButton && !/^(?:Tab|Escape|Backspace)$/.test(event.key))) return;
    const inside = !onButton || (event.target as HTMLElement).dataset['field'] !== undefined;
    const answer = inside ? answerKey(s, keyOf(event), lists) : null;
    if (answer === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (answer === 'submit') submit();
    else if (answer === 'say') say();
    else if (answer === 'hush') client.notice(null);
    else if (answer === 'recall') set((now) => (last.current ? begin(now, last.current) : now));
    else set(() => answer);
  };
  const onPaste = (event: ClipboardEvent): void => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    void attach(file);
  };
  return html`<div class="composer" onKeyDown=${onKeyDown} onPaste=${onPaste} ref=${box}>
    <${Popup} s=${s} set=${set} lists=${lists} botName=${props.botName} all=${commands} />
    <${AttachedView} post=${post} />
    <div class=${classes('composer-line', s.draft && 'filling')}>
      ${!s.draft && html`<${AttachButton} onFile=${(file: File) => void attach(file)} />`}
      ${
        s.draft
          ? html`<${CommandLine}
              s=${s}
              set=${set}
              draft=${s.draft}
              suggestions=${suggestions}
              uploading=${uploading}
              onFile=${attach}
            />`
          : html`<${TextLine}
              id=${TEXT}
              text=${s.text}
              channelName=${props.channelName}
              listed=${lists.commands === null ? null : s.at}
              onText=${(text: string) => set((now) => typeText(now, text, commands))}
            />`
      }
      ${
        s.draft &&
        html`<button
          type="button"
          class="plain"
          aria-label="Leave this command"
          title="Leave (Esc)"
          onClick=${() => set((now) => leave(now))}
        >
          ${icons.close()}
        </button>`
      }
      <button
        type="button"
        class="composer-send"
        aria-label=${s.draft ? `Send /${s.draft.command.name}` : 'Send'}
        title="Send (Enter)"
        disabled=${!s.draft && !post.attached && s.text.trim() === ''}
        onClick=${s.draft ? submit : say}
      >
        ${icons.send()}
      </button>
    </div>
  </div>`;
}

/** The option that a dropped file goes to: the one with the caret, else the first without a file. */
function fileOption(draft: Draft, caret: string): Field['option'] | null {
  const takes = draft.command.options.filter((o) => (o.type as number) === OPTION.attachment);
  const filled = (name: string): boolean =>
    draft.fields.some((f) => f.option.name === name && f.text !== '');
  return (
    takes.find((o) => o.name === caret) ?? takes.find((o) => !filled(o.name)) ?? takes[0] ?? null
  );
}

function keyOf(event: KeyboardEvent): Key {
  const input = event.target as Partial<HTMLTextAreaElement>;
  const value = input.value ?? '';
  return {
    key: event.key,
    shift: event.shiftKey,
    value,
    atStart: input.selectionStart === 0 && input.selectionEnd === 0,
    atEnd: input.selectionStart === value.length,
  };
}

function putCaret(box: HTMLElement | null, caret: string): void {
  const target = box?.querySelector<HTMLElement>(`[data-field="${CSS.escape(caret)}"]`);
  target?.focus();
  if (target instanceof HTMLTextAreaElement) {
    target.setSelectionRange(target.value.length, target.value.length);
  }
}
