/** Whether a value of unknown origin is a plain object, whose fields may be asked for: no array, not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
