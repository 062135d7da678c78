/** Pictures side by side, larger and smaller together: what is looked at in one is looked at in all. */
import {
  addressOfPicture,
  captionOf,
  data,
  figureWords,
  isShown,
  type PageCell,
  promptNow,
  say,
} from './model.ts';
import { button, element } from './parts.ts';
import { applyZoom, followFingers, forgetZoom, pointIn, setScale, zoomBy } from './zoom.ts';

const viewer = { places: [] as number[], box: null as HTMLDialogElement | null };

/** Shows cells side by side over the page, by their places among the prompt's cells. */
export function openViewer(places: number[]): void {
  viewer.places = [...places];
  forgetZoom();
  if (viewer.box === null) {
    viewer.box = element('dialog', { class: 'viewer', close: forgetViewer, keydown: viewerKeys });
    document.body.append(viewer.box);
    viewer.box.showModal();
  }
  drawViewer();
}

function forgetViewer(): void {
  viewer.box?.remove();
  viewer.box = null;
}

function drawViewer(): void {
  const { box } = viewer;
  if (box === null) return;
  const cells = viewer.places.flatMap((place) => {
    const cell = promptNow().cells[place];
    return cell === undefined ? [] : [{ cell, place }];
  });
  box.replaceChildren(
    viewerTools(),
    element('div', { class: 'panes' }, ...cells.map(({ cell, place }) => pane(cell, place))),
  );
  applyZoom();
}

function viewerTools(): HTMLElement {
  const beside = data.axes.map((axis, at) =>
    button(`${say('beside')}: ${axis.title}`, () => addAlong(at)),
  );
  const alone = viewer.places.length === 1;
  return element(
    'div',
    { class: 'tools' },
    button('−', () => zoomBy(1 / 1.5), { 'aria-label': say('zoomOut') }),
    button('+', () => zoomBy(1.5), { 'aria-label': say('zoomIn') }),
    button(say('fit'), () => setScale(0)),
    button(say('actual'), () => setScale(1)),
    ...(alone
      ? [
          button('←', () => step(-1), { 'aria-label': say('previous') }),
          button('→', () => step(1), { 'aria-label': say('next') }),
        ]
      : []),
    ...(viewer.places.length > 0 ? beside : []),
    button(say('close'), () => viewer.box?.close(), { class: 'main close' }),
  );
}

/** All pictures that differ from the first in this axis alone. */
function addAlong(axis: number): void {
  const { cells } = promptNow();
  const first = cells[viewer.places[0] ?? 0];
  if (first === undefined) return;
  const others = cells.flatMap((cell, place) => {
    const alike = cell.at.every((value, at) => at === axis || value === first.at[at]);
    return alike && cell.picture !== null && isShown(cell) ? [place] : [];
  });
  const own = viewer.places[0] ?? 0;
  viewer.places = [own, ...others.filter((place) => place !== own)].toSorted((a, b) => a - b);
  drawViewer();
}

function step(by: number): void {
  const { cells } = promptNow();
  const shown = cells.flatMap((cell, place) =>
    cell.picture !== null && isShown(cell) ? [place] : [],
  );
  const at = shown.indexOf(viewer.places[0] ?? 0);
  const next = shown[(at + by + shown.length) % shown.length];
  if (next === undefined) return;
  viewer.places = [next];
  drawViewer();
}

function pane(cell: PageCell, place: number): HTMLElement {
  const picture = element('img', {
    src: addressOfPicture(cell),
    alt: captionOf(cell),
    draggable: 'false',
  });
  const frame = element('div', { class: 'frame' }, picture);
  frame.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15, pointIn(frame, event));
    },
    { passive: false },
  );
  followFingers(frame);
  picture.addEventListener('load', applyZoom);
  const named = ['seconds', 'ssim', 'rmse'].flatMap((name) => {
    const words = figureWords(cell.figures[name]);
    return words === '' ? [] : [`${name} ${words}`];
  });
  const remove =
    viewer.places.length < 2
      ? []
      : [
          button(
            '×',
            () => {
              viewer.places = viewer.places.filter((one) => one !== place);
              drawViewer();
            },
            { class: 'away', 'aria-label': `${say('remove')}: ${captionOf(cell)}` },
          ),
        ];
  const recipe =
    cell.recipe === ''
      ? []
      : [
          element(
            'details',
            {},
            element('summary', {}, say('recipe')),
            element('pre', {}, cell.recipe),
          ),
        ];
  return element(
    'figure',
    { class: 'pane' },
    frame,
    ...remove,
    element('figcaption', {}, [captionOf(cell), ...named].join(' · '), ...recipe),
  );
}

function viewerKeys(event: Event): void {
  const { key } = event as KeyboardEvent;
  if (key === '+' || key === '=') zoomBy(1.5);
  else if (key === '-') zoomBy(1 / 1.5);
  else if (key === '0') setScale(0);
  else if (key === '1') setScale(1);
  else if (key === 'ArrowLeft' && viewer.places.length === 1) step(-1);
  else if (key === 'ArrowRight' && viewer.places.length === 1) step(1);
  else return;
  event.preventDefault();
}
