import { numberHelp, wordHelp } from '../../engine/request-codec.ts';

const NUMBERS = numberHelp();
const WORDS = wordHelp();
/** Those that stand in a place of their own; others follow under exactness. */
const PLACED = ['negative', 'sampler', 'schedule'] as const;
const [NEGATIVE, SAMPLER, SCHEDULE] = PLACED.map((flag) => WORDS.get(flag));
const EXACTNESS = [...WORDS]
  .filter(([flag]) => !PLACED.some((placed) => placed === flag))
  .map(([, line]) => line)
  .join('\n');

/** What `imagine --help` says. */
export const IMAGINE_HELP = `Paints pictures from the command line, with the same engine as the bot.

  npm run -s imagine -- "<prompt>" [options]

The prompt: (word:1.3) counts more, [a:b:0.5] changes on the way, <lora:name:0.8> adds a file of
MODELS_DIR/loras, the name of a textual inversion calls it.

The picture
${NEGATIVE}
  --size WxH              pixels, such as 512x768 (the model's own size)
${NUMBERS.lines}
  --seed N                0 to 2^64-1; the same seed gives the same picture (random)
${SAMPLER}
${SCHEDULE}
  --model NAME|FILE|DIR   a model of the models folder, or any .safetensors file or model folder
  --vae NAME|FILE         a VAE of MODELS_DIR/vae or any file with one, in place of the model's own
  --text-encoder FILE     for a file that has none; once for each it lacks
  --tokenizer DIR         its folder with tokenizer.json, where the files bring none (Qwen3, T5)
  --reference FILE        a picture to edit, for FLUX.2, Flux.1 Kontext (once for each) and InstructPix2Pix
Again
  --from FILE             paint the recipe in a picture, an infotext or a ComfyUI graph; the prompt may be left out,
                          and every option here stands for what the recipe says
From a picture
  --init FILE             start from this PNG, JPEG or WebP
  --strength X            how much of it is painted anew, 0-1 (0.75)
  --mask FILE             only where this picture is white
  --mask-blur N           softens the mask's edge, pixels (4; 0 in profiles diffusers and comfy)
  --only-masked           paint the masked region at full size
  --outpaint L,T,R,B      add pixels left, above, right and below, and paint them
Larger pictures (hires fix: a second pass over the enlarged first)
  --hires-scale X         1-4; switches it on
  --hires-steps N         (as many as the first pass)
  --hires-strength X      how much is painted anew, 0-1 (0.7)
  --hires-upscaler NAME   latent, latent_antialiased, latent_bicubic, latent_bicubic_antialiased,
                          latent_nearest, latent_nearest_exact, pixel, or a file of
                          MODELS_DIR/upscalers by its name (latent)
SDXL
  --refiner NAME|DIR      the model that takes over; --refiner-at X after this share of the way (0.8)
  --prompt-2 TEXT         what the second text encoder reads; --negative-2 TEXT; --prompt-3 and --negative-3: the
                          third of Stable Diffusion 3
  --original-size WxH  --target-size WxH  --crop L,T   the sizes it is told
  --negative-original-size WxH  --negative-target-size WxH  --negative-crop L,T
Variations of a seed
  --variation-seed N  --variation-strength X   a little of another seed's noise, 0-1
  --seed-resize WxH       keep the composition of this size
Exactness
${EXACTNESS}
  --replan A+B            after A of the steps the rest in B, as a recipe's "Replanned steps" says
  --ngms SIGMA            below this noise level every second step does without the negative prompt;
                          --ngms-all: every step; --skip-early-cfg X: the first share of the steps
  ${NUMBERS.others}
Results
  --out FILE|DIR          (./out/<seed>-<prompt>.png)
  --json                  one JSON object on stdout, nothing else
  --save-latents FILE.npy the final latents, float32 [B,C,h,w]
  --safety on|off         write only what the model folder's safety checker lets pass, if it has one (on)

Environment: MODELS_DIR, DEVICE, ENGINE_ISOLATION. Exit status: 0 done, 2 bad arguments, 3 no recipe,
1 failure.
`;
