import type { Rendered } from '../../src/bot/render/render.ts';
import { accessPage } from './pages/access-page.ts';
import { contentPage } from './pages/content-page.ts';
import { defaultsPage } from './pages/defaults-page.ts';
import { limitsPage } from './pages/limits-page.ts';
import { listsPage } from './pages/lists-page.ts';
import { type PanelView, type Part, row, stringSelect } from './panel-parts.ts';

export const PANEL_PAGES = ['defaults', 'limits', 'access', 'content', 'lists'] as const;
export type PanelPage = (typeof PANEL_PAGES)[number];

const PAGES: Readonly<Record<PanelPage, (sight: PanelView) => Part[]>> = {
  defaults: defaultsPage,
  limits: limitsPage,
  access: accessPage,
  content: contentPage,
  lists: listsPage,
};

/** One page of the panel as a message. Pure. */
export function renderPanel(page: PanelPage, sight: PanelView): Rendered {
  const { pages } = sight.text.panel;
  const tabs = stringSelect(
    'page',
    PANEL_PAGES.map((value) => ({ label: pages[value], value, default: value === page })),
    {},
  );
  return { components: [row(tabs), ...PAGES[page](sight)], files: [] };
}
