/** /help. */
export const HELP = {
  help: [
    '### Darkroom paints what you describe',
    'Type `/imagine` and a **prompt**. The reply shows your place in the line, then the picture as it emerges.',
    '',
    '**prompt** what should be in the picture. `(word:1.3)` makes a word count more, `(word:0.7)` less, `<lora:name:0.8>` adds a LoRA of `/models`.',
    '**negative** what should not be in it.',
    '**steps** how often the picture is refined. Beyond 20 to 30 it mostly takes longer; `auto` takes as few as change nothing you would see.',
    '**cfg** how strictly the prompt is followed. 5 to 9 is usual; very high values burn colours.',
    '**seed** the number the noise is made from. The same seed with the same options gives the same picture; one changed digit gives another.',
    '**size** in pixels. Models paint best near the size they were made for.',
    '**sampler, schedule** the path from noise to picture: a matter of taste and speed.',
    '**image, strength** a picture to start from, and how much of it is repainted. **private** only you see the reply.',
    '',
    '**Reroll** the same order with a new seed · **Vary** a neighbour of the same picture · **Upscale** the same picture, twice the size · **Use as start** paint over it · **Remix** change the words · **Recipe** every number behind it.',
    'On any picture, also from elsewhere: its menu, Apps, **Recipe** or **Reimagine**.',
    '**Stop** and **Delete** are for the person who asked and for moderators.',
    'Where a server gives you seconds of the machine a day, only pictures that you got count: what was stopped, failed or kept back by the safety checker costs nothing.',
    '',
    '`/queue` who is waiting · `/recent` your pictures · `/show` one of them · `/presets` of this server · `/preferences` of yours · `/models` what can paint here · `/stats` how much and how fast · `/settings` the defaults of this server (Manage Server).',
    '-# Every picture is made by a machine and carries that mark, with its recipe, inside the file.',
  ].join('\n'),
};
