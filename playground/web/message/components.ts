/** Message components: rows of buttons and selects, and the Components V2 layout. */
import type {
  APIActionRowComponent,
  APIAttachment,
  APIButtonComponent,
  APIComponentInMessageActionRow,
  APIContainerComponent,
  APIMessageTopLevelComponent,
  APISectionComponent,
  APISelectMenuComponent,
} from 'discord-api-types/v10';
import { createContext, type VNode } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { hexColour } from './embed.ts';
import { FileCard, fileNameOf, pictureOfMedia, safeUrl } from './files.ts';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';
import { Gallery } from './media.ts';
import { SelectMenu } from '../form/select.ts';
import { defaultsOf, emojiText, entriesOf, type People } from '../form/select-entries.ts';
import { Markdown } from './text.ts';

const COMPONENT = {
  row: 1,
  button: 2,
  textInput: 4,
  section: 9,
  text: 10,
  thumbnail: 11,
  gallery: 12,
  file: 13,
  separator: 14,
  container: 17,
  label: 18,
  fileUpload: 19,
  radio: 21,
  checkboxes: 22,
  checkbox: 23,
} as const;

/** What the components of one message need to work. */
export type Surface = {
  people: People;
  /** custom id that waits for the bot's answer */
  busy: string | null;
  press(customId: string, componentType: number, values?: readonly string[]): void;
};
export const SurfaceContext = createContext<Surface>({
  people: { guild: null, users: [] },
  busy: null,
  press: () => undefined,
});

type Files = readonly APIAttachment[];

/** Draws a message's components (Discord's components v2). */
export function Components(props: {
  components: readonly APIMessageTopLevelComponent[];
  files: Files;
}): VNode {
  return html`<div class="components">
    ${props.components.map((c, index) => component(c, props.files, index))}
  </div>`;
}

function component(c: APIMessageTopLevelComponent, files: Files, index: number): VNode | null {
  switch (c.type as number) {
    case COMPONENT.row:
      return html`<${Row} key=${index} row=${c} />`;
    case COMPONENT.container:
      return html`<${Container} key=${index} container=${c} files=${files} />`;
    case COMPONENT.text:
      return html`<${Markdown} key=${index} text=${(c as { content: string }).content} />`;
    case COMPONENT.section:
      return html`<${Section} key=${index} section=${c} files=${files} />`;
    case COMPONENT.gallery: {
      const { items } = c as { items: Parameters<typeof pictureOfMedia>[0][] };
      const pictures = items.map((item) => pictureOfMedia(item, files));
      return html`<${Gallery} key=${index} pictures=${pictures} />`;
    }
    case COMPONENT.separator: {
      const { divider, spacing } = c as { divider?: boolean; spacing?: number };
      const name = classes('separator', divider === false && 'bare', spacing === 2 && 'large');
      return html`<div key=${index} class=${name} role="separator"></div>`;
    }
    case COMPONENT.file: {
      const { file, name, size, spoiler } = c as {
        file: { url: string };
        name?: string;
        size?: number;
        spoiler?: boolean;
      };
      const own = files.find((f) => f.filename === fileNameOf(file.url));
      const url = file.url.startsWith('attachment:') ? (own?.url ?? '') : file.url;
      const shown = name ?? own?.filename ?? fileNameOf(file.url);
      const card = html`<${FileCard} name=${shown} size=${size ?? own?.size ?? null} url=${url} />`;
      return spoiler
        ? html`<${Cover} key=${index}>${card}<//>`
        : html`<div key=${index}>${card}</div>`;
    }
    default:
      return null;
  }
}

function Container({
  container,
  files,
}: {
  container: APIContainerComponent;
  files: Files;
}): VNode {
  const colour = container.accent_color;
  const accented = colour !== null && colour !== undefined;
  const body = html`<div
    class=${classes('container', accented && 'accented')}
    style=${accented ? `--accent:${hexColour(colour)}` : ''}
  >
    ${container.components.map((c, index) => component(c, files, index))}
  </div>`;
  return container.spoiler ? html`<${Cover}>${body}<//>` : body;
}

/** Blurred until somebody asks to see it. */
function Cover({ children }: { children?: unknown }): VNode {
  const [open, setOpen] = useState(false);
  if (open) return html`<div>${children}</div>`;
  return html`<div class="cover">
    <div class="covered-body" inert>${children}</div>
    <button type="button" class="cover-word" onClick=${() => setOpen(true)}>Spoiler</button>
  </div>`;
}

function Section({ section, files }: { section: APISectionComponent; files: Files }): VNode {
  const { accessory } = section;
  const side =
    (accessory.type as number) === COMPONENT.thumbnail
      ? html`<${Gallery}
          pictures=${[pictureOfMedia(accessory as Parameters<typeof pictureOfMedia>[0], files)]}
        />`
      : html`<${Button} button=${accessory} />`;
  return html`<div class="section">
    <div class="section-words">
      ${section.components.map((c, index) => html`<${Markdown} key=${index} text=${c.content} />`)}
    </div>
    <div
      class=${classes('section-side', (accessory.type as number) === COMPONENT.thumbnail && 'thumbnail')}
    >
      ${side}
    </div>
  </div>`;
}

function Row({ row }: { row: APIActionRowComponent<APIComponentInMessageActionRow> }): VNode {
  return html`<div class="row">
    ${row.components.map((c, index) =>
      (c.type as number) === COMPONENT.button
        ? html`<${Button} key=${index} button=${c} />`
        : html`<${MessageSelect} key=${index} select=${c} />`,
    )}
  </div>`;
}

const STYLES = ['', 'primary', 'secondary', 'success', 'danger', 'link', 'premium'] as const;

function Button({ button }: { button: APIButtonComponent }): VNode {
  const surface = useContext(SurfaceContext);
  const style = STYLES[button.style] ?? 'secondary';
  const emoji = 'emoji' in button ? emojiText(button.emoji) : '';
  const label = 'label' in button ? (button.label ?? '') : '';
  const face = html`${emoji && html`<span class="button-emoji" aria-hidden=${label !== ''}>${emoji}</span>`}
  ${label && html`<span>${label}</span>`}`;
  if ('url' in button) {
    return html`<a
      class="button link-button"
      href=${safeUrl(button.url) || undefined}
      target="_blank"
      rel="noopener noreferrer"
      aria-disabled=${button.disabled ?? false}
      >${face}${icons.out()}</a
    >`;
  }
  const customId = 'custom_id' in button ? button.custom_id : '';
  const busy = surface.busy !== null && surface.busy === customId;
  return html`<button
    type="button"
    class=${classes('button', style, busy && 'busy')}
    disabled=${(button.disabled ?? false) || customId === ''}
    aria-busy=${busy}
    onClick=${() => !busy && surface.press(customId, COMPONENT.button)}
  >
    <span class="button-face">${face}</span>
    ${busy && html`<span class="dots" aria-label="Waiting"><i></i><i></i><i></i></span>`}
  </button>`;
}

function MessageSelect({ select }: { select: APISelectMenuComponent }): VNode {
  const surface = useContext(SurfaceContext);
  return html`<${SelectMenu}
    entries=${entriesOf(select, surface.people)}
    chosen=${defaultsOf(select)}
    placeholder=${select.placeholder ?? 'Make a selection'}
    min=${select.min_values ?? 1}
    max=${select.max_values ?? 1}
    disabled=${select.disabled ?? false}
    busy=${surface.busy === select.custom_id}
    onChoose=${(values: readonly string[]) => surface.press(select.custom_id, select.type, values)}
  />`;
}
