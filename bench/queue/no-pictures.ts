import type { PictureStore } from '../../src/queue/pictures.ts';

/** For orders without start pictures and jobs without pictures. */
export const NO_PICTURES: PictureStore = {
  put: async () => {},
  append: async () => {},
  get: async () => null,
  delete: async () => {},
  sizes: async () => new Map(),
  keys: async () => [],
  tryOut: async () => {},
};
