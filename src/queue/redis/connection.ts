import { Redis, type RedisOptions } from 'ioredis';
import { UserError } from '../../engine/errors.ts';
import { sayOfQueue } from '../sentences.ts';

export type Connection = {
  /** for calls */
  redis: Redis;
  /** hears what others publish */
  subscriber: Redis;
  close(): Promise<void>;
};

/** What a call waits for its answer before it counts as failed; a frozen server answers nothing. */
const ANSWER_MS = 5000;
const CONNECT_MS = 5000;
const LONGEST_PAUSE_MS = 2000;
/** How often each connection is asked whether it is still one. */
const HEARTBEAT_MS = 10_000;

const OPTIONS: RedisOptions = {
  lazyConnect: true,
  commandTimeout: ANSWER_MS,
  connectTimeout: CONNECT_MS,
  // One that was given up is not waited for.
  disconnectTimeout: 500,
  maxRetriesPerRequest: 1,
  // Its own second subscription would reject where nobody hears it.
  autoResubscribe: false,
  // Every script may be sent twice: the fence and the keys of orders see to it that it counts once.
  retryStrategy: (times) => Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(times, 6)),
};

/**
 * Connects to Redis or Valkey and looks whether jobs are safe there.
 * @throws UserError where it cannot be reached, refuses the password, or would throw jobs away when it is full
 */
export async function connect(
  url: string,
  onTrouble: (error: Error) => void,
  heartbeatMs = HEARTBEAT_MS,
): Promise<Connection> {
  const place = withoutPassword(url);
  let last: Error | null = null;
  let isOpen = false;
  const open = () => {
    const one = new Redis(url, OPTIONS);
    // Without a listener ioredis prints every failed try.
    one.on('error', (error: Error) => {
      last = error;
      // What fails at the start is not tried again, and told by what is thrown.
      if (isOpen) onTrouble(error);
    });
    return one;
  };
  const [redis, subscriber] = [open(), open()];
  try {
    await Promise.all([redis.connect(), subscriber.connect()]);
    await redis.ping();
    await checkPolicy(redis, place);
  } catch (error) {
    redis.disconnect();
    subscriber.disconnect();
    if (error instanceof UserError) throw error;
    throw new UserError(openingWords(last ?? error, place), { cause: error });
  }
  isOpen = true;
  // It may come back as another one.
  redis.on('ready', () => void checkPolicy(redis, place).catch(onTrouble));
  const stopBeating = keepAlive([redis, subscriber], heartbeatMs, onTrouble);
  return {
    redis,
    subscriber,
    async close() {
      stopBeating();
      subscriber.disconnect();
      await redis.quit().catch(() => redis.disconnect());
    },
  };
}

/**
 * Of a way that was cut without a word (a cable, a firewall that forgot) only who asks learns anything: one who listens
 * would wait for ever, and what was sent into it is repeated ever more rarely. What does not answer is opened anew.
 * Answers the way to stop.
 */
function keepAlive(
  connections: readonly Redis[],
  everyMs: number,
  onTrouble: (error: Error) => void,
): () => void {
  const timer = setInterval(() => {
    for (const one of connections) {
      if (one.status !== 'ready') continue;
      one.ping().catch((error: Error) => {
        if (error.message !== 'Command timed out') return;
        onTrouble(error);
        one.disconnect(true);
      });
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** With any policy but noeviction a full server removes keys by itself, waiting jobs among them. */
async function checkPolicy(redis: Redis, place: string): Promise<void> {
  const memory = await redis.info('memory');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction';
  const limit = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0);
  if (policy === 'noeviction' || limit === 0) return;
  throw new UserError(
    `The queue at ${place} may lose jobs: its maxmemory-policy is ${policy}, so that it throws keys away when it is ` +
      'full. Set `maxmemory-policy noeviction` there.',
  );
}

/** Whether what was acknowledged survives the server's end. */
export async function isDurable(redis: Redis): Promise<boolean> {
  return /^aof_enabled:1/m.test(await redis.info('persistence'));
}

function openingWords(error: unknown, place: string): string {
  const said = error instanceof Error ? error.message : String(error);
  if (/WRONGPASS|NOAUTH|invalid password/i.test(said)) {
    return (
      `The queue at ${place} refuses the password (${said}). Put the right one into QUEUE_URL: redis://:password@host, ` +
      'or redis://user:password@host.'
    );
  }
  if (said.startsWith('NOPERM')) {
    return (
      `The queue at ${place} does not let its user in QUEUE_URL do what is needed (${said}). Give that user the rights ` +
      'named in docs/scale.md, under Security.'
    );
  }
  return (
    `The queue at ${place} cannot be reached (${said}). Start Redis or Valkey there, or take QUEUE_URL away: then the ` +
    'queue is a file of this machine.'
  );
}

/** The sentence a person gets when an order cannot be recorded; other errors come back as they are. */
export function writingWords(error: unknown): unknown {
  if (error instanceof UserError) return error;
  const said = error instanceof Error ? error.message : '';
  if (said.startsWith('OOM '))
    return new UserError(sayOfQueue('order-lost-queue-full'), { cause: error });
  const isAway =
    /Connection is closed|cannot be reached|max retries|Command timed out|ECONN|MISCONF|READONLY|LOADING|Stream isn't/i;
  if (!isAway.test(said)) return error;
  return new UserError(sayOfQueue('order-lost-queue-away'), { cause: error });
}

/** ioredis speaks of its own options when a server is away. */
export function plainly(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'MaxRetriesPerRequestError') return error;
  return new Error('the queue cannot be reached', { cause: error });
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//…@');
}
