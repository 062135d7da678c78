import { randomBytes } from 'node:crypto';
import type { JobId } from '../job.ts';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** 12 random characters: 62 bits. Bytes above the last multiple of 36 are drawn again, so that none is favoured. */
export function newJobId(): JobId {
  let id = '';
  while (id.length < 12) {
    for (const byte of randomBytes(16)) {
      if (byte < 252 && id.length < 12) id += ALPHABET[byte % 36];
    }
  }
  return id;
}
