export const THEMES = ['dark', 'light'] as const;
export type ThemeName = (typeof THEMES)[number];

export type Theme = {
  ground: string;
  text: string;
  muted: string;
  /** empty cells, grid lines */
  faint: string;
  accent: string;
  trouble: string;
  /** one a curve, told apart by the colour-blind too (after Okabe & Ito 2008) */
  lines: readonly string[];
};

export const THEME: Readonly<Record<ThemeName, Theme>> = {
  dark: {
    ground: '#1c1d21',
    text: '#f3f4f6',
    muted: '#a9adb8',
    faint: '#2f3138',
    accent: '#e8a33d',
    trouble: '#f0816b',
    lines: ['#56b4e9', '#e69f00', '#2ec49a', '#f0e442', '#ff6f61', '#d58fc0', '#a98bff', '#c9cbd3'],
  },
  light: {
    ground: '#ffffff',
    text: '#16171a',
    muted: '#595d68',
    faint: '#e6e8ec',
    accent: '#b36b00',
    trouble: '#b3261e',
    lines: ['#0072b2', '#d55e00', '#007a5a', '#8c7800', '#a8328c', '#5b3fa8', '#0095a3', '#4b4e57'],
  },
};

/** Pixels per em of labels and of what stands beside them. */
export const SIZES = { label: 22, small: 18 } as const;
