import { ApplicationCommandOptionType } from 'discord.js';
import { SAMPLERS } from '../src/engine/names.ts';
import { familyTitle, limitsOf, samplersOf } from '../src/engine/request-codec.ts';
import type { ModelInfo, UnusableModel } from '../src/engine/request.ts';
import { type Said, wordsOf } from '../src/engine/said.ts';
import type { EngineStatus } from '../src/engine/engine.ts';
import type { Calibration } from '../src/explore/calibration/calibration.ts';
import type { Command } from '../src/bot/interaction/command.ts';
import { isHeard } from '../src/bot/order/unguided.ts';
import { deviceLines } from '../src/bot/render/device-lines.ts';
import { escapeMarkdown, plainLine, shorten } from '../src/bot/render/markdown.ts';
import type { Text } from '../src/bot/text/text.ts';
import { changeModels, modelChoices } from './owner/owner-models.ts';
import { EVERYWHERE } from './places.ts';

const { String: STRING } = ApplicationCommandOptionType;

const SHOWN = 12;

export const models: Command = {
  visibility: 'private',
  definition: {
    name: 'models',
    description: 'See which models can paint here, and on what they run',
    ...EVERYWHERE,
    options: [
      {
        type: STRING,
        name: 'fetch',
        description: 'For the owner of the bot: owner/name of the hub, civitai:123, an address',
        autocomplete: true,
        max_length: 300,
      },
      {
        type: STRING,
        name: 'as',
        description: 'What a fetched model is called here',
        max_length: 100,
      },
      {
        type: STRING,
        name: 'verify',
        description: 'For the owner of the bot: compare a fetched model with what was fetched',
        autocomplete: true,
        max_length: 100,
      },
      {
        type: STRING,
        name: 'remove',
        description: 'For the owner of the bot: remove a fetched model',
        autocomplete: true,
        max_length: 100,
      },
    ],
  },

  autocomplete: modelChoices,

  async run(interaction, scene) {
    if (await changeModels(interaction, scene)) return;
    const { answer, engine, calibrations, upscalers, text } = scene;
    const found = await engine.models();
    const status = engine.status();
    const lines = byFamily(found.slice(0, SHOWN)).flatMap(({ title, members }) => [
      ...(title === null ? [] : [title]),
      ...members.map((model) => describeModel(model, status, text, calibrations)),
    ]);
    if (found.length > SHOWN) lines.push(text.modelsMore(found.length - SHOWN));
    if (found.length === 0) lines.push(text.noModels);
    lines.push(...unusableLines(engine.unusable(), text));
    const larger = (await upscalers?.names()) ?? [];
    if (larger.length > 0) {
      const names = larger
        .slice(0, SHOWN)
        .map((name) => escapeMarkdown(shorten(plainLine(name), 60)));
      lines.push(`-# ${text.modelsUpscalers(names.join(', '))}`);
    }
    await answer.tell([text.modelsTitle, ...lines, ...deviceLines(status, text)].join('\n'));
  },
};

/** In the order in which the families first come; without titles where all are of one. */
export function byFamily(
  found: readonly ModelInfo[],
): { title: string | null; members: readonly ModelInfo[] }[] {
  const groups = Map.groupBy(found, ({ family }) => familyTitle(family));
  return [...groups].map(([title, members]) => ({
    title: groups.size > 1 ? `**__${escapeMarkdown(title)}__**` : null,
    members,
  }));
}

const UNUSABLE_SHOWN = 5;

/** What lies in the models folder and cannot paint: what it is, what is missing and where to put it. */
export function unusableLines(unusable: readonly UnusableModel[], text: Text): string[] {
  const lines = unusable.slice(0, UNUSABLE_SHOWN).map(({ name, said }) => {
    const why = escapeMarkdown(shorten(plainLine(wordsOf(said, text.said)), 300));
    return text.modelUnusable(escapeMarkdown(shorten(plainLine(name), 80)), why);
  });
  const more = unusable.length - UNUSABLE_SHOWN;
  return more > 0 ? [...lines, text.modelsMore(more)] : lines;
}

