import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ButtonStyle, ComponentType } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Action, Command, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { gallery, paragraph } from '../../src/bot/render/render.ts';
import type { MessageFile, Rendered } from '../../src/bot/render/render.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { EVERYWHERE } from '../places.ts';

/** Whom a page is for. */
const PAGES = ['member', 'manager', 'owner'] as const;
type Page = (typeof PAGES)[number];

/** The guide belongs to no job. */
const NO_JOB = '000000000000';

/** Painted by the embedded model; docs/explore.md says with which commands. */
const PICTURES: Readonly<Record<Page, readonly (keyof Text['helpPictures'])[]>> = {
  member: ['sheet', 'evolution'],
  manager: [],
  owner: ['curve'],
};

const turn: Action = {
  open: 'always',
  visibility: 'in-place',
  async press(_interaction, { detail }, scene) {
    await scene.answer.acknowledge('in-place');
    await showPage(PAGES.find((page) => page === detail) ?? 'member', scene);
  },
};

export const help: Command = {
  open: 'always',
  visibility: 'private',
  definition: {
    name: 'help',
    description: 'A short guide: what the options do, what the buttons do',
    ...EVERYWHERE,
  },
  run: (_interaction, scene) => showPage('member', scene),
  actions: { help: turn },
};

async function showPage(page: Page, { answer, text }: Scene): Promise<void> {
  await answer.acknowledge('private');
  await answer.show(await rendered(page, text));
}

async function rendered(page: Page, text: Text): Promise<Rendered> {
  const files = await Promise.all(PICTURES[page].map((name) => pictureOf(name, text)));
  const words = { member: text.help, manager: text.helpManager, owner: text.helpOwner }[page];
  const tabs: APIMessageTopLevelComponent = {
    type: ComponentType.ActionRow,
    components: PAGES.map((one) => ({
      type: ComponentType.Button,
      custom_id: customId('help', NO_JOB, one),
      label: text.helpPages[one],
      style: one === page ? ButtonStyle.Primary : ButtonStyle.Secondary,
      disabled: one === page,
    })),
  };
  // Each picture alone: side by side they are cropped to squares.
  const galleries = files.map((file) => gallery([file]));
  return { components: [...galleries, paragraph([words]), tabs], files };
}

async function pictureOf(name: keyof Text['helpPictures'], text: Text): Promise<MessageFile> {
  const file = path.join(import.meta.dirname, 'pictures', `${name}.webp`);
  return {
    name: `${name}.webp`,
    data: await readFile(file),
    contentType: 'image/webp',
    description: text.helpPictures[name],
  };
}
