/**
 * The other side of the bot's bench, a process of its own: a local Discord and the people in it. Started by `fork`;
 * it tells the address, then does what it is asked (see `Asked`).
 */
import { startPlayground } from '../src/playground/playground.ts';
import type { PlaygroundMessage } from '../src/playground/protocol.ts';
import { connectUser } from '../test/support/playground-user.ts';

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

const PEOPLE = 20;

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
const people = await Promise.all(
  Array.from({ length: PEOPLE }, (_, n) =>
    connectUser(playground, String(1200000000000001001n + BigInt(n))),
  ),
);

const shown: Record<string, number> = {};
const RECIPE = /"custom_id":"\d+:recipe:(\w{12})/;
/** Looked at as they arrive: the moment is the figure. */
function watch(): void {
  const seen = people[0]?.received ?? [];
  for (; looked < seen.length; looked++) {
    const one = seen[looked];
    if (one?.type !== 'message') continue;
    const id = jobOf(one.message);
    if (id !== null) shown[id] ??= Date.now();
  }
}
let looked = 0;
setInterval(watch, 5);

function jobOf(message: PlaygroundMessage): string | null {
  return RECIPE.exec(JSON.stringify(message.components ?? []))?.[1] ?? null;
}

async function press(presses: number, steps: number): Promise<(number | null)[]> {
  return Promise.all(
    Array.from({ length: presses }, async (_, n) => {
      const began = performance.now();
      const prompt = `a red boat on the sea number ${n}`;
      const outcome = await people[n % PEOPLE]?.command('imagine', { prompt, steps });
      return outcome?.type === 'acknowledged' ? performance.now() - began : null;
    }),
  );
}

const tell = (told: Told) => process.send?.(told);
process.on('message', (asked: Asked) => {
  if (asked.type === 'press') {
    void press(asked.presses, asked.steps).then((acks) => tell({ type: 'pressed', acks }));
    return;
  }
  watch();
  const messages = people[0]?.messages().length ?? 0;
  tell({ type: 'report', shown, messages, rateLimited, refused });
});
process.on('disconnect', () => process.exit(0));
tell({ type: 'ready', apiBase: playground.apiBase, token: playground.token });
