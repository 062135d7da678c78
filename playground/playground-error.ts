/** The playground cannot start. The message is a sentence for the person who started it. */
export class PlaygroundError extends Error {
  override name = 'PlaygroundError';
}
