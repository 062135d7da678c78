/** Pictures: swapped without a flash, laid out as a mosaic, opened in a lightbox. */
import { createContext, type VNode } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { useReturnFocus } from '../frame/focus.ts';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';

export type Picture = {
  url: string;
  alt: string;
  width: number | null;
  height: number | null;
  spoiler: boolean;
  name: string;
};

export type Lightbox = { pictures: readonly Picture[]; at: number };
export const LightboxContext = createContext<(open: Lightbox) => void>(() => undefined);

/**
 * Keeps showing the last loaded picture until the next one is decoded, so that a preview which is edited
 * several times a second never blinks. Only the newest address is waited for.
 */
export function SteadyImage(props: { src: string; alt: string; class?: string }): VNode {
  const [shown, setShown] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (shown === props.src) return undefined;
    let current = true;
    const next = new Image();
    next.src = props.src;
    const settle = (ok: boolean): void => {
      if (!current) return;
      setFailed(!ok);
      if (ok) setShown(props.src);
    };
    next.decode().then(
      () => settle(true),
      () => settle(false),
    );
    return () => {
      current = false;
    };
  }, [props.src]);
  if (shown === null) {
    const words = failed ? 'This picture could not be loaded.' : '';
    return html`<span
      class=${classes(props.class, 'image-waiting', failed && 'failed')}
      role="img"
      aria-label=${props.alt}
    >
      ${words}
    </span>`;
  }
  return html`<img
    class=${props.class}
    src=${shown}
    alt=${props.alt}
    title=${props.alt}
    draggable=${false}
  />`;
}

const SMALL = 256;
const MAX_WIDTH = 550;
const MAX_HEIGHT = 380;

/** Size of a lone picture: within 550 x 380, and small models' pictures doubled up to 256 so they can be seen. */
function fitted(width: number | null, height: number | null): { width: number; height: number } {
  if (!width || !height) return { width: SMALL, height: SMALL };
  const grow = Math.max(1, Math.min(2, SMALL / Math.max(width, height)));
  const scale = Math.min(grow, MAX_WIDTH / width, MAX_HEIGHT / height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** Rows of a mosaic for 1 to 10 pictures: how many lie in each. */
function mosaicRows(count: number): number[] {
  const rows: Record<number, number[]> = {
    1: [1],
    2: [2],
    3: [1, 2],
    4: [2, 2],
    5: [2, 3],
    6: [3, 3],
    7: [1, 3, 3],
    8: [2, 3, 3],
    9: [3, 3, 3],
    10: [1, 3, 3, 3],
  };
  return rows[Math.min(10, Math.max(1, count))]!;
}

/** Draws pictures as Discord does: one in its own shape, several as a mosaic that crops them. */
export function Gallery({ pictures }: { pictures: readonly Picture[] }): VNode | null {
  const open = useContext(LightboxContext);
  if (pictures.length === 0) return null;
  const tile = (index: number): VNode =>
    html`<${Tile}
      key=${index}
      picture=${pictures[index]}
      onOpen=${() => open({ pictures, at: index })}
    />`;
  const only = pictures[0]!;
  if (pictures.length === 1) {
    const size = fitted(only.width, only.height);
    const style = `width:${size.width}px;aspect-ratio:${size.width}/${size.height}`;
    return html`<div class="gallery single" style=${style}>${tile(0)}</div>`;
  }
  let next = 0;
  const rows = mosaicRows(pictures.length).map((length, row) => {
    const tiles = Array.from({ length }, () => tile(next++));
    return html`<div class="mosaic-row" key=${row} data-count=${length}>${tiles}</div>`;
  });
  return html`<div class=${`gallery mosaic mosaic-${pictures.length}`}>${rows}</div>`;
}

function Tile({ picture, onOpen }: { picture: Picture; onOpen: () => void }): VNode {
  const [covered, setCovered] = useState(picture.spoiler);
  useEffect(() => setCovered(picture.spoiler), [picture.spoiler]);
  const label = covered
    ? 'Spoiler: show the picture'
    : `Open picture: ${picture.alt || picture.name}`;
  return html`<button
    type="button"
    class=${classes('tile', covered && 'covered')}
    aria-label=${label}
    onClick=${() => (covered ? setCovered(false) : onOpen())}
  >
    <${SteadyImage} src=${picture.url} alt=${picture.alt} />
    ${covered && html`<span class="cover-word">Spoiler</span>`}
  </button>`;
}

/** Shows one of several pictures over the page, turned over with the arrow keys. */
export function LightboxView({ open, onClose }: { open: Lightbox; onClose: () => void }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [at, setAt] = useState(open.at);
  useReturnFocus();
  useEffect(() => dialog.current?.showModal(), []);
  const count = open.pictures.length;
  const picture = open.pictures[at]!;
  const step = (by: number): void => setAt((at + by + count) % count);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowRight') step(1);
    if (event.key === 'ArrowLeft') step(-1);
  };
  const onBackdrop = (event: MouseEvent): void => {
    if (!(event.target as Element).closest('img, a, button, figcaption')) onClose();
  };
  const arrows =
    count > 1 &&
    html`<button
        type="button"
        class="lightbox-arrow left"
        aria-label="Previous picture"
        onClick=${() => step(-1)}
      >
        ${icons.left()}
      </button>
      <button
        type="button"
        class="lightbox-arrow right"
        aria-label="Next picture"
        onClick=${() => step(1)}
      >
        ${icons.right()}
      </button>`;
  return html`<dialog
    ref=${dialog}
    class="lightbox"
    aria-label="Picture"
    onClose=${onClose}
    onClick=${onBackdrop}
    onKeyDown=${onKeyDown}
  >
    <figure>
      <img src=${picture.url} alt=${picture.alt} style=${lightboxSize(picture)} />
      <figcaption>
        ${picture.alt && html`<span class="lightbox-alt">${picture.alt}</span>`}
        <span class="lightbox-facts">
          ${picture.width && picture.height ? `${picture.width} × ${picture.height}` : ''}
          ${count > 1 ? ` · ${at + 1} of ${count}` : ''}
        </span>
        <a class="link" href=${picture.url} target="_blank" rel="noopener noreferrer"
          >Open original</a
        >
      </figcaption>
    </figure>
    ${arrows}
    <button type="button" class="lightbox-close" aria-label="Close" autofocus onClick=${onClose}>
      ${icons.close()}
    </button>
  </dialog>`;
}

/** Small pictures are enlarged to at least 512 on their long side, within the window. */
function lightboxSize(picture: Picture): string {
  if (!picture.width || !picture.height) return '';
  const grow = Math.max(1, 512 / Math.max(picture.width, picture.height));
  const { width, height } = picture;
  // The ratio keeps its place while a slow line brings the picture.
  const wide = `min(${Math.round(width * grow)}px, ${((80 * width) / height).toFixed(2)}dvh)`;
  return `width:${wide};aspect-ratio:${width}/${height}`;
}
