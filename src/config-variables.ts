import type { DeviceSpec } from './engine/devices.ts';
import { DEVICES, NUMBERED_DEVICES } from './engine/names.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads variables as what they shall be. What one holds that is not allowed is a mistake, which names the variable, what
 * it holds and what is allowed; it is read as if it were not set.
 */
export class Variables {
  readonly #env: Environment;
  readonly #mistakes: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Sentences, in the order of reading. */
  get mistakes(): readonly string[] {
    return this.#mistakes;
  }

  /** null: it is not set, or holds nothing but space. */
  text(name: string): string | null {
    return this.#env[name]?.trim() || null;
  }

  /** One of some words, in whatever case. */
  choice<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined) return fallback;
    const match = allowed.find((option) => option === value);
    if (match === undefined) {
      this.#mistakes.push(`${name} is ${quote(value)}; allowed: ${allowed.join(', ')}.`);
    }
    return match ?? fallback;
  }

  /** A whole number. */
  integer(name: string, min: number, max: number, fallback: number): number {
    const value = this.text(name);
    if (value === null) return fallback;
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    this.#mistakes.push(
      `${name} is ${quote(value)}; expected a whole number from ${min} to ${max} (default ${fallback}).`,
    );
    return fallback;
  }

  /** A number from 0 on, with a fraction or without. */
  amount(name: string, max: number): number {
    const value = this.text(name);
    if (value === null) return 0;
    const number = /^\d{1,7}(?:\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN;
    if (number <= max) return number;
    this.#mistakes.push(
      `${name} is ${quote(value)}; expected a number from 0 to ${max}, such as 50.`,
    );
    return 0;
  }

  /** An address of the web, without the slash at its end. */
  site(name: string, fallback: string): string {
    const value = this.text(name);
    if (value === null) return fallback;
    const url = URL.canParse(value) ? new URL(value) : null;
    if (url !== null && /^https?:$/.test(url.protocol) && url.search === '') {
      return value.replace(/\/+$/, '');
    }
    this.#mistakes.push(`${name} is ${quote(value)}; expected an address such as ${fallback}.`);
    return fallback;
  }

  /** A token of the hub. */
  hubToken(name: string): string | null {
    const value = this.text(name);
    // Of a token that is none nothing is shown: it may be another site's.
    if (value === null || value.startsWith('hf_')) return value;
    this.#mistakes.push(`${name} is no token of the hub: those begin with hf_.`);
    return null;
  }

  /** An address of Redis. */
  queueUrl(name: string): string | null {
    const value = this.text(name);
    if (value === null || (/^rediss?:\/\/./i.test(value) && URL.canParse(value))) return value;
    // It may carry a password: nothing of it is shown.
    this.#mistakes.push(
      `${name} is no address of a Redis; expected redis://host:port or rediss://…`,
    );
    return null;
  }

  /** An address of Postgres or Redis. */
  settingsUrl(name: string): string | null {
    const value = this.text(name);
    const isAddress = /^(?:rediss?|postgres(?:ql)?):\/\/./i.test(value ?? '');
    if (value === null || (isAddress && URL.canParse(value))) return value;
    // It may carry a password: nothing of it is shown.
    this.#mistakes.push(
      `${name} is no address of a Postgres or Redis; expected postgres://user:password@host/database or redis://…, with / and @ of a password as %2F and %40`,
    );
    return null;
  }

  /** `0-3/8` or `0,2,5/8` */
  shards(name: string): { ids: readonly number[]; count: number } | null {
    const value = this.text(name);
    if (value === null) return null;
    const [, list = '', total = ''] = /^([\d,\s-]+)\/\s*(\d{1,5})$/.exec(value) ?? [];
    const count = Number(total);
    const ids = list.split(',').flatMap((part) => {
      const [, first, last = first] = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part) ?? [];
      const [from, to] = [Number(first), Number(last)];
      if (first === undefined || to < from || to >= count) return [-1];
      return Array.from({ length: to - from + 1 }, (_, at) => from + at);
    });
    const own = [...new Set(ids)].toSorted((a, b) => a - b);
    if (count > 0 && own.length > 0 && !own.includes(-1)) return { ids: own, count };
    this.#mistakes.push(
      `${name} is ${quote(value)}; expected some of all shards, counted from 0: 0-3/8 or 0,2/4.`,
    );
    return null;
  }

  /** The key of a bucket may stand where other programs look for it, too. */
  picturesUrl(name: string): string | null {
    const value = this.text(name);
    const key = this.text('AWS_ACCESS_KEY_ID');
    const secret = this.text('AWS_SECRET_ACCESS_KEY');
    if (value === null || key === null || secret === null) return value;
    const [, scheme, rest] = /^(s3(?:\+http)?:\/\/)([^@]*)$/i.exec(value) ?? [];
    if (scheme === undefined || rest === undefined) return value;
    return `${scheme}${encodeURIComponent(key)}:${encodeURIComponent(secret)}@${rest}`;
  }

  /** Where this program lends its pictures to workers; null: nowhere. */
  served(): { host: string; port: number; secret: string } | null {
    const port = this.integer('PICTURES_PORT', 1, 65_535, 0);
    if (port === 0) return null;
    const secret = this.text('PICTURES_SECRET');
    if (secret !== null && secret.length >= 16) {
      return { host: this.text('PICTURES_HOST') ?? '0.0.0.0', port, secret };
    }
    this.#mistakes.push(
      'PICTURES_PORT lends the pictures to workers: set PICTURES_SECRET to at least 16 characters that nobody guesses.',
    );
    return null;
  }

  /** Where health and metrics are told; null: nowhere. */
  metrics(): { host: string; port: number } | null {
    const port = this.integer('METRICS_PORT', 0, 65_535, 0);
    return port === 0 ? null : { host: this.text('METRICS_HOST') ?? '127.0.0.1', port };
  }

  /** What paints; null: whatever is found. */
  devices(name: string): readonly DeviceSpec[] | null {
    const value = this.text(name);
    if (value === null) return null;
    if (value.toLowerCase() === 'none') return [];
    const devices = parseDevices(value);
    if (typeof devices !== 'string') return devices;
    this.#mistakes.push(`${name} is ${quote(value)}; ${devices}`);
    return null;
  }

  /** The API of a Discord on this machine. */
  apiBase(name: string): string | null {
    const value = this.text(name);
    if (value === null) return null;
    const url = URL.canParse(value) ? new URL(value) : null;
    const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url?.hostname ?? '');
    if (url === null || !loopback || !['http:', 'https:'].includes(url.protocol)) {
      this.#mistakes.push(
        `${name} is ${quote(value)}; expected the API of a Discord on this machine, e.g. ` +
          'http://127.0.0.1:8080/api. For Discord itself leave it unset.',
      );
      return null;
    }
    return value.replace(/\/+$/, '');
  }
}

