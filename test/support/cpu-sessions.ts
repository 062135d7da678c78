/** The networks of a model one by one, for tests that need not open all of them. */
import { flavoursFor } from '../../src/engine/graphs/flavour.ts';
import {
  type NetworkSessions,
  networkSessions,
} from '../../src/engine/model/graphs/network-sessions.ts';
import type { ModelLayout } from '../../src/engine/model/layout.ts';

/** Opens nothing yet; the caller releases what it opens. */
export function cpuSessions(layout: ModelLayout): NetworkSessions {
  return networkSessions(layout, [], {
    provider: 'cpu',
    deviceIndex: null,
    flavour: flavoursFor('cpu')[0]!,
    clock: { ms: 0 },
    deadlineMs: 600_000,
  });
}
