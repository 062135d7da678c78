import { ComponentType } from 'discord.js';
import type { Rendered } from '../render/render.ts';

/** The same message with every picture behind Discord's spoiler. */
export function asSpoilers(rendered: Rendered): Rendered {
  return {
    files: rendered.files.map((file) => ({ ...file, spoiler: true })),
    components: rendered.components.map((component) =>
      component.type === ComponentType.MediaGallery
        ? { ...component, items: component.items.map((item) => ({ ...item, spoiler: true })) }
        : component,
    ),
  };
}
