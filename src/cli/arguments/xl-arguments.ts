/** The options of `imagine` that only SDXL hears, its refiner among them, and A1111's shortcuts. */
import { UserError } from '../../engine/errors.ts';
import { parseSize } from '../../engine/request-codec.ts';
import type { RequestInput } from '../../engine/request.ts';

const SIZES = {
  'original-size': 'originalSize',
  'target-size': 'targetSize',
  'negative-original-size': 'negativeOriginalSize',
  'negative-target-size': 'negativeTargetSize',
} as const;
const CORNERS = { crop: 'crop', 'negative-crop': 'negativeCrop' } as const;
const TEXTS = {
  'prompt-2': 'prompt2',
  'negative-2': 'negativePrompt2',
  'prompt-3': 'prompt3',
  'negative-3': 'negativePrompt3',
} as const;

type Names = keyof typeof SIZES | keyof typeof CORNERS | keyof typeof TEXTS;
type Values = { [K in Names | 'negative' | 'profile' | 'refiner' | 'refiner-at']?: string } & {
  ngms?: string;
  'ngms-all'?: boolean;
  'skip-early-cfg'?: string;
};

export const XL_OPTIONS = {
  'prompt-2': { type: 'string' },
  'negative-2': { type: 'string' },
  'prompt-3': { type: 'string' },
  'negative-3': { type: 'string' },
  'original-size': { type: 'string' },
  'target-size': { type: 'string' },
  'negative-original-size': { type: 'string' },
  'negative-target-size': { type: 'string' },
  crop: { type: 'string' },
  'negative-crop': { type: 'string' },
  refiner: { type: 'string' },
  'refiner-at': { type: 'string' },
  ngms: { type: 'string' },
  'ngms-all': { type: 'boolean' },
  'skip-early-cfg': { type: 'string' },
} as const;

/** Throws UserError for a size, corner or combination that is none. */
export function readXlArguments(values: Values, request: RequestInput): void {
  const xl: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(TEXTS)) {
    const value = values[name as keyof typeof TEXTS];
    if (value !== undefined) xl[key] = value;
  }
  for (const [name, key] of Object.entries(SIZES)) {
    const value = values[name as keyof typeof SIZES];
    if (value !== undefined) xl[key] = parseSize(value);
  }
  for (const [name, key] of Object.entries(CORNERS)) {
    const value = values[name as keyof typeof CORNERS];
    if (value !== undefined) xl[key] = readCorner(name, value);
  }
  // Said in words, an empty negative prompt is a prompt to diffusers' SDXL pipelines; left out, it is zeros.
  if (values.negative === '' && values.profile === 'diffusers') xl['encodesEmptyNegative'] = true;
  if (Object.keys(xl).length > 0) request.xl = xl;
  readRefiner(values, request);
  readShortcuts(values, request);
}

function readCorner(name: string, text: string): { left: string; top: string } {
  const [, left, top] = /^\s*(\d{1,5})\s*,\s*(\d{1,5})\s*$/.exec(text) ?? [];
  if (left !== undefined && top !== undefined) return { left, top };
  throw new UserError(`--${name} takes LEFT,TOP in pixels, such as 0,64, not "${text}".`);
}

function readRefiner(values: Values, request: RequestInput): void {
  const { refiner, 'refiner-at': switchAt, profile } = values;
  if (refiner === undefined && switchAt === undefined) return;
  if (refiner === undefined && profile !== 'diffusers') {
    throw new UserError('--refiner-at needs --refiner NAME, the model that takes over.');
  }
  request.refiner = { model: refiner ?? null, switchAt };
}

function readShortcuts(values: Values, request: RequestInput): void {
  const { ngms, 'ngms-all': all = false, 'skip-early-cfg': early } = values;
  if (ngms === undefined && early === undefined) {
    if (all) throw new UserError('--ngms-all needs --ngms SIGMA, from 0 to 15.');
    return;
  }
  request.negativeGuidance = { minSigma: ngms, allSteps: all, skipEarly: early };
}
