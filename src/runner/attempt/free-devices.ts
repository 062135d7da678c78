import type { DeviceFacts } from '../../queue/line.ts';
import type { Device } from '../devices.ts';

/** A device whose engine gave a job up unasked is left alone for so long. */
export const BREATH_MS = 1000;

/** Which devices can take a job. */
export class FreeDevices {
  readonly #devices: readonly Device[];
  readonly #runs: { taken(): ReadonlySet<string> };
  /** devices that rest, until when; milliseconds of performance.now() */
  readonly #resting = new Map<string, number>();

  constructor(devices: readonly Device[], runs: { taken(): ReadonlySet<string> }) {
    this.#devices = devices;
    this.#runs = runs;
  }

  /** Those on which nothing runs; `some`: of these some cannot be used just now. */
  now(): { free: DeviceFacts[]; some: boolean } {
    for (const [name, until] of this.#resting) {
      if (until <= performance.now()) this.#resting.delete(name);
    }
    const taken = this.#runs.taken();
    const idle = this.#devices.filter((device) => !taken.has(device.name));
    const free = this.#rested(idle)
      .map((device) => device.facts())
      .filter((facts) => facts !== null);
    return { free, some: free.length < idle.length };
  }

  /** Those of devices that run what one more job could share. */
  joinable(): DeviceFacts[] {
    return this.#rested(this.#devices)
      .map((device) => device.joinable())
      .filter((facts) => facts !== null);
  }

  rest(name: string): void {
    this.#resting.set(name, performance.now() + BREATH_MS);
  }

  #rested(devices: readonly Device[]): readonly Device[] {
    return devices.filter((device) => !this.#resting.has(device.name));
  }
}
