import type { GenerateRequest } from '../request.ts';

/** The order for one image of a batch alone; profile a1111, where it is the same picture. */
export function requestOfImage(request: GenerateRequest, index: number): GenerateRequest {
  const { each, ...shared } = request;
  const own = each?.[index];
  if (own !== undefined) return { ...shared, ...own, count: 1 };
  return { ...shared, count: 1, seed: request.seed + BigInt(index) };
}

/** The guidance scale of every image of a batch. */
export function guidanceScales(
  { each, guidanceScale }: Pick<GenerateRequest, 'each' | 'guidanceScale'>,
  batch: number,
): number[] {
  return Array.from({ length: batch }, (_, index) => each?.[index]?.guidanceScale ?? guidanceScale);
}
