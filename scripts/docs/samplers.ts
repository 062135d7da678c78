/**
 * `npm run docs:samplers`: makes the pictures of docs/samplers.md anew. Every sheet comes from a command that stands
 * in the document word for word; the document is checked for it. With names of pictures (`-- schedules`) only those.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { letter } from '../../src/explore/sheet/drawn/lettering.ts';
import { THEME } from '../../src/explore/sheet/drawn/theme.ts';
import { readModelSchedule, sigmaTable } from '../../src/engine/sampling/schedule.ts';
import { a1111Sigmas } from '../../src/engine/schedules/a1111.ts';
import { SCHEDULES, type ScheduleName } from '../../src/engine/names.ts';

const root = path.join(import.meta.dirname, '../..');
const folder = path.join(root, 'docs/images/samplers');
const document = path.join(root, 'docs/samplers.md');
const MOST_BYTES = 2.5e6;

type Sheet = {
  /** what `npm run -s explore --` is given, in the words of a shell */
  command: string;
  /** file of explore's folder -> picture of the document */
  pictures: Readonly<Record<string, string>>;
};

const SHEETS: readonly Sheet[] = [
  {
    command:
      'steps "a red fox in the snow" --values 5,10,20,50 --seed 4 --theme light --y sampler:euler,heun,dpm2,lms,dpmpp_2m,ddim,ddim_cfgpp,plms,unipc,deis',
    pictures: { 'sheet.png': 'without-noise' },
  },
  {
    command:
      'steps "a red fox in the snow" --values 5,10,20,50 --seed 4 --theme light --y sampler:euler_a,dpm2_a,dpmpp_2s_a,dpm_fast,dpm_adaptive,dpmpp_sde,dpmpp_2m_sde,dpmpp_2m_sde_heun,dpmpp_3m_sde,restart,ddpm,lcm,tcd',
    pictures: { 'sheet.png': 'with-noise' },
  },
  {
    command:
      'steps "a red fox in the snow" --values 10,20,30,40,60,80 --seed 4 --schedule karras --theme light --y sampler:euler,dpmpp_2m,euler_a,dpmpp_2m_sde',
    pictures: { 'sheet.png': 'convergence', 'curve.png': 'convergence-curve' },
  },
  {
    command:
      'schedule "a red fox in the snow" --values uniform,karras,exponential,polyexponential,sgm_uniform,simple,normal,ddim_uniform,beta,kl_optimal,align_your_steps --sampler dpmpp_2m --steps 5 --seed 4 --theme light',
    pictures: { 'sheet.png': 'schedules' },
  },
];

