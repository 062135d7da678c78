import { existsSync } from 'node:fs';
import path from 'node:path';
import { UserError } from './engine/errors.ts';
import type { DeviceSpec } from './engine/devices.ts';
import { DEVICES, type DeviceName } from './engine/names.ts';
import { type Environment, Variables } from './config-variables.ts';

/** Everything the environment decides. Read once, frozen, handed down as arguments. */
export type Config = {
  /** null: no token, so the playground starts */
  discordToken: string | null;
  /** a local Discord's API, e.g. http://127.0.0.1:8080/api; null: Discord itself */
  discordApiBase: string | null;
  dataDir: string;
  modelsDir: string;
  /** what the owner decides over all servers; there need not be such a file */
  ownerFile: string;
  /** the first of `devices`, or what stands for all that are found */
  device: DeviceName;
  deviceIndex: number | null;
  /** what paints, each one picture at a time; null: all GPUs that are found, or else `device` */
  devices: readonly DeviceSpec[] | null;
  /** GPUs that CUDA_VISIBLE_DEVICES leaves; null: all */
  visibleGpus: number | null;
  isolation: 'thread' | 'process';
  /** pictures of several people are painted together where the device was measured to gain by it */
  sharing: boolean;
  /** redis://… or rediss://…: the queue that workers share; null: a file in the data folder */
  queueUrl: string | null;
  /** where settings, presets and preferences lie; null: with the queue */
  settingsUrl: string | null;
  /** a folder or http://:secret@host:port; null: a folder in the data folder */
  picturesUrl: string | null;
  /** the shards of Discord's gateway that this process has, where several share them; null: all */
  shards: { ids: readonly number[]; count: number } | null;
  /** where this program lends its pictures to workers; null: nowhere */
  picturesServed: { host: string; port: number; secret: string } | null;
  /** where health and metrics are told; null: nowhere */
  metrics: { host: string; port: number } | null;
  /** systemd's, where it started this program and wants to hear of it; null: nobody does */
  serviceManager: { socket: string; watchdogMs: number | null } | null;
  playgroundPort: number;
  logLevel: LogLevel;
  /** auto: for the eye on a terminal, JSON otherwise */
  logFormat: LogFormat;
  /** people in the log: by their accounts' ids, or by names that only this installation makes of them */
  logPeople: 'plain' | 'hashed';
  waitingPerUser: number;
  waitingPerGuild: number;
  /** bytes of model files kept loaded */
  modelCacheBytes: number;
  /** bytes that one transformer with its encoders may take; null: nine tenths of the machine's */
  modelMemoryBytes: number | null;
  /** bits that it is packed in where memory does not hold it; null: it is refused then */
  quantise: 4 | 8 | null;
  /** processor threads that a network takes; 0: one a core */
  threads: number;
  stepDeadlineMs: number;
  /** milliseconds without orders after which the machine calibrates; 0: never */
  calibrateAfterMs: number;
  /** people may install the bot for themselves and use it, privately, on servers that did not invite it */
  userInstall: boolean;
  /** days that finished jobs and their pictures are kept; 0: for ever */
  keepDays: number;
  /** where CUDA's libraries are fetched from: PyPI or a mirror that answers as it does, and a NuGet feed's index */
  pypiUrl: string;
  nugetUrl: string;
  /** gigabytes that pictures may fill; 0: as many as there is room for */
  keepGigabytes: number;
  /** where models are fetched from, and what may be read there */
  hub: { hub: string; hubToken: string | null; civitai: string; civitaiToken: string | null };
  /** what processes that it starts see of the environment: never the token */
  childEnvironment: Readonly<Record<string, string>>;
};

const QUANTISED = { off: null, q8: 8, q4: 4 } as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Reads a `.env` file of the working directory into process.env (existing variables win), if there is one. */
export function loadEnvFile(file = '.env'): void {
  if (existsSync(file)) process.loadEnvFile(file);
}

/**
 * Environment -> Config. Reports every mistake at once.
 * @throws UserError naming each variable, what it holds and what is allowed
 */
