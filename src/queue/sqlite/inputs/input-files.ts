import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { openPictureStore, type PictureStore, sizesIn } from '../../pictures.ts';
import { createMutex } from '../../../engine/mutex.ts';

/** The folder of start pictures: written and removed one after the other, opened when the first one comes. */
export class InputFiles {
  readonly #folder: string;
  readonly #isNamed: (hash: string) => boolean;
  /** how many orders hold it whose row is not written yet */
  readonly #held = new Map<string, number>();
  readonly #inLine = createMutex();
  #store: Promise<PictureStore> | null = null;
  #closed = false;

  /** `isNamed`: by the row of a job */
  constructor(folder: string, isNamed: (hash: string) => boolean) {
    this.#folder = folder;
    this.#isNamed = isNamed;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Writes it unless it is there; it stays until it is let go of, named or not. */
  async hold(hash: string, bytes: Uint8Array): Promise<void> {
    this.#held.set(hash, (this.#held.get(hash) ?? 0) + 1);
    await this.#inLine(async () => {
      const files = await this.#opened();
      if ((await files.get(hash)) === null) await files.put(hash, bytes);
    });
  }

  letGo(hashes: readonly string[]): Promise<void> {
    for (const hash of hashes) this.#held.set(hash, this.#held.get(hash)! - 1);
    return this.drop(hashes);
  }

  /** Removes those that nobody names or holds. */
  async drop(hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return;
    await this.#inLine(async () => {
      for (const hash of new Set(hashes)) {
        if ((this.#held.get(hash) ?? 0) > 0) continue;
        this.#held.delete(hash);
        if (!this.#closed && !this.#isNamed(hash)) await (await this.#opened()).delete(hash);
      }
    });
  }

  /** Removes files that a crash left without a row. */
  async sweep(): Promise<void> {
    const files = await readdir(this.#folder).catch((): string[] => []);
    await this.drop(files.filter((name) => /^[0-9a-f]{64}$/.test(name)));
  }

  /** null where the file is gone. */
  async read(hash: string): Promise<Uint8Array | null> {
    try {
      const { buffer, byteOffset, byteLength } = await readFile(path.join(this.#folder, hash));
      return new Uint8Array(buffer, byteOffset, byteLength);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async bytes(): Promise<number> {
    let sum = 0;
    for (const size of (await sizesIn(this.#folder)).values()) sum += size;
    return sum;
  }

  /** From here on nothing asks whether a file is named. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when what was begun is over. */
  async settled(): Promise<void> {
    await this.#inLine(async () => {});
  }

  #opened(): Promise<PictureStore> {
    this.#store ??= openPictureStore(this.#folder);
    this.#store.catch(() => (this.#store = null));
    return this.#store;
  }
}
