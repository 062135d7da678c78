/** The pictures of a prompt as a grid of two axes, or sorted by a figure. */
import {
  addressOfPicture,
  captionOf,
  data,
  drawing,
  figureWords,
  isShown,
  labelOf,
  type PageCell,
  promptNow,
  say,
  valuesOf,
  view,
} from './model.ts';
import { button, choice, element } from './parts.ts';
import { openViewer } from './viewer.ts';

/** Draws what chooses how pictures are laid out, and which values are hidden. */
export function controls(): HTMLElement {
  const axes: [string, string][] = data.axes.map(({ title }, axis) => [String(axis), title]);
  const layouts: [string, string][] = [
    ['grid', say('grid')],
    ['list', say('list')],
  ];
  const box = element('div', { class: 'controls' });
  box.append(
    choice(say('show'), layouts, view.layout, (value) => {
      view.layout = value === 'list' ? 'list' : 'grid';
      drawing.refresh();
    }),
  );
  if (view.layout === 'list') box.append(...listControls());
  else {
    box.append(
      choice(say('across'), axes, String(view.across), (value) => {
        const axis = Number(value);
        if (axis === view.down) view.down = view.across;
        view.across = axis;
        drawing.refresh();
      }),
    );
    if (data.axes.length > 1) {
      box.append(
        choice(say('down'), [...axes, ['-1', say('nothing')]], String(view.down), (value) => {
          const axis = Number(value);
          if (axis === view.across)
            view.across = view.down === -1 ? (axis + 1) % axes.length : view.down;
          view.down = axis;
          drawing.refresh();
        }),
      );
    }
  }
  box.append(...data.axes.map((_, axis) => chips(axis)));
  return box;
}

const SORTED_BY = ['seconds', 'steady_seconds', 'ssim', 'rmse', 'latent_distance', 'steps', 'cfg'];

function listControls(): HTMLElement[] {
  const known = SORTED_BY.filter((name) =>
    promptNow().cells.some(({ figures }) => typeof figures[name] === 'number'),
  );
  const options = known.map((name): [string, string] => [name, name.replaceAll('_', ' ')]);
  const largest = element('input', {
    type: 'checkbox',
    checked: view.largestFirst,
    change: () => {
      view.largestFirst = largest.checked;
      drawing.refresh();
    },
  });
  return [
    choice(say('sortBy'), options, view.sortBy, (value) => {
      view.sortBy = value;
      drawing.refresh();
    }),
    element('label', { class: 'choice' }, largest, ' ', say('largest')),
  ];
}

/** The values of an axis, each to be hidden, and their order. */
function chips(axis: number): HTMLElement {
  const { title = '', values = [] } = data.axes[axis] ?? {};
  const hidden = view.hidden[axis] ?? new Set<number>();
  const box = element('div', { class: 'chips', role: 'group', 'aria-label': title });
  box.append(element('span', { class: 'axis' }, title));
  for (const [value, words] of values.entries()) {
    const on = !hidden.has(value);
    const press = (): void => {
      if (!on) hidden.delete(value);
      else if (hidden.size < values.length - 1) hidden.add(value);
      drawing.refresh();
    };
    box.append(button(words, press, { class: 'chip', 'aria-pressed': String(on) }));
  }
  const turn = (): void => {
    view.reversed[axis] = view.reversed[axis] !== true;
    drawing.refresh();
  };
  const order = view.reversed[axis] ? '↓' : '↑';
  const name = `${say('sort')}: ${say(view.reversed[axis] ? 'sortReversed' : 'sortAxes')}`;
  if (values.length > 1)
    box.append(button(order, turn, { class: 'chip turn', title: name, 'aria-label': name }));
  return box;
}

/** Draws the pictures that are not hidden, as a grid or as a list by one figure; those without it come last. */
export function pictures(): HTMLElement {
  const { cells } = promptNow();
  const shown = cells.map((cell, place) => ({ cell, place })).filter(({ cell }) => isShown(cell));
  if (view.layout === 'list') {
    const value = (cell: PageCell): number => Number(cell.figures[view.sortBy] ?? Number.NaN);
    const sign = view.largestFirst ? -1 : 1;
    const rank = (cell: PageCell): number => {
      const found = value(cell);
      return Number.isNaN(found) ? Infinity : sign * found;
    };
    const sorted = shown.toSorted((a, b) => rank(a.cell) - rank(b.cell));
    return element(
      'div',
      { class: 'list' },
      ...sorted.map(({ cell, place }) => card(cell, place, captionOf(cell), [view.sortBy])),
    );
  }
  return gridOf(shown);
}

