import type { Engine } from '../engine/engine.ts';
import type { Device } from '../runner/devices.ts';
import type { Line } from '../queue/line.ts';

/** The connection to Discord. */
export type Gateway = {
  connected: boolean;
  /** of the latest heartbeat; null before the first */
  latencySeconds: number | null;
  servers: number;
};

/** Parts of the program that are looked at, each from the moment it is there. */
export type Monitored = {
  engine?: Pick<Engine, 'answers' | 'models'>;
  /** of this program alone */
  devices?: readonly Device[];
  line?: Pick<Line, 'standing'>;
  /** absent: a worker, which has none */
  gateway?: () => Gateway;
};

/** One request to Discord and how it ended. */
export type DiscordCall = {
  method: string;
  /** the first part of its path: interactions, channels, webhooks, … */
  resource: string;
  /** HTTP status; null: no answer came */
  status: number | null;
  seconds: number;
  /** of a 429: user, global or shared; null for everything else */
  limit: string | null;
};
