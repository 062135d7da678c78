import { Counter, Histogram, type Registry } from 'prom-client';
import type { DiscordCall } from '../monitored.ts';

const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
/** The first parts of paths that the bot asks for; anything else is one. */
const RESOURCES = new Set([
  'applications',
  'channels',
  'gateway',
  'guilds',
  'interactions',
  'oauth2',
  'users',
  'webhooks',
]);

/** Adds the metrics of requests to Discord; the answer hears of each request. */
export function createDiscordMetrics(registry: Registry): (call: DiscordCall) => void {
  const registers = [registry];
  const calls = new Counter({
    name: 'darkroom_discord_requests_total',
    help: 'Requests to Discord, by the first part of their path, method and status ("none": no answer came).',
    labelNames: ['resource', 'method', 'status'],
    registers,
  });
  const took = new Histogram({
    name: 'darkroom_discord_request_seconds',
    help: 'Seconds of each request to Discord, by the first part of its path.',
    labelNames: ['resource'],
    buckets: BUCKETS,
    registers,
  });
  const limits = new Counter({
    name: 'darkroom_discord_rate_limited_total',
    help: 'Answers of Discord that say "later" (429), by scope (user, global, shared).',
    labelNames: ['scope'],
    registers,
  });
  return ({ method, resource, status, seconds, limit }) => {
    const known = RESOURCES.has(resource) ? resource : 'other';
    calls.inc({ resource: known, method, status: status ?? 'none' });
    took.observe({ resource: known }, seconds);
    if (status === 429) limits.inc({ scope: limit ?? 'unknown' });
  };
}
