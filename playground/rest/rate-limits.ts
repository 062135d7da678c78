import { createHash } from 'node:crypto';

/** `limit` requests in each window of `seconds`, counted from the first request of the window. */
export type RateLimit = { limit: number; seconds: number };

type RateVerdict = {
  allowed: boolean;
  global: boolean;
  /** seconds until the next request is allowed; 0 when this one is */
  retryAfter: number;
  headers: Record<string, string>;
};

export type RateLimits = {
  /** Counts one request against its bucket and, when it carries the bot's token, the global limit. */
  take(bucket: string, major: string, limit: RateLimit, countsGlobally: boolean): RateVerdict;
};

/** Milliseconds since 1970 by a clock that is never set: a window ends when its seconds are over. */
const steady = (): number => performance.timeOrigin + performance.now();

type Window = { used: number; endsAt: number };

/** Buckets as Discord has them: one window per route and major parameter, plus 50 requests a second in all. */
export function startRateLimits(globalPerSecond = 50, now: () => number = steady): RateLimits {
  const windows = new Map<string, Window>();
  const open = (key: string, seconds: number): Window => {
    const at = now();
    let window = windows.get(key);
    if (!window || window.endsAt <= at) {
      window = { used: 0, endsAt: at + seconds * 1000 };
      if (windows.size > 5000) forgetEnded(windows, at);
      windows.set(key, window);
    }
    return window;
  };
  return {
    take(bucket, major, { limit, seconds }, countsGlobally) {
      if (countsGlobally) {
        const all = open('global', 1);
        all.used++;
        if (all.used > globalPerSecond) {
          const wait = (all.endsAt - now()) / 1000;
          return {
            allowed: false,
            global: true,
            retryAfter: wait,
            headers: {
              'retry-after': String(Math.ceil(wait)),
              'x-ratelimit-global': 'true',
              'x-ratelimit-scope': 'global',
            },
          };
        }
      }
      const window = open(`${bucket}\n${major}`, seconds);
      window.used++;
      const allowed = window.used <= limit;
      const resetAfter = Math.max(0, window.endsAt - now()) / 1000;
      return {
        allowed,
        global: false,
        retryAfter: allowed ? 0 : resetAfter,
        headers: {
          'x-ratelimit-bucket': createHash('sha256').update(bucket).digest('hex').slice(0, 32),
          'x-ratelimit-limit': String(limit),
          'x-ratelimit-remaining': String(Math.max(0, limit - window.used)),
          'x-ratelimit-reset': (window.endsAt / 1000).toFixed(3),
          'x-ratelimit-reset-after': resetAfter.toFixed(3),
          ...(allowed
            ? {}
            : { 'retry-after': String(Math.ceil(resetAfter)), 'x-ratelimit-scope': 'user' }),
        },
      };
    },
  };
}

function forgetEnded(windows: Map<string, Window>, at: number): void {
  for (const [key, window] of windows) if (window.endsAt <= at) windows.delete(key);
}