export function loadConfig(env: Environment = process.env): Config {
  const read = new Variables(env);
  const devices = read.devices('DEVICES');
  const config: Config = {
    discordToken: read.text('DISCORD_TOKEN'),
    discordApiBase: read.apiBase('DISCORD_API_BASE'),
    dataDir: path.resolve(read.text('DATA_DIR') ?? 'data'),
    modelsDir: path.resolve(read.text('MODELS_DIR') ?? 'models'),
    ownerFile: path.resolve(
      read.text('OWNER_FILE') ?? path.join(read.text('DATA_DIR') ?? 'data', 'owner.json'),
    ),
    device: devices?.[0]?.device ?? read.choice('DEVICE', DEVICES, 'auto'),
    deviceIndex: devices?.[0]?.index ?? null,
    devices,
    visibleGpus: read.text('CUDA_VISIBLE_DEVICES')?.split(',').length ?? null,
    queueUrl: read.queueUrl('QUEUE_URL'),
    settingsUrl: read.settingsUrl('SETTINGS_URL'),
    picturesUrl: read.picturesUrl('PICTURES_URL'),
    shards: read.shards('SHARDS'),
    picturesServed: read.served(),
    sharing: read.choice('SHARED_EVALUATIONS', ['auto', 'off'], 'auto') === 'auto',
    isolation: read.choice('ENGINE_ISOLATION', ['thread', 'process'], 'thread'),
    metrics: read.metrics(),
    serviceManager: serviceManager(env),
    playgroundPort: read.integer('PLAYGROUND_PORT', 0, 65_535, 3000),
    logLevel: read.choice('LOG_LEVEL', LOG_LEVELS, 'info'),
    logFormat: read.choice('LOG_FORMAT', LOG_FORMATS, 'auto'),
    logPeople: read.choice('LOG_PEOPLE', ['plain', 'hashed'], 'plain'),
    waitingPerUser: read.integer('QUEUE_PER_USER', 1, 1000, 5),
    waitingPerGuild: read.integer('QUEUE_PER_SERVER', 1, 10_000, 50),
    modelCacheBytes: read.integer('MODEL_CACHE_MB', 1, 1_048_576, 8192) * 1024 * 1024,
    modelMemoryBytes: read.integer('MODEL_MEMORY_MB', 0, 1_048_576, 0) * 1024 * 1024 || null,
    quantise: QUANTISED[read.choice('QUANTIZE', ['off', 'q8', 'q4'], 'off')],
    threads: read.integer('ORT_THREADS', 0, 1024, 0),
    stepDeadlineMs: read.integer('STEP_DEADLINE_SECONDS', 5, 86_400, 600) * 1000,
    calibrateAfterMs: read.integer('CALIBRATE_AFTER_SECONDS', 0, 86_400, 60) * 1000,
    userInstall: read.choice('USER_INSTALL', ['off', 'on'], 'off') === 'on',
    keepDays: read.integer('KEEP_DAYS', 0, 36_500, 0),
    pypiUrl: read.text('PYPI_URL') ?? 'https://pypi.org',
    nugetUrl: read.text('NUGET_URL') ?? 'https://api.nuget.org/v3/index.json',
    keepGigabytes: read.amount('KEEP_GB', 1_000_000),
    hub: {
      hub: read.site('HF_ENDPOINT', 'https://huggingface.co'),
      hubToken: read.hubToken('HF_TOKEN'),
      civitai: read.site('CIVITAI_ENDPOINT', 'https://civitai.com'),
      civitaiToken: read.text('CIVITAI_TOKEN'),
    },
    childEnvironment: childEnvironment(env),
  };
  const mistakes = [...read.mistakes, ...contradictions(config)];
  if (mistakes.length > 0) {
    throw new UserError(['Please check the configuration:', ...mistakes].join('\n  '));
  }
  return Object.freeze(config);
}

/** Settings that do not go together. */
function contradictions(config: Config): string[] {
  const found: string[] = [];
  if (config.discordApiBase !== null && looksLikeDiscordToken(config.discordToken)) {
    found.push(
      'DISCORD_API_BASE is set and DISCORD_TOKEN looks like a real bot token. A real token is never sent to ' +
        'another server: unset DISCORD_API_BASE, or use the token of the local Discord.',
    );
  }
  if (config.shards !== null && config.queueUrl === null) {
    found.push(
      'SHARDS shares one bot among several processes: set QUEUE_URL to the queue they share.',
    );
  }
  if (config.devices?.length === 0 && config.queueUrl === null) {
    found.push(
      'DEVICES=none leaves the painting to workers: set QUEUE_URL to the queue they share.',
    );
  }
  return found;
}

/** As systemd names them; what it does not say as it should is passed over, as sd_notify does. */
function serviceManager(env: Environment): Config['serviceManager'] {
  const socket = env['NOTIFY_SOCKET'] ?? '';
  if (!/^[/@]./.test(socket)) return null;
  const microseconds = Number(env['WATCHDOG_USEC']);
  return { socket, watchdogMs: microseconds > 0 ? microseconds / 1000 : null };
}

/** Where programs and libraries are found, languages and times are said, and GPUs are chosen. */
const FOR_CHILDREN =
  /^(?:PATH|LD_LIBRARY_PATH|DYLD_(?:FALLBACK_)?LIBRARY_PATH|HOME|USERPROFILE|SYSTEMROOT|WINDIR|TE?MP|TMPDIR|LANG|LC_ALL|TZ|XDG_(?:CACHE_HOME|RUNTIME_DIR|DATA_DIRS)|VK_(?:ICD_FILENAMES|DRIVER_FILES)|(?:CUDA|NVIDIA|OMP|ORT|HIP|ROCR)_[A-Z_]+)$/i;

function childEnvironment(env: Environment): Readonly<Record<string, string>> {
  const kept = Object.entries(env).filter(([name]) => FOR_CHILDREN.test(name));
  return Object.fromEntries(
    kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/**
 * Bot tokens are `base64(snowflake).base64(time).base64(hmac)`: the first part decodes to 17-20 digits and
 * the last has at least 27 characters.
 */
function looksLikeDiscordToken(token: string | null): boolean {
  const [id = '', , mac = '', ...rest] = (token ?? '').replace(/^Bot /i, '').split('.');
  if (rest.length > 0 || mac.length < 27) return false;
  return /^\d{17,20}$/.test(Buffer.from(id, 'base64').toString('latin1'));
}

/** What the terminal says of itself: decides whether and how pictures are shown in it. */
export function readTerminal(env: Environment = process.env): { term: string; program: string } {
  return { term: env['TERM'] ?? '', program: env['TERM_PROGRAM'] ?? '' };
}
