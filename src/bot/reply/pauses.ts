/** Pauses that can be cut short. */
export function openPauses() {
  let wake: (() => void) | null = null;
  return {
    pause(milliseconds: number): Promise<void> {
      return new Promise((resolve) => {
        const timer = setTimeout(done, milliseconds);
        function done() {
          clearTimeout(timer);
          wake = null;
          resolve();
        }
        wake = done;
      });
    },
    cut() {
      wake?.();
    },
  };
}
