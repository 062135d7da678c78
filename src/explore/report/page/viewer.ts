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

/** Shared by all pictures of the viewer: how many screen pixels one picture pixel takes, and what lies in the middle (0-1). */
const zoom = { scale: 0, x: 0.5, y: 0.5 };
const LARGEST = 16;

const viewer = { places: [] as number[], box: null as HTMLDialogElement | null };

export function openViewer(places: number[]): void {
  viewer.places = [...places];
  zoom.scale = 0;
  [zoom.x, zoom.y] = [0.5, 0.5];
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

function paneFrames(): HTMLElement[] {
  return [...(viewer.box?.querySelectorAll<HTMLElement>('.frame') ?? [])];
}

/** Pixels of the screen that a picture pixel takes where all of the picture is seen. */
function fitting(frame: HTMLElement, picture: HTMLImageElement): number {
  const { naturalWidth: width, naturalHeight: height } = picture;
  if (width === 0 || height === 0) return 1;
  return Math.min(frame.clientWidth / width, frame.clientHeight / height);
}

function applyZoom(): void {
  for (const frame of paneFrames()) {
    const picture = frame.querySelector('img');
    if (picture === null) continue;
    const { naturalWidth: width, naturalHeight: height } = picture;
    const least = fitting(frame, picture);
    const scale = zoom.scale === 0 ? least : zoom.scale;
    picture.style.width = `${width * scale}px`;
    picture.style.height = `${height * scale}px`;
    const left = placed(zoom.x, width * scale, frame.clientWidth);
    const top = placed(zoom.y, height * scale, frame.clientHeight);
    picture.style.transform = `translate(${left}px, ${top}px)`;
    // So large one wants to see the picture's own pixels.
    picture.classList.toggle('sharp', zoom.scale !== 0 && scale >= 6);
  }
}

/** Where a picture begins so that this part of it lies in the middle, as far as there is picture to show. */
function placed(middle: number, length: number, room: number): number {
  if (length <= room) return (room - length) / 2;
  return Math.min(0, Math.max(room - length, room / 2 - middle * length));
}

function scaleNow(): number {
  const [frame] = paneFrames();
  const picture = frame?.querySelector('img');
  if (zoom.scale !== 0 || !frame || !picture) return zoom.scale || 1;
  return fitting(frame, picture);
}

function setScale(scale: number): void {
  zoom.scale = scale;
  if (scale === 0) [zoom.x, zoom.y] = [0.5, 0.5];
  applyZoom();
}

/** The part of the picture (0-1) that lies under a point of its frame. */
function pointIn(
  frame: HTMLElement,
  { clientX, clientY }: { clientX: number; clientY: number },
): [number, number] {
  const picture = frame.querySelector('img');
  const bounds = picture?.getBoundingClientRect();
  if (bounds === undefined || bounds.width === 0) return [0.5, 0.5];
  return [(clientX - bounds.left) / bounds.width, (clientY - bounds.top) / bounds.height];
}

/** Larger or smaller; what lies under `at` stays there. */
function zoomBy(factor: number, at: [number, number] = [zoom.x, zoom.y]): void {
  const before = scaleNow();
  const [frame] = paneFrames();
  const picture = frame?.querySelector('img');
  const least = frame && picture ? Math.min(1, fitting(frame, picture)) : 0.05;
  const after = Math.min(LARGEST, Math.max(least, before * factor));
  const kept = before / after;
  zoom.x = within(at[0] + (zoom.x - at[0]) * kept);
  zoom.y = within(at[1] + (zoom.y - at[1]) * kept);
  zoom.scale = after;
  applyZoom();
}

function within(part: number): number {
  return Math.min(1, Math.max(0, part));
}

/** One finger moves the pictures, two make them larger and smaller; a mouse is one finger. */
function followFingers(frame: HTMLElement): void {
  const fingers = new Map<number, { clientX: number; clientY: number }>();
  const spread = (): number => {
    const [a, b] = [...fingers.values()];
    return a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
  };
  frame.addEventListener('pointerdown', (event) => {
    fingers.set(event.pointerId, event);
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const wide = spread();
    fingers.set(event.pointerId, event);
    const picture = frame.querySelector('img');
    if (fingers.size === 2 && wide > 0) {
      const [a, b] = [...fingers.values()];
      if (a && b) {
        const middle = {
          clientX: (a.clientX + b.clientX) / 2,
          clientY: (a.clientY + b.clientY) / 2,
        };
        zoomBy(spread() / wide, pointIn(frame, middle));
      }
    } else if (picture) {
      zoom.x = within(zoom.x - (event.clientX - before.clientX) / picture.clientWidth);
      zoom.y = within(zoom.y - (event.clientY - before.clientY) / picture.clientHeight);
      applyZoom();
    }
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    frame.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  frame.addEventListener('dblclick', (event) => {
    if (zoom.scale === 0) zoomBy(2 / scaleNow(), pointIn(frame, event));
    else setScale(0);
  });
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

addEventListener('resize', applyZoom);
