/**
 * What the network answered, kept so that a run that was cut short can go on. A sampler is a pure function of the
 * network's answers: x, the history of multistep methods, the place in the noise stream, step-size control and the
 * pass of a hires fix all follow from them. Run again over the kept answers it comes to where it was, bit for bit,
 * in the time of its own arithmetic. So every sampler can be resumed, and none needs to know of it.
 *
 * Each answer is kept under a digest of its whole question. A question that differs in one bit from the kept one
 * (another request, model, device, start picture or version of the arithmetic) is asked anew, as is all after it.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Answers the question (x, timestep) of one pass, from the journal or by `ask`. */
export type Answered = (
  x: Float32Array,
  timestep: number,
  ask: () => Promise<Float32Array>,
) => Promise<Float32Array>;

export type Journal = {
  /** One run of a sampler; `told` is all that decides its network's answers besides x and the timestep. */
  pass(told: readonly (string | Float32Array)[]): Answered;
  /** The latest answer came from an earlier run. */
  resuming(): boolean;
  /** Hands out what was not handed out yet. While kept answers are still being read there is nothing new. */
  flush(): void;
};

export type JournalOptions = {
  /** everything that an earlier run handed to `keep`, in that order; a torn end is left out */
  past: Uint8Array | null;
  /** hand out what gathered at most this often, milliseconds */
  everyMs: number;
  keep: (records: Uint8Array) => void;
};

/**
 * Opens the journal of one run. `past` holds an earlier run's answers, which are given again as long as the questions
 * are the same; new ones go to `keep` every `everyMs` milliseconds.
 */
export function openJournal({ past, everyMs, keep }: JournalOptions): Journal {
  let kept = past === null ? [] : readRecords(past);
  let waiting: Uint8Array[] = [];
  let count = 0;
  let resuming = false;
  let lastFlush = performance.now();

  function flush(): void {
    // The run before holds all that is being read; a part of it must not take its place.
    if (waiting.length === 0 || count < kept.length) return;
    keep(Buffer.concat(waiting));
    waiting = [];
    lastFlush = performance.now();
  }

  return {
    pass(told) {
      const context = digest(told);
      return async (x, timestep, ask) => {
        const key = digest([context, `${count} ${timestep}`, x]);
        const known = kept[count];
        let answer: Float32Array;
        resuming = known?.key === key;
        if (known !== undefined && resuming) {
          answer = known.answer;
        } else {
          kept = kept.slice(0, count);
          answer = await ask();
        }
        // Copied: what becomes of the answer is the sampler's affair.
        waiting.push(writeRecord(key, answer));
        count++;
        if (performance.now() - lastFlush >= everyMs) flush();
        return answer;
      };
    },
    resuming: () => resuming,
    flush,
  };
}

/** Nothing is kept, every question is asked. */
export const noJournal: Journal = {
  pass: () => (_x, _timestep, ask) => ask(),
  resuming: () => false,
  flush: () => {},
};

/**
 * A record, little endian: MAGIC, CRC-32 of all that follows, number n of floats, 32 hex digits of the question's
 * digest, n float32. The magic names the version of the format.
 */
const MAGIC = 0x314a5244;
const KEY_DIGITS = 32;
const HEADER = 12 + KEY_DIGITS;

function writeRecord(key: string, answer: Float32Array): Uint8Array {
  const record = Buffer.allocUnsafe(HEADER + answer.byteLength);
  record.writeUInt32LE(MAGIC, 0);
  record.writeUInt32LE(answer.length, 8);
  record.write(key, 12, 'latin1');
  record.set(bytesOf(answer), HEADER);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

/** The records up to the first that is not whole. */
function readRecords(bytes: Uint8Array): { key: string; answer: Float32Array }[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: { key: string; answer: Float32Array }[] = [];
  for (let at = 0; at + HEADER <= all.length;) {
    const size = 4 * all.readUInt32LE(at + 8);
    const end = at + HEADER + size;
    if (all.readUInt32LE(at) !== MAGIC || end > all.length) break;
    if (all.readUInt32LE(at + 4) !== crc32(all.subarray(at + 8, end))) break;
    const answer = new Float32Array(size / 4);
    bytesOf(answer).set(all.subarray(at + HEADER, end));
    records.push({ key: all.toString('latin1', at + 12, at + HEADER), answer });
    at = end;
  }
  return records;
}

function digest(parts: readonly (string | Float32Array)[]): string {
  const each = parts.map((part) =>
    typeof part === 'string' ? `${part.length}:${part}` : hash('sha256', bytesOf(part)),
  );
  return hash('sha256', each.join()).slice(0, KEY_DIGITS);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
