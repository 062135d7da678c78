import { Counter, Histogram, type Registry } from 'prom-client';
import type { DiscordCall } from '../watched.ts';

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

export function createDiscordMetrics(registry: Registry): (call: DiscordCall) => void {
  const registers = [registry];
  const calls = new Histogram({
    name: 'darkroom_discord_request_seconds',
    help: 'Requests to Discord, by the first part of their path, method and status ("none": no answer came).',
    labelNames: ['resource', 'method', 'status'],
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
    calls.observe({ resource: known, method, status: status ?? 'none' }, seconds);
    if (status === 429) limits.inc({ scope: limit ?? 'unknown' });
  };
}
