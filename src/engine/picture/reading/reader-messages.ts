/** What crosses between the caller and the process that reads pictures. */
import type { StorablePicture } from '../enlarge.ts';
import type { PlainError } from '../../host/messages.ts';
import type { Recipe } from '../../recipe.ts';
import type { ImageSize } from '../../request.ts';

/** What a picture says of how it was made, and its sides, upright; null where only a recipe could be read. */
export type PictureLook =
  | { recipe: Recipe; size: ImageSize | null }
  | { recipe: null; size: ImageSize };

export type ReaderAnswers = { look: PictureLook; start: StorablePicture };
/** `length` bytes follow on stdin. */
export type ToReader = { id: number; kind: keyof ReaderAnswers; length: number };
export type FromReader =
  | { type: 'began'; id: number }
  | { type: 'done'; id: number; answer: ReaderAnswers[keyof ReaderAnswers] }
  | { type: 'failed'; id: number; error: PlainError };
