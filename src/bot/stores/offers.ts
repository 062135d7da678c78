import { readSheetContext, sheetContext, type SheetOrder } from '../../explore/sheet/order.ts';
import type { JobId } from '../../queue/job.ts';
import type { OrderNote } from '../order/notes.ts';
import { readNotes } from '../reply/reply-address.ts';
import { type KeptIn, openRows } from './row-store.ts';
import { createMutex } from '../../engine/mutex.ts';

/** A report that was offered and waits for its yes. */
export type Offer = {
  order: Omit<SheetOrder, 'id' | 'address' | 'allowance'>;
  notes: readonly OrderNote[];
  /** the start picture's link, signed by Discord and good for about a day; null: it starts from noise */
  startUrl: string | null;
};

/** One row a person, with what they were offered last: it outlives a restart, as its button does. */
export type OfferStore = {
  /** Answers what its button carries. @throws Error when the row could not be stored */
  keep(userId: string, offer: Offer): Promise<JobId>;
  /** Once; null: it was taken already, or others were offered since, or it is somebody else's. */
  take(userId: string, id: JobId): Promise<Offer | null>;
  /** What was taken in vain. */
  putBack(userId: string, id: JobId, offer: Offer): Promise<void>;
  /** Nothing is known of this person any more. */
  forget(userId: string): Promise<void>;
  close(): Promise<void>;
};

const ROW_VERSION = 1;
/** Of one person. */
const KEPT = 5;

/** `file`: a path, created when absent, or ':memory:'; it may be shared with other stores. */
export function openOffers(options: KeptIn): OfferStore {
  const rows = openRows({ ...options, namespace: 'offers' });
  // Changes of a row wait for each other: two presses of one button are one order.
  const inTurn = createMutex();

  const of = async (userId: string): Promise<Record<string, unknown>[]> => {
    const { offers } = Object(await rows.get(userId));
    return Array.isArray(offers) ? offers.filter((one) => typeof one === 'object' && one) : [];
  };
  const store = (userId: string, offers: readonly object[]) =>
    rows.set(userId, { version: ROW_VERSION, offers: offers.slice(-KEPT) });
  const add = (userId: string, id: JobId, offer: Offer) =>
    inTurn(async () => {
      const others = (await of(userId)).filter((one) => one['id'] !== id);
      await store(userId, [...others, { id, ...written(offer) }]);
    });

  return {
    async keep(userId, offer) {
      const id = newId();
      await add(userId, id, offer);
      return id;
    },
    take: (userId, id) =>
      inTurn(async () => {
        const all = await of(userId);
        const found = all.find((one) => one['id'] === id);
        if (found === undefined) return null;
        await store(
          userId,
          all.filter((one) => one !== found),
        );
        return read(found);
      }),
    putBack: add,
    forget: (userId) => inTurn(() => rows.delete(userId)),
    async close() {
      await inTurn(async () => {});
      await rows.close();
    },
  };
}

function newId(): JobId {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join('');
}

/** As a sheet's jobs carry it, without what is known only once it is ordered. */
function written({ order, notes, startUrl }: Offer): object {
  const context = sheetContext({ ...order, id: '', address: {}, allowance: {} }, 0);
  return { context, notes, startUrl };
}

/** A row of any age or origin -> what it says, or null. */
function read({ context, notes, startUrl }: Record<string, unknown>): Offer | null {
  const found = readSheetContext(Object(context));
  if (found === null) return null;
  const { id: _id, address: _address, allowance: _allowance, ...order } = found.order;
  return {
    order,
    notes: readNotes(notes),
    startUrl: typeof startUrl === 'string' ? startUrl : null,
  };
}