const LORAS_SHOWN = 8;
const CALIBRATIONS_SHOWN = 3;

/** As a prompt asks for them, to copy. */
function lorasOf(names: readonly string[]): string {
  const tags = names
    .slice(0, LORAS_SHOWN)
    .map((name) => `\`<lora:${plainLine(name).replaceAll('`', '')}:1>\``);
  const more = names.length - LORAS_SHOWN;
  return `LoRA ${tags.join(' ')}${more > 0 ? ` +${more}` : ''}`;
}

/** What a file cannot say is a default, and shows by what it is known. */
function checkpointNotes(
  { prediction, dtype, vae }: NonNullable<ModelInfo['checkpoint']>,
  text: Text,
): string[] {
  const reason = (how: Said): string =>
    escapeMarkdown(shorten(plainLine(wordsOf([how], text.said)), 160));
  return [
    text.modelPredicts(escapeMarkdown(prediction.value), reason(prediction.how)),
    dtype,
    ...(vae === null ? [] : [text.modelVae(reason(vae))]),
  ];
}

/** How few steps were enough, and when that was measured. */
function calibrationNotes(
  { hash }: ModelInfo,
  calibrations: readonly Calibration[],
  text: Text,
): string[] {
  return calibrations
    .filter((one) => one.hash === hash)
    .slice(0, CALIBRATIONS_SHOWN)
    .map(({ sampler, schedule, steps, at, gaveUp }) => {
      const path = escapeMarkdown(`${sampler} ${schedule}`);
      const when = at === undefined ? null : `<t:${Math.floor(at / 1000)}:R>`;
      return gaveUp === true
        ? text.modelNotCalibrated(path, when)
        : text.modelCalibrated(path, steps, when);
    });
}

/** What its family takes, and what its noise levels can be walked by where that is not nearly everything. */
function limitNotes(model: ModelInfo, text: Text): string[] {
  const { steps, side, references, tokens } = limitsOf(model);
  const samplers = samplersOf(model);
  const takes = [
    text.modelTakesSteps(steps),
    text.modelTakesSides(side.least, side.most),
    ...(tokens === null ? [] : [text.modelTakesTokens(tokens)]),
    ...(references === 0 ? [] : [text.modelTakesPictures(references)]),
  ];
  const names = samplers.map((name) => escapeMarkdown(name)).join(', ');
  return [
    text.modelTakes(takes.join(', ')),
    ...(samplers.length < SAMPLERS.length / 2 ? [text.modelSamplers(names)] : []),
  ];
}

/**
 * Writes what `/models` says of one model as Markdown lines: defaults, limits, how its file was read, where it is
 * loaded.
 */
export function describeModel(
  model: ModelInfo,
  status: EngineStatus,
  text: Text,
  calibrations: readonly Calibration[] = [],
): string {
  const { defaults, nativeSize } = model;
  const loaded = status.loaded.find((entry) => entry.model === model.name);
  const notes = [
    text.modelDefaults(
      defaults.steps,
      escapeMarkdown(defaults.sampler),
      escapeMarkdown(defaults.schedule),
      isHeard('cfg', model) ? String(defaults.guidanceScale) : null,
    ),
  ];
  notes.push(model.safetyChecker === true ? text.modelChecked : text.modelUnchecked);
  if (model.unguided) notes.push(text.modelUnguided);
  notes.push(...limitNotes(model, text));
  if (model.references) notes.push(text.modelEdits);
  if (model.loras?.length) notes.push(lorasOf(model.loras));
  if (model.checkpoint !== undefined) notes.push(...checkpointNotes(model.checkpoint, text));
  if (loaded !== undefined) notes.push(text.modelLoaded(loaded.provider));
  notes.push(...calibrationNotes(model, calibrations, text));
  const name = escapeMarkdown(shorten(plainLine(model.name), 80));
  const size = `${nativeSize.width}x${nativeSize.height}`;
  const family = familyTitle(model.family) + (model.inpainting ? ' (inpainting)' : '');
  return [text.modelLine(name, family, size, model.sizeFactor), `-# ${notes.join(' · ')}`].join(
    '\n',
  );
}
