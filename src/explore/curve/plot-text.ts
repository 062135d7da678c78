/** The words in a plot, for another language to take their place. */
export const PLOT_TEXT = {
  ssim: 'SSIM to the last picture',
  ssimHint: 'dotted: 0.98, looks the same',
  rmse: 'pixel distance (RMSE)',
  rmseHint: 'of 255, lower is nearer',
  latent: 'latent distance (RMS)',
  latentHint: 'lower is nearer',
  cut: (hint: string) => `${hint}, cut off above`,
  steps: 'steps',
  seconds: 'seconds on this machine',
  settled: (before: number | null, steps: number) =>
    before === null ? `settled by ${steps}` : `settled between ${before} and ${steps}`,
  changing: 'still changing',
  never: 'does not converge',
};
export type PlotText = typeof PLOT_TEXT;
