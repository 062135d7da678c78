/** The page as a whole: drawn anew with each change, which a few hundred pictures take lightly. */
import { curvesSection } from './curves.ts';
import { figuresSection, notesSection, readNotes } from './figures.ts';
import { controls, pickedBar, pictures } from './grid.ts';
import { data, drawing, promptNow, say, view } from './model.ts';
import { button, element } from './parts.ts';

function promptTabs(): HTMLElement {
  const list = element('div', {
    class: 'tabs',
    role: 'tablist',
    'aria-label': say('prompts'),
    keydown: turnTabs,
  });
  for (const [at, { prompt }] of data.prompts.entries()) {
    const chosen = at === view.prompt;
    list.append(
      button(prompt === '' ? say('nothing') : prompt, () => showPrompt(at), {
        role: 'tab',
        id: `tab-${at}`,
        class: 'tab',
        title: prompt,
        'aria-selected': String(chosen),
        'aria-controls': 'panel',
        tabindex: chosen ? '0' : '-1',
      }),
    );
  }
  return list;
}

function showPrompt(at: number): void {
  view.prompt = at;
  view.picked = [];
  refresh();
}

function turnTabs(event: Event): void {
  const { key } = event as KeyboardEvent;
  const by = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
  if (by === 0) return;
  const count = data.prompts.length;
  showPrompt((view.prompt + by + count) % count);
  document.getElementById(`tab-${view.prompt}`)?.focus();
  event.preventDefault();
}

function refresh(): void {
  const root = document.getElementById('report');
  if (root === null) return;
  const focused =
    document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent;
  const scrolled = root.querySelector('.scroll')?.scrollLeft ?? 0;
  const tabbed = root.querySelector('.tabs')?.scrollLeft ?? 0;
  const panel = element(
    'main',
    { id: 'panel', role: 'tabpanel', 'aria-labelledby': `tab-${view.prompt}` },
    element('blockquote', {}, promptNow().prompt),
    controls(),
    pictures(),
    curvesSection(),
    figuresSection(),
    notesSection(),
  );
  root.replaceChildren(
    element(
      'header',
      {},
      element('h1', {}, data.title),
      ...data.about.map((line) => element('p', { class: 'muted' }, line)),
    ),
    promptTabs(),
    panel,
    pickedBar(),
  );
  const grid = root.querySelector('.scroll');
  if (grid !== null) grid.scrollLeft = scrolled;
  const tabs = root.querySelector('.tabs');
  if (tabs !== null) tabs.scrollLeft = tabbed;
  // What had the focus was drawn anew: whoever uses the keyboard goes on from there.
  if (focused) {
    const same = [...root.querySelectorAll<HTMLElement>('button, select')].find(
      (one) => (one.getAttribute('aria-label') ?? one.textContent) === focused,
    );
    same?.focus({ preventScroll: true });
  }
}

drawing.refresh = refresh;
readNotes();
refresh();
