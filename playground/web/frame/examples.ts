/** What a newcomer can begin with: pictures that the embedded model painted, and the commands that paint such. */
import type { SlashCommand } from '../composer/commands.ts';

export type Example = {
  command: string;
  /** what is shown and sent, by option */
  options: Readonly<Record<string, string>>;
  /** what the button says beside the command */
  words: string;
  /** file in this folder, pixels */
  picture: string;
};

export const EXAMPLES: readonly Example[] = [
  {
    command: 'explore',
    options: {
      x: 'steps',
      prompt: 'a red heart on a meadow',
      values: '1,3,5,10,20,50',
      y: 'sampler',
      'y-values': 'euler,euler_a,dpmpp_2m',
      seed: '7',
    },
    words: 'what steps and samplers do to a red heart on a meadow',
    picture: 'sheet.webp',
  },
  {
    command: 'imagine',
    options: { prompt: 'a red heart on a white background' },
    words: 'a red heart on a white background',
    picture: 'heart.webp',
  },
  {
    command: 'imagine',
    options: { prompt: 'an orange fox in the snow' },
    words: 'an orange fox in the snow',
    picture: 'fox.webp',
  },
];

export const pictureOf = ({ picture }: Pick<Example, 'picture'>): string =>
  `/web/examples/${picture}`;

/** The values to send with it; null where the bot does not have the command, or not with these options. */
export function valuesFor(
  { command, options }: Example,
  commands: readonly SlashCommand[],
): { command: SlashCommand; values: { name: string; type: number; value: string }[] } | null {
  const found = commands.find((one) => one.name === command && one.path.length === 0);
  if (!found) return null;
  const values = Object.entries(options).flatMap(([name, value]) => {
    const option = found.options.find((one) => one.name === name);
    return option ? [{ name, type: option.type as number, value }] : [];
  });
  return values.length === Object.keys(options).length ? { command: found, values } : null;
}
