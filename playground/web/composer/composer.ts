/** The line at the bottom: text, or a slash command as pills; the keyboard does everything. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Client } from '../client.ts';
import type { SlashCommand } from './commands.ts';
import { answerKey, type Key, type Lists } from './composer-keys.ts';
import { CommandLine, Popup, type SetState } from './composer-parts.ts';
import { TextLine } from './composer-pill.ts';
import {
  type ComposerState,
  emptyComposer,
  leave,
  listedCommands,
  moveTo,
  TEXT,
  typeText,
} from './composer-state.ts';
import { useDroppedFiles, useSlashKey } from './gestures.ts';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';
import type { People } from '../form/select-entries.ts';
import { AttachButton, AttachedView, type Post, usePost } from './post.ts';
import { useAttach, useSending } from './sending.ts';
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

/** Draws the line to write in and keeps its state, files and the list above it together. */
export function Composer(props: ComposerProps): VNode {
  const { client, channelId, commands, people } = props;
  const [s, setState] = useState(emptyComposer);
  const set: SetState = setState;
  const post = usePost(client, channelId);
  const box = useRef<HTMLDivElement>(null);
  const suggestions = useSuggestions(client, channelId, s.draft, s.draft ? s.caret : null, people);
  const lists = { commands: listedCommands(s, commands), suggestions };
  const { uploading, attach } = useAttach(client, s, set, post);
  const sending = useSending(props, { s, set, post, uploading });
  useFocus(props, s, set, box);
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
    if (answer === 'hush') client.notice(null);
    else if (typeof answer === 'string') sending[answer]();
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
    <${Line}
      ...${{ s, set, lists, post, uploading, attach, commands }}
      channelName=${props.channelName}
      onSend=${s.draft ? sending.submit : sending.say}
    />
  </div>`;
}

type LineProps = {
  s: ComposerState;
  set: SetState;
  lists: Lists;
  post: Post;
  uploading: string | null;
  attach: (file: File) => Promise<void>;
  commands: readonly SlashCommand[];
  channelName: string;
  onSend: () => void;
};

/** What is typed into, between its buttons. */
function Line({ s, set, lists, post, uploading, attach, ...props }: LineProps): VNode {
  const { draft } = s;
  return html`<div class=${classes('composer-line', draft && 'filling')}>
    ${!draft && html`<${AttachButton} onFile=${(file: File) => void attach(file)} />`}
    ${
      draft
        ? html`<${CommandLine}
            s=${s}
            set=${set}
            draft=${draft}
            suggestions=${lists.suggestions}
            uploading=${uploading}
            onFile=${attach}
          />`
        : html`<${TextLine}
            id=${TEXT}
            text=${s.text}
            channelName=${props.channelName}
            listed=${lists.commands === null ? null : s.at}
            onText=${(text: string) => set((now) => typeText(now, text, props.commands))}
          />`
    }
    ${
      draft &&
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
      aria-label=${draft ? `Send /${draft.command.name}` : 'Send'}
      title="Send (Enter)"
      disabled=${!draft && !post.attached && s.text.trim() === ''}
      onClick=${props.onSend}
    >
      ${icons.send()}
    </button>
  </div>`;
}

/** Brings the keyboard to where the state says, and clears what another channel left. */
function useFocus(
  { botOnline, channelId }: Pick<ComposerProps, 'botOnline' | 'channelId'>,
  { focus, caret }: Pick<ComposerState, 'focus' | 'caret'>,
  set: SetState,
  box: { readonly current: HTMLElement | null },
): void {
  useEffect(() => {
    // "Not ready yet" is no longer true.
    if (botOnline) set((now) => ({ ...now, complaint: null }));
  }, [botOnline]);
  useLayoutEffect(() => {
    if (focus > 0) putCaret(box.current, caret);
  }, [focus]);
  // Before anybody can type there: an effect after painting took away what was typed in between.
  useLayoutEffect(() => {
    // On a touch screen the focus would push the keyboard up over the channel.
    const by = matchMedia('(hover: hover)').matches ? 1 : 0;
    set((now) => ({ ...emptyComposer, focus: now.focus + by }));
  }, [channelId]);
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
