import { ButtonStyle, ComponentType } from 'discord.js';
import type { APIComponentInMessageActionRow, APIMessageTopLevelComponent } from 'discord.js';
import { permitHere } from '../../src/bot/policy/gate.ts';
import { UserError } from '../../src/engine/errors.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { jobOf, seenLike } from '../../src/bot/order/order.ts';
import type { SeenBy } from '../../src/bot/order/order.ts';
import { inTurn } from '../../src/bot/pictures/pictures-of.ts';
import {
  AREAS,
  GRID,
  NO_REGION,
  REGION_SHAPES,
  decodeRegion,
  drawRegion,
  encodeRegion,
  isChosen,
  maskOf,
  regionOfArea,
  toggled,
} from '../../src/bot/pictures/region.ts';
import type { AreaName, Region } from '../../src/bot/pictures/region.ts';
import { indexOf } from '../../src/bot/pictures/stored-picture.ts';
import { gallery, paragraph } from '../../src/bot/render/render.ts';
import type { Rendered } from '../../src/bot/render/render.ts';
import { percent } from '../../src/bot/render/render-words.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { onePicture } from './one-picture.ts';
import type { OnePicture } from './one-picture.ts';

/** Everything that a control of the grid knows; it travels in the control's id. */
export type RegionState = { index: number; seenBy: SeenBy; region: Region };

/** `0-p-3f-n` */
export function encodeState({ index, seenBy, region }: RegionState): string {
  return `${index}-${seenBy === 'private' ? 'h' : 'p'}-${encodeRegion(region)}`;
}

/** @throws UserError for what encodeState did not write */
export function decodeState(
  text: string | null,
  { text: words }: Pick<Scene, 'text'>,
): RegionState {
  const match = /^([0-8])-([hp])-([0-9a-f]+-[a-z])/.exec(text ?? '');
  const region = match === null ? null : decodeRegion(match[3] ?? '');
  if (match === null || region === null) throw new UserError(words.unknownButton);
  return { index: Number(match[1]), seenBy: match[2] === 'h' ? 'private' : 'public', region };
}

/** Opens the numbered grid over a picture, for the one who asks. */
export const region: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const index = indexOf(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    await permitHere(interaction, scene);
    const picture = await onePicture(job, index, interaction, scene);
    const state = { index, seenBy: seenLike(interaction), region: NO_REGION };
    await scene.answer.acknowledge('private');
    await scene.answer.show(await rendered(picture, state, scene.text));
  },
};

/** A number, a part by name or "clear": the same message with the part as it is now. */
export const regionPart: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const state = decodeState(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    const told = interaction.isStringSelectMenu()
      ? (interaction.values[0] ?? '')
      : (/-x([a-z0-9-]+)$/.exec(id.detail ?? '')?.[1] ?? '');
    const next = { ...state, region: after(state.region, told, scene) };
    await scene.answer.acknowledge('in-place');
    const picture = await onePicture(job, state.index, interaction, scene);
    await scene.answer.show(await rendered(picture, next, scene.text));
  },
};

function after(region: Region, told: string, { text }: Pick<Scene, 'text'>): Region {
  if (told === 'clear') return NO_REGION;
  if (/^[1-9]$/.test(told)) return toggled(region, Number(told));
  const shape = REGION_SHAPES.find((one) => one === told);
  if (shape !== undefined) return { squares: 0n, shape };
  if (Object.hasOwn(AREAS, told)) return regionOfArea(told as AreaName);
  throw new UserError(text.unknownButton);
}

async function rendered(
  { job, png, size }: OnePicture,
  state: RegionState,
  text: Text,
): Promise<Rendered> {
  const drawn = await inTurn(() => drawRegion(png, state.region));
  const mask = await maskOf(state.region, size);
  const words = text.region;
  const file = {
    name: 'region.jpg',
    data: drawn,
    contentType: 'image/jpeg',
    description: words.alt,
  };
  const chosen = mask === null ? words.nothingYet : words.chosen(percent(mask.coverage));
  const lines = [words.title, words.hint, chosen];
  return {
    components: [gallery([file]), paragraph(lines), ...controls(job.id, state, text)],
    files: [file],
  };
}

function controls(jobId: string, state: RegionState, text: Text): APIMessageTopLevelComponent[] {
  const words = text.region;
  const id = (action: string, told?: string) =>
    customId(action, jobId, `${encodeState(state)}${told === undefined ? '' : `-x${told}`}`);
  const button = (
    custom_id: string,
    label: string,
    style: ButtonStyle.Primary | ButtonStyle.Secondary,
  ) => ({ type: ComponentType.Button, custom_id, label, style }) as const;
  const row = (components: APIComponentInMessageActionRow[]): APIMessageTopLevelComponent => ({
    type: ComponentType.ActionRow,
    components,
  });
  const lit = (on: boolean) => (on ? ButtonStyle.Primary : ButtonStyle.Secondary);
  const rows = Array.from({ length: GRID }, (_line, line) =>
    row(
      Array.from({ length: GRID }, (_column, column) => {
        const cell = line * GRID + column + 1;
        const style = lit(isChosen(state.region, cell));
        return button(id('region-part', String(cell)), String(cell), style);
      }),
    ),
  );
  const shapes = REGION_SHAPES.map((shape) =>
    button(id('region-part', shape), words.shapes[shape], lit(state.region.shape === shape)),
  );
  const options = (Object.keys(AREAS) as AreaName[]).map((value) => ({
    label: words.names[value],
    value,
  }));
  return [
    ...rows,
    row([
      {
        type: ComponentType.StringSelect,
        custom_id: id('region-part', 'name'),
        placeholder: words.choose,
        options,
      },
    ]),
    row([
      button(id('region-form'), words.paint, ButtonStyle.Primary),
      ...shapes,
      button(id('region-part', 'clear'), words.clear, ButtonStyle.Secondary),
    ]),
  ];
}
