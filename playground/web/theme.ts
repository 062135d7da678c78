/** Light or dark: the system's choice until the person makes their own. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

/**
 * Keeps whether the page is dark or light: the person's choice from `memory`, else the system's. The second value
 * turns it over.
 */
export function useTheme(memory: Storage): [Theme, () => void] {
  const query = matchMedia('(prefers-color-scheme: light)');
  const saved = memory.getItem('theme');
  const [own, setOwn] = useState<Theme | null>(
    saved === 'light' || saved === 'dark' ? saved : null,
  );
  const [system, setSystem] = useState<Theme>(query.matches ? 'light' : 'dark');
  useEffect(() => {
    const follow = (): void => setSystem(query.matches ? 'light' : 'dark');
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, []);
  const theme = own ?? system;
  useLayoutEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  const toggle = (): void => {
    const next = theme === 'dark' ? 'light' : 'dark';
    memory.setItem('theme', next);
    setOwn(next);
  };
  return [theme, toggle];
}
