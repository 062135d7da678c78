import type { Ownership } from '../state.ts';
import type { GatewayDrop } from './gateway.ts';

/**
 * What a matching request gets instead of its answer: an HTTP status (429 with a Retry-After of `retryAfter` seconds),
 * an API error of its own, a reset connection, no answer at all, or `lost-ack` (carried out, then the connection is
 * reset before the answer).
 */
type FaultAnswer =
  | 500
  | 502
  | 503
  | 429
  | 'reset'
  | 'timeout'
  | 'lost-ack'
  | { status: number; code: number; message: string };

export type Fault = {
  /** `route` is tried on the OpenAPI route and on the real path, both without /api/v10 */
  match: { method?: string; route?: RegExp };
  /** how many requests it hits; 1 unless told */
  times?: number;
  answer: FaultAnswer;
  /** seconds, for 429 */
  retryAfter?: number;
};

export type Faults = {
  add(fault: Fault): void;
  clear(): void;
  /** On every gateway connection: op 7, op 9 (the session is over, or may be resumed), a killed TCP connection, or one that stays open and silent. */
  dropGateway(how: GatewayDrop): void;
  /** Takes permission bits from the bot in a channel (0n gives them all back). */
  denyBot(channelId: string, bits: bigint): void;
  /** Closes a thread, or opens it; a locked one only moderators may open. */
  closeThread(channelId: string, how: { archived: boolean; locked: boolean }): void;
  /** A new media channel: a forum whose posts show pictures first; answers its id. */
  openMedia(guildId: string, name: string): string;
  /** A new post of a forum or media channel, started by anybody, also by somebody who has left; answers its id. */
  startPost(forumId: string, post: { name: string; ownerId: string }): string;
  /** Whose the application is from now on: one person (null: the first one there is), or a team. */
  ownApplication(ownership: Ownership): void;
  /** A new server of somebody, with these members and the bot in it; answers its id. */
  foundGuild(guild: { name: string; ownerId: string; members: readonly string[] }): string;
  /** The bot has to leave a server, or is invited into it. */
  botMember(guildId: string, member: boolean): void;
  /** The tokens of all interactions so far end now, as they do by themselves after a quarter of an hour. */
  endTokens(): void;
  /** Every link to a file is answered that many milliseconds later. */
  slowFiles(milliseconds: number): void;
};

export type FaultList = {
  add(fault: Fault): void;
  clear(): void;
  take(method: string, route: string, path: string): Fault | null;
};

/** Starts an empty list of faults; the first that matches a request is used up first. */
export function startFaults(): FaultList {
  let active: { fault: Fault; left: number }[] = [];
  return {
    add: (fault) => void active.push({ fault, left: fault.times ?? 1 }),
    clear: () => {
      active = [];
    },
    take(method, route, path) {
      const hit = active.find(({ fault: { match } }) => {
        if (match.method && match.method.toUpperCase() !== method) return false;
        return !match.route || match.route.test(route) || match.route.test(path);
      });
      if (!hit) return null;
      hit.left--;
      active = active.filter((one) => one.left > 0);
      return hit.fault;
    },
  };
}