function gridOf(shown: { cell: PageCell; place: number }[]): HTMLElement {
  const columns = valuesOf(view.across);
  const rows = view.down < 0 ? [0] : valuesOf(view.down);
  const table = element('table', { class: 'grid' });
  const head = element('tr', {}, element('th', { class: 'corner' }));
  for (const column of columns)
    head.append(element('th', { scope: 'col' }, labelOf(view.across, column)));
  table.append(element('thead', {}, head));
  const body = element('tbody');
  const rest = data.axes
    .map((_, axis) => axis)
    .filter((axis) => axis !== view.across && axis !== view.down);
  const order = new Map(rest.map((axis) => [axis, valuesOf(axis)]));
  for (const row of rows) {
    const line = element(
      'tr',
      {},
      element('th', { scope: 'row' }, view.down < 0 ? '' : labelOf(view.down, row)),
    );
    for (const column of columns) {
      const here = shown
        .filter(
          ({ cell }) =>
            cell.at[view.across] === column && (view.down < 0 || cell.at[view.down] === row),
        )
        .toSorted((a, b) => {
          for (const axis of rest) {
            const known = order.get(axis) ?? [];
            const far = known.indexOf(a.cell.at[axis] ?? 0) - known.indexOf(b.cell.at[axis] ?? 0);
            if (far !== 0) return far;
          }
          return 0;
        });
      const cards = here.map(({ cell, place }) =>
        card(cell, place, rest.map((axis) => labelOf(axis, cell.at[axis] ?? 0)).join(' · '), []),
      );
      line.append(element('td', {}, element('div', { class: 'stack' }, ...cards)));
    }
    body.append(line);
  }
  table.append(body);
  return element('div', { class: 'scroll', tabindex: '0' }, table);
}

function card(cell: PageCell, place: number, caption: string, figures: string[]): HTMLElement {
  const said = figures.map(
    (name) => `${name.replaceAll('_', ' ')} ${figureWords(cell.figures[name])}`,
  );
  const words = [caption, ...said].filter((one) => one !== '').join(' · ');
  if (cell.picture === null) {
    const why = element('p', { class: 'empty' }, cell.why ?? say('unpainted'));
    return element('figure', { class: 'card' }, why, element('figcaption', {}, words));
  }
  const picture = element('img', {
    src: addressOfPicture(cell),
    alt: `${promptNow().prompt} · ${captionOf(cell)}`.slice(0, 500),
    width: String(cell.width),
    height: String(cell.height),
    loading: 'lazy',
    decoding: 'async',
  });
  const isPicked = view.picked.includes(place);
  const pick = button(isPicked ? '✓' : '+', () => togglePicked(place), {
    class: 'pick',
    'aria-pressed': String(isPicked),
    title: say('pick'),
    'aria-label': `${say('pick')}: ${captionOf(cell)}`,
  });
  const open = element(
    'button',
    {
      type: 'button',
      class: 'open',
      click: () => openViewer([place]),
      'aria-label': captionOf(cell),
    },
    picture,
  );
  const caps = words === '' ? [] : [element('figcaption', {}, words)];
  return element('figure', { class: isPicked ? 'card picked' : 'card' }, open, pick, ...caps);
}

function togglePicked(place: number): void {
  const at = view.picked.indexOf(place);
  if (at >= 0) view.picked.splice(at, 1);
  else view.picked.push(place);
  drawing.refresh();
}

/** What was picked, at the foot of the window for as long as there is something. */
export function pickedBar(): HTMLElement {
  const count = view.picked.length;
  const bar = element('div', { class: 'bar', hidden: count === 0 });
  bar.append(
    element('span', {}, `${count} ${say('picked')}`),
    button(say('compare'), () => openViewer(view.picked), { class: 'main' }),
    button(say('clear'), () => {
      view.picked = [];
      drawing.refresh();
    }),
  );
  return bar;
}