/** `cuda:0,cuda:1,cpu` -> devices, CPUs numbered where there are several; a string: what is wrong with it. */
function parseDevices(list: string): readonly DeviceSpec[] | string {
  const words = list.split(',').map((word) => word.trim().toLowerCase());
  const specs: DeviceSpec[] = [];
  for (const word of words) {
    const [, kind = '', digits] = /^([a-z]+)(?::(\d{1,2}))?$/.exec(word) ?? [];
    const device = DEVICES.find((name) => name === kind);
    if (device === undefined || (digits !== undefined && !NUMBERED_DEVICES.includes(device))) {
      return (
        `expected names with commas between them, of ${DEVICES.join(', ')}, ` +
        `with a number behind ${NUMBERED_DEVICES.join(' and ')}: cuda:0,cuda:1.`
      );
    }
    const index = digits === undefined ? null : Number(digits);
    const isKnown = specs.some((one) => one.device === device && (one.index ?? 0) === (index ?? 0));
    if (isKnown && device !== 'cpu') return `${word} is the same GPU twice: name each once.`;
    specs.push({ name: word, device, index });
  }
  const cpus = specs.filter(({ device }) => device === 'cpu');
  if (cpus.length < 2) return specs;
  return specs.map((spec) =>
    spec.device === 'cpu' ? { ...spec, name: `cpu:${cpus.indexOf(spec)}` } : spec,
  );
}

function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
