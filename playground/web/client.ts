/** The page's one link to the server: holds the state, sends what the person does. */
import type { FromPage, Uploaded } from '../protocol.ts';
import { autocomplete, press, runCommand, submitModal, type CommandCall } from './interactions.ts';
import { change, createLink, offlineWords } from './link.ts';
import { settled } from './state.ts';

export type Client = ReturnType<typeof createClient>;

/**
 * Connects the page with the playground at a WebSocket address. `memory` keeps person, channel and language over a
 * reload.
 */
export function createClient(url: string, memory: Storage) {
  const link = createLink(url, memory);
  const { get, set, send } = link;
  return {
    get,
    subscribe: link.subscribe,
    openChannel: link.openChannel,
    become(userId: string): void {
      link.hello(userId);
    },
    locale: link.locale,
    setLocale: link.setLocale,
    runCommand: (call: CommandCall): boolean => runCommand(link, call),
    press: (
      channelId: string,
      messageId: string,
      customId: string,
      componentType: number,
      values?: readonly string[],
    ): boolean => press(link, { channelId, messageId, customId, componentType, values }),
    submitModal: (values: Parameters<typeof submitModal>[1]): boolean => submitModal(link, values),
    closeModal(): void {
      set({ ...get(), modal: null, pending: get().pending.filter((p) => p.kind !== 'modal') });
    },
    autocomplete: (call: Parameters<typeof autocomplete>[1], focused: string) =>
      autocomplete(link, call, focused),
    dismiss(messageId: string): void {
      send({ type: 'dismiss', messageId });
    },
    dismissPending(id: string): void {
      set(settled(get(), id));
    },
    say(content: string, files: readonly string[] = []): boolean {
      const { channelId } = get();
      return channelId !== null && send({ type: 'say', channelId, content, files });
    },
    setAge: (channelId: string, ageRestricted: boolean): boolean =>
      change(link, { type: 'age', channelId, ageRestricted }),
    setRoles: (guildId: string, userId: string, roleIds: readonly string[]): boolean =>
      change(link, { type: 'roles', guildId, userId, roleIds }),
    manage: (asked: FromPage): boolean => change(link, asked),
    notice(words: string | null): void {
      set({ ...get(), notice: words });
    },
    upload,
  };
}

/** Rejects with words for the person when the server does not take the file. */
async function upload(file: File): Promise<Uploaded> {
  const answer = await fetch(`/client/upload?name=${encodeURIComponent(file.name)}`, {
    method: 'POST',
    headers: { 'content-type': file.type || 'application/octet-stream' },
    body: file,
  }).catch(() => null);
  if (!answer) throw new Error(offlineWords);
  const body = (await answer.json().catch(() => null)) as (Uploaded & { error?: string }) | null;
  if (answer.ok && body) return body;
  throw new Error(body?.error ?? `The server did not take ${file.name} (${answer.status}).`);
}
