import path from 'node:path';
import { UserError } from '../engine/errors.ts';
import { openHttpPictures } from './pictures/pictures-http.ts';
import { openPictureStore, type PictureStore } from './pictures.ts';

const SCHEME = /^[a-z][a-z0-9+]+:\/\//i;

/** The folder that an address names, absolute; null: it names none, or another program or bucket. */
export function folderOfPictures(address: string | null): string | null {
  return address === null || SCHEME.test(address) ? null : path.resolve(address);
}

/**
 * The picture store that an address names: a folder, the store of another program (http://:secret@host:port), or a bucket
 * (s3://key:secret@host/bucket).
 * @throws UserError when it cannot be used
 */
export async function openPictures(address: string): Promise<PictureStore> {
  if (/^https?:\/\//i.test(address)) {
    const url = URL.canParse(address) ? new URL(address) : null;
    if (url === null || url.password === '') {
      throw new UserError(
        'PICTURES_URL must carry the secret of the store: http://:secret@host:port, as PICTURES_SECRET says where it is served.',
      );
    }
    return openHttpPictures(address);
  }
  if (/^s3(\+http)?:\/\//i.test(address)) {
    const { openS3Pictures } = await import('./pictures/pictures-s3.ts');
    return openS3Pictures(address);
  }
  if (SCHEME.test(address)) {
    throw new UserError(
      `PICTURES_URL is ${address.replace(/\/\/[^@/]*@/, '//…@')}; expected a folder, http://:secret@host:port or s3://KEY:SECRET@host/bucket.`,
    );
  }
  return openPictureStore(address, { shared: true });
}
