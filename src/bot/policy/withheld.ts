import type { JobEvents } from '../../queue/events.ts';
import { fromContext } from '../reply/reply-address.ts';
import { promptOf } from '../render/render-words.ts';
import { textFor } from '../text/text.ts';
import type { Audit } from './audit.ts';

/** The audit channel hears what the safety checker kept back; answers the way to stop. */
export function tellWithheld(events: Pick<JobEvents, 'subscribe'>, audit: Audit): () => void {
  return events.subscribe(({ job, state }) => {
    const kept = state.status === 'done' ? (state.result.withheld?.length ?? 0) : 0;
    if (kept === 0) return;
    // A sheet's jobs carry the address of their one message.
    const address = fromContext(job.context) ?? fromContext(Object(job.context['address']));
    if (address === null) return;
    const what = textFor(address.locale).auditWithheld(`<@${job.userId}>`, kept);
    audit.tell(address, { what, prompt: promptOf(job) });
  });
}
