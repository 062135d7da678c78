import type { ProfileName } from '../../src/engine/names.ts';
import type { PictureDifference } from '../../test/support/golden/golden-cases.ts';
import type { Measure } from '../../test/support/golden/measure.ts';

/** A family of golden pictures in one profile. */
export type PictureRow = {
  family: string;
  profile: ProfileName;
  cases: {
    name: string;
    /** there are no latents to compare: levels are what `error` and `tolerance` count */
    onlyPicture: boolean;
    /** largest difference of the latents */
    error: number;
    tolerance: number;
    /** null where no picture is comparable */
    picture: PictureDifference | null;
  }[];
  /** cases of the reference that no request can word */
  left: readonly string[];
};

export type Numbered = 'transformers' | 'seeds' | 'schedules' | 'samplers';

type Numbers = Record<Numbered, readonly Measure[]>;

const SOURCES =
  'reference vectors made with diffusers 0.40.0.dev0 (58eb52c0), k-diffusion ab527a9a, A1111 v1.10.1, ComfyUI a125cd84, torch 2.13';

/** docs/parity.md, and whether every figure is within its tolerance. */
export function report(
  pictures: readonly PictureRow[],
  numbers: Numbers,
): { text: string; isEqual: boolean } {
  const all = [...pictures.flatMap(({ cases }) => cases), ...Object.values(numbers).flat()];
  const isEqual = all.every(({ error, tolerance }) => error <= tolerance);
  const text = [
    HEAD,
    `## Whole pictures\n\n${PICTURES}\n\n${pictureTable(pictures)}\n\n${worst(pictures)}\n\n${left(pictures)}`,
    `## Diffusion transformers\n\n${TRANSFORMERS}\n\n${numberTable(byName(numbers.transformers))}`,
    `## Seeds\n\n${SEEDS}\n\n${numberTable(numbers.seeds)}`,
    `## Schedules\n\n${SCHEDULES}\n\n${numberTable(numbers.schedules)}`,
    `## Samplers\n\n${SAMPLERS}\n\n${numberTable(numbers.samplers)}`,
    FOOT,
  ].join('\n\n');
  return { text: `${text}\n`, isEqual };
}

const HEAD = `# Parity

<!-- Written by \`npm run parity\`. Change scripts/docs/parity-report.ts, not this file. -->

People bring seeds and settings from other programs and expect the same picture. Here is how close Darkroom comes, measured against ${SOURCES}.

"Equal" never means bit-equal for whole pictures: two builds of the same network differ in the last bits, and sampling carries such bits along. Each comparison therefore has a tolerance, drawn from how far the reference itself moves between PyTorch and ONNX Runtime or between single and double precision. Everything below is inside its tolerance unless a row says NO.`;

const PICTURES = `Each case is one generation through the public engine (\`startEngine\`): small models of eight families, many schedulers, sizes, prompts and strengths. ComfyUI's pictures are made by its own noise, prompt weights, schedules and samplers around the same network (test/fixtures/golden/comfy/make.py), those of A1111's hires fix by its random numbers, steps and samplers (hires/make.py), its inpainting by its own cropping, resizing and laying over (inpaint/make.py). *handover* is one model taking over from another (\`--refiner\`): diffusers' base pipeline with \`denoising_end\` followed by its img2img pipeline with \`denoising_start\`, and A1111's switch inside the running sampler (handover/make.py). In profile \`diffusers\` no sampler is named: the model folder's \`scheduler_config.json\` decides, as \`from_pretrained\` does.

The latents are compared as the VAE decoder receives them (profile \`diffusers\`, values up to about 30) or before scaling (the other profiles). *Of tolerance* is the worst case's share of what it may be off. PSNR is the lowest, *equal pixels* the share over all pictures, *levels* the largest difference of any colour channel out of 255.`;

const TRANSFORMERS = `Whole generations of tiny models with every part of the real networks (head size, axes, norms, refiners, references, second attentions), their final latents beside those of diffusers' pipelines; pictures agree within one level and 60 dB. Weights are as people have them, 16 bits, fp8 or GGUF; **both sides calculate in float32 on the CPU**: the reference of a packed file is made from its unpacked numbers. Arithmetic in 16 bits, as a graphics card does it, was not compared.`;

