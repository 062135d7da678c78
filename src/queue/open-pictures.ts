import { UserError } from '../engine/errors.ts';
import { openHttpPictures } from './pictures/pictures-http.ts';
import { openPictureStore, type PictureStore } from './pictures.ts';

/**
 * The picture store that an address names: a folder, or the store of another program (http://:secret@host:port).
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
  if (/^[a-z][a-z0-9+]+:\/\//i.test(address)) {
    throw new UserError(
      `PICTURES_URL is ${address.replace(/\/\/[^@/]*@/, '//…@')}; expected a folder or http://:secret@host:port.`,
    );
  }
  return openPictureStore(address, { shared: true });
}
