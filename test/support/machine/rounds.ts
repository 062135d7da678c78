/**
 * How many rounds of chance a test takes: `few` beside all other tests, `many` where TEST_ROUNDS=all asks for a longer
 * look. Each round tries the same sentences, at other moments.
 */
export function rounds(few: number, many: number): number {
  return process.env['TEST_ROUNDS'] === 'all' ? many : few;
}
