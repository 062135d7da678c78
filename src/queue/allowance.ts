import { UserError } from '../engine/errors.ts';

export type QueueLimits = {
  waitingPerUser: number;
  waitingPerGuild: number;
};

/** What a guild grants one order, beside the queue's own limits; absent: as much as the queue does. */
export type Allowance = {
  /** jobs of this person that may wait in this guild */
  waitingPerUser?: number;
  waitingPerGuild?: number;
  /** seconds of the machine this person may have in this guild within a UTC day */
  userSeconds?: number;
  guildSeconds?: number;
  /** the same for this person over all guilds together */
  waitingEverywhere?: number;
  secondsEverywhere?: number;
};

export type Usage = {
  waiting: number;
  /** charged since midnight UTC; finished pictures only, whatever failed or was stopped costs nothing */
  seconds: number;
  /** what the waiting and running jobs are expected to add */
  reserved: number;
};

export type LimitReached = {
  limit: 'waiting-user' | 'waiting-guild' | 'seconds-user' | 'seconds-guild' | 'seconds-everywhere';
  /** jobs or seconds */
  taken: number;
  allowed: number;
  /** seconds the refused job would have taken; only with seconds */
  cost?: number;
};

/** An order was refused because a limit is reached. `reached` is for whoever says it in another language. */
export class LimitError extends UserError {
  readonly reached: LimitReached;

  constructor(reached: LimitReached) {
    super(limitWords(reached));
    this.reached = reached;
  }
}

function limitWords({ limit, taken, allowed, cost = 0 }: LimitReached): string {
  const pictures = taken === 1 ? '1 picture' : `${taken} pictures`;
  const left = Math.max(0, Math.floor(allowed - taken));
  switch (limit) {
    case 'waiting-user':
      return (
        `You already have ${pictures} waiting, as many as one person may have here. ` +
        'Wait until one of them starts, or stop one that you no longer want.'
      );
    case 'waiting-guild':
      return (
        `This server already has ${pictures} waiting, as many as one server may have here. ` +
        'Try again when some of them are done.'
      );
    case 'seconds-user':
    case 'seconds-guild':
    case 'seconds-everywhere':
      return (
        `This needs about ${Math.ceil(cost)} s of the machine, and ${left} s are left today ` +
        `${{ 'seconds-user': 'for you', 'seconds-guild': 'for this server', 'seconds-everywhere': 'for you over all servers' }[limit]}. The day begins anew at midnight UTC.`
      );
  }
}
