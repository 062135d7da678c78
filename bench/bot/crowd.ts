/**
 * The other side of the bot's bench, a process of its own: a local Discord and the people in it. Started by `fork`;
 * it tells the address, then does what it is asked (see `Asked`).
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { APIApplicationCommand } from 'discord-api-types/v10';
import { WebSocket } from 'ws';
import { startPlayground } from '../../playground/playground.ts';
import type { FromPage, FromServer } from '../../playground/protocol.ts';

export type Asked = { type: 'press'; presses: number; steps: number } | { type: 'report' };

/** milliseconds since 1970, or of waiting */
export type Told =
  | { type: 'ready'; apiBase: string; token: string }
  | { type: 'pressed'; acks: (number | null)[] }
  | {
      type: 'report';
      /** job id -> when its finished picture could be seen */
      shown: Record<string, number>;
      messages: number;
      rateLimited: number;
      refused: string[];
    };

const PEOPLE = 8;

let rateLimited = 0;
const refused: string[] = [];
const playground = await startPlayground({
  port: 0,
  dataFile: ':memory:',
  guests: PEOPLE,
  onExchange({ method, path, status }) {
    if (status === 429) rateLimited++;
    else if (status >= 400)
      refused.push(`${status} ${method} ${path.replace(/\/[\w-]{40,}/, '/…')}`);
  },
});
const RECIPE = /"custom_id":"\d+:recipe:(\w{12})/;

/** job id -> when its finished picture could be seen */
const shown: Record<string, number> = {};
const messages = new Set<string>();

/** As little of a person as a press needs: the clients of a crowd must not be what is measured. */
async function arrive(userId: string) {
  const socket = new WebSocket(new URL('/client', playground.url.replace('http', 'ws')));
  const asked = new Map<string, (answered: boolean) => void>();
  const ready = Promise.withResolvers<string>();
  const registered = Promise.withResolvers<APIApplicationCommand>();
  socket.on('message', (data) => {
    const text = String(data);
    if (text.startsWith('{"type":"message"')) return see(text);
    const told = JSON.parse(text) as FromServer;
    if (told.type === 'ready') ready.resolve(told.guilds[0]?.channels[0]?.id ?? '');
    if (told.type === 'commands') {
      const imagine = told.commands.find(({ name }) => name === 'imagine');
      if (imagine !== undefined) registered.resolve(imagine);
    }
    if (told.type === 'acknowledged') asked.get(told.nonce)?.(true);
    if (told.type === 'interaction-failed') asked.get(told.nonce)?.(false);
  });
  await once(socket, 'open');
  const send = (message: FromPage) => socket.send(JSON.stringify(message));
  send({ type: 'hello', userId });
  const channelId = await ready.promise;
  return async (prompt: string, steps: number): Promise<number | null> => {
    const { id: commandId } = await registered.promise;
    const began = performance.now();
    const nonce = randomUUID();
    const options = [
      { name: 'prompt', type: 3, value: prompt },
      { name: 'steps', type: 3, value: String(steps) },
    ];
    const answer = new Promise<boolean>((resolve) => asked.set(nonce, resolve));
    send({ type: 'command', nonce, channelId, commandId, options });
    return (await answer) ? performance.now() - began : null;
  };
}

function see(text: string): void {
  const id = /"message":\{"id":"(\d+)"/.exec(text)?.[1];
  if (id !== undefined) messages.add(id);
  const job = RECIPE.exec(text)?.[1];
  if (job !== undefined) shown[job] ??= Date.now();
}

const people = await Promise.all(
  Array.from({ length: PEOPLE }, (_, n) => arrive(String(1200000000000001001n + BigInt(n)))),
);

async function press(presses: number, steps: number): Promise<(number | null)[]> {
  return Promise.all(
    Array.from({ length: presses }, (_, n) =>
      people[n % PEOPLE]!(`a red boat on the sea number ${n}`, steps),
    ),
  );
}

const tell = (told: Told) => process.send?.(told);
process.on('message', (asked: Asked) => {
  if (asked.type === 'press') {
    void press(asked.presses, asked.steps).then((acks) => tell({ type: 'pressed', acks }));
    return;
  }
  tell({ type: 'report', shown, messages: messages.size, rateLimited, refused });
});
process.on('disconnect', () => process.exit(0));
tell({ type: 'ready', apiBase: playground.apiBase, token: playground.token });
