/** Pictures by key, e.g. `<jobId>-0.png`. Keys match /^[0-9a-z][0-9a-z.-]{0,80}$/; a half-written picture is never visible. */
export type PictureStore = {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** null when there is none */
  get(key: string): Promise<Uint8Array | null>;
  delete(key: string): Promise<void>;
};