/** As a shell splits it; the commands quote with " alone. */
function words(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

async function paint({ command, pictures }: Sheet, out: string): Promise<void> {
  console.log(`npm run -s explore -- ${command}`);
  const explore = path.join(root, 'src/cli/explore.ts');
  const { status } = spawnSync(process.execPath, [explore, ...words(command), '--out', out], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('the command failed');
  for (const [file, name] of Object.entries(pictures)) {
    await sharp(path.join(out, file))
      .webp({ quality: 84, smartSubsample: true, effort: 6 })
      .toFile(path.join(folder, `${name}.webp`));
  }
}

type Curve = { names: ScheduleName[]; sigmas: Float32Array };

/** Schedules that coincide for these steps share a line. */
function curves(steps: number): Curve[] {
  const table = sigmaTable(
    readModelSchedule({ beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' })
      .alphasCumprod,
  );
  const found: Curve[] = [];
  for (const name of SCHEDULES) {
    if (name === 'automatic') continue;
    const sigmas = a1111Sigmas(name, steps, table, {}).filter((sigma) => sigma > 0);
    const same = found.find(
      (curve) =>
        curve.sigmas.length === sigmas.length &&
        sigmas.every((sigma, i) => Math.abs(sigma / (curve.sigmas[i] ?? 0) - 1) < 0.02),
    );
    if (same) same.names.push(name);
    else found.push({ names: [name], sigmas });
  }
  return found;
}

const PLOT = { width: 1200, height: 700, left: 84, right: 330, top: 92, bottom: 64 } as const;

/** σ on a logarithmic axis against the step. */
function plotSchedules(steps: number): string {
  const theme = THEME.light;
  const { width, height, left, right, top, bottom } = PLOT;
  const [across, down] = [width - left - right, height - top - bottom];
  const [low, high] = [0.02, 16];
  const x = (step: number): number => left + (step / steps) * across;
  const y = (sigma: number): number =>
    top + (1 - Math.log(sigma / low) / Math.log(high / low)) * down;
  const dim = { size: 16, fill: theme.muted };
  const parts = [
    `<rect width="${width}" height="${height}" fill="${theme.ground}"/>`,
    letter(`Noise level σ before each of ${steps} steps`, {
      x: 28,
      y: 44,
      size: 26,
      fill: theme.text,
      weight: 'bold',
    }),
    letter(
      'Stable Diffusion 1.x, logarithmic; kl_optimal ends at its lowest level, all others at 0',
      {
        ...dim,
        x: 28,
        y: 70,
      },
    ),
    letter('step', { ...dim, x: left + across, y: height - 16, anchor: 'end' }),
  ];
  for (const sigma of [0.03, 0.1, 0.3, 1, 3, 10]) {
    const at = y(sigma);
    parts.push(
      `<line x1="${left}" x2="${left + across}" y1="${at}" y2="${at}" stroke="${theme.faint}" stroke-width="1.5"/>`,
      letter(String(sigma), { ...dim, x: left - 12, y: at + 5, anchor: 'end' }),
    );
  }
  for (let step = 0; step < steps - 1; step += step === 0 ? 4 : 5) {
    parts.push(letter(String(step + 1), { ...dim, x: x(step), y: height - 40, anchor: 'middle' }));
  }
  parts.push(letter('end', { ...dim, x: x(steps), y: height - 40, anchor: 'middle' }));
  for (const [index, { names, sigmas }] of curves(steps).entries()) {
    const colour = theme.lines[index % theme.lines.length] ?? theme.text;
    const dash = index < theme.lines.length ? '' : ' stroke-dasharray="8 6"';
    const corners = [...sigmas].map((sigma, i) => `${x(i).toFixed(1)},${y(sigma).toFixed(1)}`);
    const at = top + 14 + index * 34;
    const legend = left + across + 26;
    parts.push(
      `<polyline points="${corners.join(' ')}" fill="none" stroke="${colour}" stroke-width="3" stroke-linejoin="round"${dash}/>`,
      `<line x1="${legend}" x2="${legend + 34}" y1="${at}" y2="${at}" stroke="${colour}" stroke-width="4"${dash}/>`,
      letter(names.join(', '), { x: legend + 44, y: at + 6, size: 17, fill: theme.text }),
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Noise level of each schedule by step">${parts.join('\n')}</svg>\n`;
}

mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, 'schedules.svg'), plotSchedules(20));
const scratch = mkdtempSync(path.join(os.tmpdir(), 'darkroom-docs-'));
try {
  const text = readFileSync(document, 'utf8');
  for (const sheet of SHEETS) {
    if (!text.includes(`npm run -s explore -- ${sheet.command}\n`)) {
      throw new Error(`docs/samplers.md does not show this command: ${sheet.command}`);
    }
  }
  const wanted = process.argv.slice(2);
  for (const [index, sheet] of SHEETS.entries()) {
    const names = Object.values(sheet.pictures);
    if (wanted.length > 0 && !names.some((name) => wanted.includes(name))) continue;
    await paint(sheet, path.join(scratch, String(index)));
  }
} finally {
  rmSync(scratch, { recursive: true });
}
const names = ['schedules.svg', ...SHEETS.flatMap(({ pictures }) => Object.values(pictures))];
const bytes = names
  .map((name) => readFileSync(path.join(folder, name.includes('.') ? name : `${name}.webp`)).length)
  .reduce((total, size) => total + size, 0);
console.log(`${names.length} pictures, ${(bytes / 1e6).toFixed(2)} MB`);
if (bytes > MOST_BYTES) throw new Error(`more than ${MOST_BYTES / 1e6} MB of pictures`);