const SEEDS = `Start noise is bit for bit what torch's CPU generator and A1111's Philox generator draw; *unequal* counts values with any differing bit. Brownian trees, variation seeds and seed resize pass through sums and square roots, so they are compared by value.`;

const SCHEDULES = `Every schedule over many step counts, beta tables and options. Noise levels are compared relatively: single precision keeps about 6e-8.`;

const SAMPLERS = `Each sampler runs on a model whose denoiser is known in closed form (a mixture of Gaussians), with the reference's own noise, so that only the sampler's arithmetic can differ. The figure is the largest difference of the final latents. Tolerance: eight times what the reference itself changes when it computes in double precision, and at least 2e-5; ancestral midpoint methods and zero terminal SNR lose digits in the reference, which is why their figures are larger. Perturbed-attention guidance (diffusers' pipeline and ComfyUI's node, test/fixtures/golden/pag/make.py) can only be seen in a network with attention: there whole runs of the embedded model are compared, PyTorch against ONNX Runtime.`;

const FOOT = `## What is deliberately not covered

- **Bit-equality with a GPU.** CUDA kernels, attention backends and half precision round differently from card to card; A1111 on two cards does not equal itself either. The \`nv\` generator gives A1111's GPU *noise*, the networks still run where you run them.
- **\`rng nv\` in profile \`comfy\`** stands for ComfyUI's GPU noise.
- **The last bit of torch's square root and logarithm.** Its float32 versions (oneMKL) are off by an ulp in one value of six and of seventeen. Where an ulp is multiplied it shows: zero terminal SNR (levels up to 5e-5 relative), KDPM2 ancestral in two steps (6e-3) or with whole timesteps, DEIS of order 3 beyond 15 steps (1e-4), cosine betas, and timesteps rounded from exactly half-way.
- **The canvas of outpainting** is Darkroom's own: no reference program has one by default. What is painted on it is inpainting, which is compared by pixels.
- **A1111's draw from the VAE's distribution**: start pictures are encoded to its mode, since A1111 draws from a generator that nobody seeds.
- **Two edits side by side with two stray brackets behind them** (\`[a:b:5][(c:1.2):[d]:7]((\`), or an empty edit before one with weights (\`[::0.5]::[:] [(a:1.2):[b]:7]\`), two of 1,869 random prompts beside A1111's grammar; and letters that came with Unicode 17.
- **Several prompts or generators in one call** and LCM's \`original_inference_steps\` beside the folder's own: a request has no word for them. The pictures of a list are those of its members asked for one by one; the grid of an LCM folder is in its scheduler_config.json.
- **ComfyUI's refiner workflow** (two KSampler Advanced in a row, the second with a seed of its own): \`--refiner\` in profile \`comfy\` does it with one seed, so samplers without noise are equal and the others continue the first one's noise.
- **A1111's padding** (\`pad conds\`): off by default there, absent here.
- **Half-precision models** are compared with a wide tolerance: the reference keeps latents in float16 between steps, Darkroom in float32, which is the more exact of the two.
- **Diffusion transformers at full size, and on a graphics card**: what is above was measured with tiny models on the CPU; [models.md](models.md) says what of each family is there.

## Measure it yourself

The full set of reference vectors (60 MB) is too large for this repository. A clone has a compact set of it (\`test/fixtures/golden-set\`, 6.7 MB: models as the rules that make their weights, numbers of the pictures) and small cases of its own (\`test/fixtures/golden\`); with them it compares every diffusion transformer and every form of checkpoint named above, Stable Diffusion 1's ONNX folder with diffusers, A1111 and ComfyUI, the seeds, schedules, samplers, prompts and recipes. What needs the full set, beside the checkout or in \`GOLDEN_DIR\`, and skips without it: the other seven ONNX folders, which a rule cannot make, and the table of this page.

\`\`\`sh
npm test           # the compact set, or the full one where it is present
npm run parity     # writes this file where the full set is present
\`\`\`

To compare one picture by hand, give both programs the same folder and seed:

\`\`\`sh
npm run -s imagine -- "a red fox" --model DIR --profile diffusers --seed 42 --steps 20 --cfg 7.5 \\
  --out ours.png --save-latents ours.npy
\`\`\`

\`\`\`python
pipe = DiffusionPipeline.from_pretrained(DIR)
pipe("a red fox", num_inference_steps=20, guidance_scale=7.5,
     generator=torch.Generator("cpu").manual_seed(42)).images[0].save("theirs.png")
\`\`\``;

