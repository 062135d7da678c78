import sharp from 'sharp';

/** How a terminal shows pictures: kitty's or iTerm2's protocol, two coloured half blocks a cell, or not at all. */
export type PictureStyle = 'kitty' | 'iterm' | 'blocks' | 'none';

export type TerminalTraits = {
  /** TERM, TERM_PROGRAM */
  term: string;
  program: string;
  /** bits, as WriteStream.getColorDepth() counts */
  colorDepth: number;
  isTTY: boolean;
};

/** Terminals that speak kitty's graphics protocol. */
const KITTY = /^(xterm-kitty|xterm-ghostty)$|^(ghostty|WezTerm)$/;

/** Chooses how a terminal can show a picture, by what it says of itself; "none" where output is no terminal. */
export function pictureStyle({ term, program, colorDepth, isTTY }: TerminalTraits): PictureStyle {
  // Multiplexers swallow the graphics protocols.
  const multiplexed = /^(screen|tmux)/.test(term) || program === 'tmux';
  if (!isTTY || term === 'dumb') return 'none';
  if (!multiplexed && (KITTY.test(term) || KITTY.test(program))) return 'kitty';
  if (!multiplexed && program === 'iTerm.app') return 'iterm';
  return colorDepth >= 24 ? 'blocks' : 'none';
}

/** The escape sequences that show an encoded picture at the cursor, and how many lines they take. */
export async function renderPicture(
  image: Uint8Array,
  style: PictureStyle,
  columns: number,
  rows: number,
): Promise<{ text: string; lines: number }> {
  if (style === 'none') return { text: '', lines: 0 };
  const { width, height } = await sharp(image).metadata();
  // The picture and the line below it must fit, or moving back up to it would miss.
  const cells = Math.max(
    2,
    Math.min(columns - 1, 48, Math.floor(((rows - 2) * 2 * width) / height)),
  );
  if (style === 'blocks') return renderBlocks(image, cells);
  // A cell is about twice as high as wide.
  const lines = Math.max(1, Math.round((cells / 2) * (height / width)));
  if (style === 'kitty') return { text: await kittySequence(image, cells, lines), lines };
  const base64 = Buffer.from(image).toString('base64');
  const size = `size=${image.length};width=${cells};height=${lines}`;
  return { text: `\u001b]1337;File=inline=1;${size}:${base64}\u0007\n`, lines };
}

/** https://sw.kovidgoyal.net/kitty/graphics-protocol/: PNG, in pieces of at most 4096 characters. */
async function kittySequence(image: Uint8Array, columns: number, rows: number): Promise<string> {
  const base64 = (await sharp(image).png().toBuffer()).toString('base64');
  const pieces = base64.match(/.{1,4096}/g) ?? [];
  const sent = pieces.map((piece, at) => {
    // A fixed id: the next preview replaces this one instead of filling the terminal's memory.
    const first = at === 0 ? `a=T,f=100,q=2,i=1,c=${columns},r=${rows},` : '';
    const more = at < pieces.length - 1 ? 1 : 0;
    return `\u001b_G${first}m=${more};${piece}\u001b\\`;
  });
  return `${sent.join('')}\n`;
}

/** Upper half blocks: the foreground paints the upper pixel, the background the lower one. */
async function renderBlocks(
  image: Uint8Array,
  columns: number,
): Promise<{ text: string; lines: number }> {
  const { data, info } = await sharp(image)
    .resize(columns)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const color = (x: number, y: number): string => {
    const at = (Math.min(y, info.height - 1) * info.width + x) * info.channels;
    return `${data[at] ?? 0};${data[at + 1] ?? 0};${data[at + 2] ?? 0}`;
  };
  const lines = Math.ceil(info.height / 2);
  let text = '';
  for (let line = 0; line < lines; line++) {
    for (let x = 0; x < info.width; x++) {
      text += `\u001b[38;2;${color(x, line * 2)}m\u001b[48;2;${color(x, line * 2 + 1)}m▀`;
    }
    text += '\u001b[0m\n';
  }
  return { text, lines };
}
