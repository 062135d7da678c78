/** The page's own small drawings, 24 x 24, in the colour of the text around them. */
import type { VNode } from 'preact';
import { html } from '../html.ts';

const line = (path: string): VNode =>
  html`<svg
    class="icon"
    viewBox="0 0 24 24"
    width="20"
    height="20"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d=${path} />
  </svg>`;

export const icons = {
  hash: () => line('M9 4 7 20M17 4l-2 16M4 9h17M3 15h17'),
  announcement: () => line('M4 10v4h3l8 4V6l-8 4H4M18.500 9.500a4 4 0 0 1 0 5'),
  voice: () =>
    line('M4 9.500v5h3.500L12 18V6L7.500 9.500H4M15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11'),
  thread: () => line('M6 4v8a4 4 0 0 0 4 4h9M15 12l4 4-4 4'),
  lock: () => line('M6 11h12v9H6v-9M8.500 11V8a3.500 3.500 0 0 1 7 0v3'),
  forum: () => line('M4 5h16v11h-8l-4 4v-4H4V5M8 9h8M8 12h5'),
  menu: () => line('M4 6h16M4 12h16M4 18h16'),
  people: () =>
    line(
      'M16 20v-1a4 4 0 0 0-4-4H7a4 4 0 0 0-4 4v1M9.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M21 20v-1a4 4 0 0 0-3-3.8M15.500 4.200a3.500 3.500 0 0 1 0 6.700',
    ),
  sun: () =>
    line(
      'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400',
    ),
  moon: () => line('M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z'),
  close: () => line('M6 6l12 12M18 6 6 18'),
  more: () => line('M5 12h.01M12 12h.01M19 12h.01'),
  down: () => line('M6 9l6 6 6-6'),
  check: () => line('M5 12.500l4.500 4.500L19 7.500'),
  plus: () => line('M12 5v14M5 12h14'),
  send: () => line('M5 12h13M12 5l7 7-7 7'),
  file: () => line('M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5M14 3v5h5'),
  upload: () => line('M12 16V4M7 9l5-5 5 5M5 20h14'),
  out: () => line('M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5'),
  eye: () =>
    line('M2 12s3.500-7 10-7 10 7 10 7-3.500 7-10 7-10-7-10-7M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6'),
  key: () => line('M12 3l8 3v6c0 5-3.500 8-8 9-4.500-1-8-4-8-9V6l8-3'),
  left: () => line('M15 5l-7 7 7 7'),
  right: () => line('M9 5l7 7-7 7'),
  reply: () => line('M4 18v-5a3 3 0 0 1 3-3h13M16 6l4 4-4 4'),
};

/** The aperture: the bot's face and the playground's mark. */
export function Aperture({ size }: { size: number }): VNode {
  const blade = 'M50 50 50 8A42 42 0 0 1 86.400 29Z';
  return html`<svg
    class="aperture"
    viewBox="0 0 100 100"
    width=${size}
    height=${size}
    aria-hidden="true"
  >
    <circle cx="50" cy="50" r="50" class="aperture-ground" />
    ${[0, 60, 120, 180, 240, 300].map(
      (turn) =>
        html`<path d=${blade} class="aperture-blade" transform=${`rotate(${turn} 50 50)`} />`,
    )}
    <circle cx="50" cy="50" r="13" class="aperture-light" />
  </svg>`;
}

/** Draws a person as initials on their colour, `size` CSS pixels wide. */
export function Avatar(props: { name: string; colour: string; size: number }): VNode {
  const initials = props.name
    .split(/\s+/)
    .map((word) => Array.from(word)[0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase();
  const style = `--size:${props.size}px;background:${props.colour}`;
  return html`<span class="avatar" style=${style} aria-hidden="true">${initials}</span>`;
}
