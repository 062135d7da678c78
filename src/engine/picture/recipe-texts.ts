/** The texts inside a picture's file that may be recipes. */
import { readFileComment } from './file/comment.ts';
import { findExif, readExifTexts } from './file/exif-text.ts';
import { exifInPng, isPng, readPngTexts } from './file/png-text.ts';
import type { PngText, TextBudget } from './file/png-text.ts';

export const XMP_KEYWORD = 'XML:com.adobe.xmp';
/** Under what names programs keep their recipes in a file. Others are not read. */
const RECIPE_KEYWORDS = new Set([
  'parameters',
  'Parameters',
  'Description',
  'sd-metadata',
  'prompt',
  'workflow',
  'Comment',
  'invokeai_metadata',
  'Software',
  XMP_KEYWORD,
  // Easy Diffusion's, in both of its spellings.
  'negative_prompt',
  'Prompt',
  'Negative Prompt',
  'seed',
  'Seed',
  'num_inference_steps',
  'Steps',
  'guidance_scale',
  'Guidance Scale',
  'width',
  'Width',
  'height',
  'Height',
  'sampler_name',
  'Sampler',
  'scheduler_name',
  'use_stable_diffusion_model',
  'Stable Diffusion model',
  'use_lora_model',
  'LoRA model',
  'lora_alpha',
  'LoRA Strength',
  'clip_skip',
  'Clip Skip',
]);
/** All texts of one file together: the largest graphs of people have half of it. */
export const TEXT_BYTES = 256 * 1024;
const BUDGET: TextBudget = { keywords: RECIPE_KEYWORDS, bytes: TEXT_BYTES };

/**
 * The texts inside a PNG, JPEG or WebP that may be recipes, under the keywords they have in a PNG: the first of each,
 * at most 256 KiB together.
 */
export function readTexts(bytes: Uint8Array): PngText[] {
  const texts = isPng(bytes) ? readPngTexts(bytes, BUDGET) : [];
  const exif = isPng(bytes) ? exifInPng(bytes) : findExif(bytes);
  const more = exif === null ? [] : textsInExif(exif);
  const comment = isPng(bytes) ? null : readFileComment(bytes, TEXT_BYTES);
  if (comment !== null) more.push({ keyword: 'parameters', text: comment });
  const met = new Set(texts.map(({ keyword }) => keyword));
  for (const found of more) {
    if (met.has(found.keyword) || !maySay(found)) continue;
    met.add(found.keyword);
    texts.push(found);
  }
  return texts;
}

/** A phone's comment ("Screenshot") is no recipe. */
function maySay({ keyword, text }: PngText): boolean {
  return !['parameters', 'Description'].includes(keyword) || /Steps: ?\d|^\s*\{/.test(text);
}

/** The texts of an EXIF block that may be recipes. */
export function textsInExif(exif: Uint8Array): PngText[] {
  return readExifTexts(exif, BUDGET).filter(maySay);
}

/** The A1111 parameters text inside a picture; null when there is none. */
export function readInfotext(bytes: Uint8Array): string | null {
  return readTexts(bytes).find(({ keyword }) => keyword === 'parameters')?.text ?? null;
}
