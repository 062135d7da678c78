/** What the composer does with what stands in it: runs the command, says the words, takes a file. */
import { useRef, useState } from 'preact/hooks';
import type { Client } from '../client.ts';
import { OPTION } from './commands.ts';
import type { SetState } from './composer-parts.ts';
import {
  begin,
  choose,
  complain,
  type ComposerState,
  leave,
  moveTo,
  uploaded,
} from './composer-state.ts';
import { problem, values, type Draft, type Field } from './draft.ts';
import type { Post } from './post.ts';

type Where = { client: Client; channelId: string; botName: string; botOnline: boolean };
type What = { s: ComposerState; set: SetState; post: Post; uploading: string | null };

/** `recall` brings back the command that was sent last. */
export function useSending(
  { client, channelId, botName, botOnline }: Where,
  { s, set, post, uploading }: What,
): Record<'submit' | 'say' | 'recall', () => void> {
  const last = useRef<Draft | null>(null);
  const submit = (): void => {
    if (!s.draft) return;
    const wrong = s.draft.fields.find((f) => problem(f) !== null);
    if (wrong) return set((now) => moveTo(complain(now, problem(wrong) ?? ''), wrong.option.name));
    if (uploading) return set((now) => complain(now, `${uploading} is still uploading.`));
    if (!botOnline) {
      const words = `${botName} is not ready yet. Your command stays here: press Enter again in a moment.`;
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
    client.notice(`Only slash commands do something here. Type / to see what ${botName} can do.`);
  };
  const recall = (): void => set((now) => (last.current ? begin(now, last.current) : now));
  return { submit, say, recall };
}

/** Files that are dropped, pasted or chosen: for the option they fit, or to post. `uploading`: the name of one on its way. */
export function useAttach(client: Client, s: ComposerState, set: SetState, post: Post) {
  const [uploading, setUploading] = useState<string | null>(null);
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
  return { uploading, attach };
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
