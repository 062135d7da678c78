import type { JobId } from '../job.ts';
import type { Lease } from '../line.ts';

/**
 * Who runs what, and until when. In memory alone: a file has one owner, and with its program all runs end. Times are
 * those of a clock that is never set.
 */
export type Leases = {
  grant(lease: Lease): void;
  renew(lease: Lease): void;
  end(id: JobId): void;
  /** The device that runs this job; null: none does. */
  deviceOf(id: JobId): string | null;
  /** Those that ran out. */
  overdue(): Lease[];
};

/** Makes an empty list of leases, each for `leaseMs` milliseconds of the `steady` clock from its last renewal. */
export function createLeases({
  steady,
  leaseMs,
}: {
  steady: () => number;
  leaseMs: number;
}): Leases {
  const held = new Map<JobId, { lease: Lease; until: number }>();
  const hold = (lease: Lease) => void held.set(lease.id, { lease, until: steady() + leaseMs });
  return {
    grant: hold,
    renew: hold,
    end: (id) => void held.delete(id),
    deviceOf: (id) => held.get(id)?.lease.device ?? null,
    overdue() {
      const now = steady();
      return [...held.values()].filter(({ until }) => until < now).map(({ lease }) => lease);
    },
  };
}
