import { rmSync, statSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** The notes of about a hundred jobs. */
const BYTES = 256 * 1024;
const RENEW_EVERY_MS = 60_000;

/**
 * Room kept for what has to be noted while the disk is full: that a picture was lost, that somebody was told. It is a
 * file beside the database, given up for it when a write finds no room.
 */
export type DiskReserve = {
  /** For the next write: the log goes into the database and is begun anew, both without having to grow. */
  giveUp(): void;
  /** Once there is room again. */
  renew(): void;
};

/** Of a database that is on no disk. */
export const NO_RESERVE: DiskReserve = { giveUp() {}, renew() {} };

/** Keeps 256 KiB in `file`, beside the database. It is tried once a minute where the disk has no room for it. */
export function keepReserve(file: string, db: DatabaseSync): DiskReserve {
  let isKept = isWhole(file);
  let notBefore = 0;

  function renew(): void {
    const now = performance.now();
    if (isKept || now < notBefore) return;
    notBefore = now + RENEW_EVERY_MS;
    try {
      writeFileSync(file, Buffer.alloc(BYTES, 1), { flush: true });
      isKept = true;
    } catch {
      drop();
    }
  }

  /** Where it cannot be removed, nothing can be written either. */
  function drop(): void {
    try {
      rmSync(file, { force: true });
    } catch {}
  }

  renew();
  return {
    giveUp() {
      drop();
      try {
        // In one go with that: somebody else may be writing too.
        db.exec('PRAGMA wal_checkpoint(PASSIVE)');
      } catch {
        // Not even that: what could not be noted is tried again.
      }
      isKept = false;
      notBefore = performance.now() + RENEW_EVERY_MS;
    },
    renew,
  };
}

function isWhole(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.size === BYTES;
}