function pictureTable(rows: readonly PictureRow[]): string {
  const cells = rows.map(({ family, profile, cases }) => {
    const pictures = cases.flatMap(({ picture }) => picture ?? []);
    const pixels = sum(pictures.map((picture) => picture.pixels));
    const equal = sum(pictures.map((picture) => picture.equalPixels));
    const psnr = Math.min(...pictures.map((picture) => picture.psnr));
    const latents = cases.every(({ onlyPicture }) => onlyPicture)
      ? ['', '']
      : [figure(Math.max(...cases.map(({ error }) => error))), share(cases)];
    const shown =
      pictures.length === 0
        ? ['', '', '']
        : [
            Number.isFinite(psnr) ? `${psnr.toFixed(1)} dB` : 'equal',
            `${((100 * equal) / pixels).toFixed(2)} %`,
            String(Math.max(...pictures.map(({ levels }) => levels))),
          ];
    return [profile, family, String(cases.length), ...latents, ...shown, verdict(cases)];
  });
  const head = ['profile', 'family', 'cases', 'latents off by', 'of tolerance', 'PSNR'];
  return table([...head, 'equal pixels', 'levels', 'equal'], cells);
}

/** Where the largest share of a tolerance was used up. */
function worst(rows: readonly PictureRow[]): string {
  const cases = rows.flatMap(({ family, cases: each }) =>
    each
      .filter(({ onlyPicture }) => !onlyPicture)
      .map((c) => ({ ...c, name: `${family}/${c.name}` })),
  );
  const top = cases.toSorted((a, b) => b.error / b.tolerance - a.error / a.tolerance).slice(0, 5);
  const named = top.map(
    ({ name, error, tolerance }) => `\`${name}\` ${figure(error)} of ${figure(tolerance)}`,
  );
  return `Closest to their tolerance: ${named.join(', ')}.`;
}

function left(rows: readonly PictureRow[]): string {
  const named = rows.flatMap((row) => row.left.map((name) => `\`${row.family}/${name}\``));
  return `Left out because a request has no word for them: ${named.join(', ')}.`;
}

/** A family's rows beside each other. */
function byName(measures: readonly Measure[]): Measure[] {
  return measures.toSorted((a, b) => a.what.localeCompare(b.what, 'en'));
}

function numberTable(measures: readonly Measure[]): string {
  const groups = Map.groupBy(measures, ({ what }) => what);
  const cells = [...groups].map(([what, group]) => {
    const error = Math.max(...group.map((m) => m.error));
    const isCount = group[0]?.unit === 'unequal';
    return [
      what,
      String(group.length),
      sum(group.map(({ values }) => values)).toLocaleString('en'),
      isCount
        ? `${error} unequal`
        : `${figure(error)}${group[0]?.unit === 'relative' ? ' rel.' : ''}`,
      isCount ? 'none allowed' : share(group),
      verdict(group),
    ];
  });
  return table(['what', 'cases', 'values', 'off by', 'of tolerance', 'equal'], cells);
}

type Figure = { error: number; tolerance: number };

function share(figures: readonly Figure[]): string {
  const worstShare = Math.max(
    ...figures.map(({ error, tolerance }) => (error === 0 ? 0 : error / tolerance)),
  );
  return `${(100 * worstShare).toFixed(worstShare < 0.1 ? 1 : 0)} %`;
}

function verdict(figures: readonly Figure[]): string {
  const over = figures.filter(({ error, tolerance }) => error > tolerance).length;
  return over === 0 ? 'yes' : `NO (${over})`;
}

function figure(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) =>
    Math.max(3, cell.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
