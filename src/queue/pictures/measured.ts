import type { PictureStore } from '../pictures.ts';

/** A store that knows how many bytes went into it since it was opened, so that nobody has to count its files for that. */
export type MeasuredPictures = PictureStore & { written(): number };

/** Counts the bytes that go into a store. A removal is not subtracted, and what fails is not counted. */
export function measured(store: PictureStore): MeasuredPictures {
  let bytes = 0;
  return {
    ...store,
    async put(key, content) {
      await store.put(key, content);
      bytes += content.byteLength;
    },
    async append(key, content) {
      await store.append(key, content);
      bytes += content.byteLength;
    },
    written: () => bytes,
  };
}
