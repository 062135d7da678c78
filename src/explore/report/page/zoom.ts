/** How large the pictures of the viewer are and which part of them is seen: all move together. */

/** Shared by all pictures of the viewer: how many screen pixels one picture pixel takes, and what lies in the middle (0-1). */
const zoom = { scale: 0, x: 0.5, y: 0.5 };
const LARGEST = 16;

/** All of every picture is seen. */
export function forgetZoom(): void {
  zoom.scale = 0;
  [zoom.x, zoom.y] = [0.5, 0.5];
}

function paneFrames(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('.viewer .frame')];
}

/** Pixels of the screen that a picture pixel takes where all of the picture is seen. */
function fitting(frame: HTMLElement, picture: HTMLImageElement): number {
  const { naturalWidth: width, naturalHeight: height } = picture;
  if (width === 0 || height === 0) return 1;
  return Math.min(frame.clientWidth / width, frame.clientHeight / height);
}

/** Lays out the pictures of all panes at the same zoom and place. */
export function applyZoom(): void {
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

/** Sets how many CSS pixels a pixel of the picture is wide; 0 fits it into its pane. */
export function setScale(scale: number): void {
  zoom.scale = scale;
  if (scale === 0) [zoom.x, zoom.y] = [0.5, 0.5];
  applyZoom();
}

/** The part of the picture (0-1) that lies under a point of its frame. */
export function pointIn(
  frame: HTMLElement,
  { clientX, clientY }: { clientX: number; clientY: number },
): [number, number] {
  const picture = frame.querySelector('img');
  const bounds = picture?.getBoundingClientRect();
  if (bounds === undefined || bounds.width === 0) return [0.5, 0.5];
  return [(clientX - bounds.left) / bounds.width, (clientY - bounds.top) / bounds.height];
}

/** Larger or smaller; what lies under `at` stays there. */
export function zoomBy(factor: number, at: [number, number] = [zoom.x, zoom.y]): void {
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
export function followFingers(frame: HTMLElement): void {
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

addEventListener('resize', applyZoom);
