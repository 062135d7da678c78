import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { usualValues } from '../../../src/explore/sheet/axes.ts';
import { UserError } from '../../../src/engine/errors.ts';
import type { ModelInfo, RequestInput } from '../../../src/engine/request.ts';
import { type Axis, axisNamed, parseAxis } from '../../../src/explore/sheet/axis.ts';
import { reportSheet, subtitleOf, toCsv } from '../../../src/explore/curve/report.ts';
import { groupCells } from '../../../src/explore/sheet/groups.ts';
import { readSheetContext, sheetContext } from '../../../src/explore/sheet/order.ts';
import { planSheet, type SheetPlan } from '../../../src/explore/sheet/plan.ts';

const demo: ModelInfo = {
  name: 'demo',
  folder: '/models/demo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 16,
  loras: ['detail', 'Ink-Style'],
  nativeSize: { width: 128, height: 128 },
  defaults: { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 },
};
const turbo: ModelInfo = {
  ...demo,
  name: 'people/Turbo-XL',
  nativeSize: { width: 256, height: 256 },
  defaults: { sampler: 'euler_a', schedule: 'automatic', steps: 4, guidanceScale: 1 },
};
const models = [demo, turbo];

function axis(text: string): Axis {
  const colon = text.indexOf(':');
  return parseAxis(axisNamed(text.slice(0, colon)), text.slice(colon + 1));
}

function plan(input: RequestInput, ...texts: string[]): SheetPlan {
  const [x, y = null, z = null] = texts.map(axis);
  const wanted = { input: { seed: 1, ...input }, x: x as Axis, y, z, models };
  return planSheet(wanted, demo, { cells: 99, steps: 99_999 });
}

function refused(input: RequestInput, texts: string[], words: RegExp): void {
  assert.throws(
    () => plan(input, ...texts),
    (error: unknown) => error instanceof UserError && words.test(error.message),
    String(words),
  );
}

const prompts = ({ cells }: SheetPlan): string[] => cells.map(({ request }) => request.prompt);

describe('prompt: search and replace', () => {
  test('every place, in both prompts, letter by letter; the first value is the prompt as it is', () => {
    const { cells } = plan(
      { prompt: 'a cat and a cat, Cat', negativePrompt: 'sad cat' },
      'prompt:cat,dog,"fox, asleep",""',
    );
    assert.deepEqual(
      cells.map(({ request }) => [request.prompt, request.negativePrompt]),
      [
        ['a cat and a cat, Cat', 'sad cat'],
        ['a dog and a dog, Cat', 'sad dog'],
        ['a fox, asleep and a fox, asleep, Cat', 'sad fox, asleep'],
        ['a  and a , Cat', 'sad '],
      ],
    );
  });

  test('signs that mean something to a replacement elsewhere are letters', () => {
    assert.deepEqual(prompts(plan({ prompt: 'a $& (cat:1.2)' }, 'prompt:(cat:1.2),$&$1')), [
      'a $& (cat:1.2)',
      'a $& $&$1',
    ]);
  });

  test('two of them, each with its own text', () => {
    const made = plan({ prompt: 'a red cat' }, 'prompt:red,blue', 'Prompt S/R:cat,dog');
    assert.deepEqual(prompts(made), ['a red cat', 'a blue cat', 'a red dog', 'a blue dog']);
    refused({ prompt: 'a cat' }, ['prompt:cat,dog', 'prompt:cat,fox'], /Both axes are prompt/);
  });

  test('a text that stands nowhere is refused in a sentence', () => {
    refused(
      { prompt: 'a cat', negativePrompt: 'blurry' },
      ['prompt:Cat,dog'],
      /Prompt S\/R did not find "Cat" in the prompt or the negative prompt\. .* exactly as it stands/,
    );
    refused({ prompt: 'a cat' }, ['prompt:"",dog'], /cannot be empty/);
    // What one axis takes away the other cannot find.
    refused({ prompt: 'a cat' }, ['prompt:a cat,a dog', 'prompt:cat,fox'], /did not find "cat"/);
  });

  test('a value that the engine cannot read is named', () => {
    refused(
      { prompt: 'a cat' },
      ['prompt:cat,(dog:1.2.3)'],
      /^prompt \(dog:1\.2\.3\) cannot be used: .*1\.2\.3/,
    );
    refused({ prompt: 'a cat' }, ['prompt:cat,<lora:none:1>'], /cannot be used: .*none/);
  });
});

describe('negative', () => {
  test('whole texts, nothing among them; words in them may be replaced', () => {
    const { cells } = plan({ prompt: 'a cat' }, 'negative:"","blurry, cat"', 'prompt:cat,dog');
    assert.deepEqual(
      cells.map(({ request }) => `${request.prompt}|${request.negativePrompt}`),
      ['a cat|', 'a cat|blurry, cat', 'a dog|', 'a dog|blurry, dog'],
    );
  });
});

describe('lora', () => {
  test('the weight of the only tag, of a named one, of one that is not there yet', () => {
    assert.deepEqual(
      prompts(plan({ prompt: 'a cat <lora:detail:0.3:0.4>' }, 'lora:-0.5..0.5 by 0.5')),
      ['a cat <lora:detail:-0.5>', 'a cat <lora:detail:0>', 'a cat <lora:detail:0.5>'],
    );
    const two = 'a cat <lora:detail:1> <lora:INK-style:te=1:unet=0>';
    assert.deepEqual(prompts(plan({ prompt: two }, 'lora:ink-style: 0.5,1')), [
      'a cat <lora:detail:1> <lora:INK-style:0.5>',
      'a cat <lora:detail:1> <lora:INK-style:1>',
    ]);
    assert.deepEqual(prompts(plan({ prompt: 'a cat # note' }, 'lora:<lora:detail:1>: 0.5,1')), [
      '<lora:detail:0.5>a cat # note',
      '<lora:detail:1>a cat # note',
    ]);
    refused(
      { prompt: two },
      ['lora:0,1'],
      /several LoRAs \(detail, INK-style\)\. Write whose weight/,
    );
    refused({ prompt: 'a cat' }, ['lora:0,1'], /the prompt has none/);
    refused({ prompt: 'a cat' }, ['lora:none: 0,1'], /none/);
    refused({ prompt: two }, ['lora:detail:0,21'], /lora 21 cannot be used/);
    refused({ prompt: two }, ['lora:detail:0,1', 'lora:Detail:1,2'], /Both axes are lora/);
    refused({ prompt: two }, ['lora:detail:1..0 by 0.5'], /runs backwards/);
    refused({ prompt: two }, ['lora:detail:a'], /numbers are needed/);
  });

  test('cells of one opened model are painted after each other', () => {
    const made = plan({ prompt: 'a <lora:detail:1> cat' }, 'lora:0.5,1', 'steps:2,3');
    const order = groupCells(made).flatMap(({ cells }) => cells.map(({ index }) => index));
    assert.deepEqual(order, [0, 2, 1, 3]);
  });
});

describe('model', () => {
  test('each with what suits it, unless something is named for all', () => {
    const { cells, x } = plan({ prompt: 'a cat', steps: 9 }, 'checkpoint:DEMO,turbo');
    assert.deepEqual(x.values, ['demo', 'people/Turbo-XL']);
    assert.deepEqual(
      cells.map(({ request: { model, steps, width, guidanceScale, sampler } }) => [
        model,
        steps,
        width,
        guidanceScale,
        sampler,
      ]),
      [
        ['demo', 9, 128, 7, 'dpmpp_2m'],
        ['people/Turbo-XL', 9, 256, 1, 'euler_a'],
      ],
    );
    assert.deepEqual(plan({ prompt: 'a cat' }, 'model:all').x.values, ['demo', 'people/Turbo-XL']);
    refused({ prompt: 'a cat' }, ['model:demo,none'], /no model "none"\. There are demo, /);
    refused({ prompt: 'a cat' }, ['model:demo,Demo'], /"demo" and "Demo"|given twice|the same/);
  });

  test('one model is opened once', () => {
    const made = plan({ prompt: 'a cat' }, 'model:all', 'cfg:3,5');
    const order = groupCells(made).map(({ request }) => request.model);
    assert.deepEqual(order, [...order].toSorted());
  });
});

describe('hires, denoise and cfg_rescale', () => {
  const of = (made: SheetPlan) =>
    made.cells.map(({ request: { hires } }) => (hires ? [hires.scale, hires.strength] : null));
  test('the factor; 1 is one pass alone', () => {
    assert.deepEqual(of(plan({ prompt: 'a cat' }, 'hires:1,1.5,2')), [null, [1.5, 0.7], [2, 0.7]]);
    const own = { scale: 2, strength: 0.4, steps: 3, upscaler: 'pixel' };
    const [, second] = plan({ prompt: 'a cat', hires: own }, 'hires:1,1.5').cells;
    assert.deepEqual(second?.request.hires, { ...own, scale: 1.5 });
    refused({ prompt: 'a cat' }, ['hires:1,5'], /hires 5 cannot be used/);
  });

  test('the strength of the second pass, whichever axis comes first', () => {
    const expected = [null, [2, 0.3], null, [2, 0.6]];
    assert.deepEqual(of(plan({ prompt: 'a cat' }, 'hires:1,2', 'denoise:0.3,0.6')), expected);
    assert.deepEqual(of(plan({ prompt: 'a cat' }, 'denoise:0.3,0.6', 'hires:2')), [
      [2, 0.3],
      [2, 0.6],
    ]);
    const init = { image: new Uint8Array([1]) };
    const strengths = plan({ prompt: 'a cat', init }, 'denoising:0.3,0.6').cells;
    assert.deepEqual(
      strengths.map(({ request }) => request.init?.strength),
      [0.3, 0.6],
    );
    refused({ prompt: 'a cat' }, ['denoise:0.3'], /needs hires fix or a picture/);
    refused({ prompt: 'a cat', init }, ['denoise:0.3', 'strength:0.5'], /Both axes are/);
    refused({ prompt: 'a cat', init }, ['hires:2'], /hires 2 cannot be used/);
  });

  test('eta and shift, which figures and titles tell where a sheet says something of them', () => {
    const varied = plan({ sampler: 'euler_a' }, 'eta:0..1 by 0.5', 'flow shift:1,3');
    assert.deepEqual(
      varied.cells.map(({ request }) => [request.eta, request.flowShift]),
      [0, 0.5, 1]
        .flatMap((eta) => [1, 3].map((shift) => [eta, shift]))
        .toSorted((a, b) => {
          return Number(a[1]) - Number(b[1]) || Number(a[0]) - Number(b[0]);
        }),
    );
    const figures = (of: SheetPlan) => {
      const painted = of.cells.map((cell) => ({
        cell,
        seconds: 1,
        image: { seed: 1n, width: 128, height: 128 },
      }));
      return toCsv(reportSheet(of, painted, [], () => null).cells).split('\r\n');
    };
    const [names = '', first = ''] = figures(varied);
    assert.match(names, /,hires,eta,shift$/);
    assert.match(first, /,1,0,1$/);
    const plain = plan({}, 'cfg:1,7');
    assert.match(figures(plain)[0] ?? '', /,cfg_rescale,hires$/);
    assert.equal(
      subtitleOf({ ...plain.base, flowShift: 3 }, ['cfg'])
        .split(' · ')
        .at(-1),
      'shift 3',
    );
    refused({}, ['eta:0,7'], /eta 7 cannot be used/);
  });
  test('cfg_rescale', () => {
    const { cells } = plan({ prompt: 'a cat' }, 'cfg_rescale:0,0.7');
    assert.deepEqual(
      cells.map(({ request }) => request.guidanceRescale),
      [0, 0.7],
    );
    refused({ prompt: 'a cat' }, ['cfg rescale:0,1.5'], /cfg_rescale 1.5 cannot be used/);
  });
});

describe('a third axis', () => {
  test('pages, after each other', () => {
    const { cells } = plan({ prompt: 'a cat' }, 'steps:1,2', 'cfg:3,4', 'seed:5,6,7');
    assert.equal(cells.length, 12);
    assert.deepEqual(
      cells.map(({ index }) => index),
      cells.map((_, index) => index),
    );
    const { column, row, page, request } = cells[7]!;
    assert.deepEqual([column, row, page], [1, 1, 1]);
    assert.deepEqual([request.steps, request.guidanceScale, request.seed], [2, 4, 6n]);
    refused({ prompt: 'a cat' }, ['steps:1,2', 'cfg:3', 'steps:5'], /Both axes are steps/);
  });

  test('is told the most square grid that fits, and how many pages there may be', () => {
    const limits = { cells: 25, steps: 99_999, pages: 3 };
    const of = (...texts: string[]) => {
      const [x, y = null, z = null] = texts.map(axis);
      return () => planSheet({ input: { prompt: 'a', seed: 1 }, x: x as Axis, y, z }, demo, limits);
    };
    assert.throws(of('steps:1..10', 'cfg:1..10', 'seed:1..3'), {
      message:
        'This sheet has 10 x 10 x 3 = 300 cells; at most 25 are painted. The largest that fits is 4 x 3 x 2: steps 1,2,3,4, cfg 1,2,3 and seed 1,2.',
    });
    assert.throws(of('steps:1..2', 'cfg:1..2', 'seed:1..5'), {
      message:
        'This sheet has 5 pages; at most 3 are shown. The largest that fits is 2 x 2 x 3: steps 1,2, cfg 1,2 and seed 1,2,3.',
    });
    assert.throws(of('steps:1..50', 'cfg:1..30'), /fits is 5 x 5: steps 1,2,3,4,5 and cfg/);
    assert.throws(of('steps:1..50', 'cfg:1..2'), /fits is 12 x 2: /);
    assert.throws(of('steps:1..100', 'cfg:0..24', 'seed:1..100'), /at most 25/);
  });

  test('a sheet is the same after its order was stored', () => {
    const [x, y, z] = ['prompt:cat,dog', 'lora:detail:0,-1', 'negative:"",blurry'].map(axis);
    const order = {
      id: '1',
      kind: 'sheet' as const,
      x: x!,
      y: y!,
      z: z!,
      input: { model: 'demo', prompt: 'a cat', seed: 3n },
      theme: 'dark' as const,
      address: {},
      allowance: {},
    };
    const stored = JSON.parse(JSON.stringify(sheetContext(order, 4)));
    const read = readSheetContext(stored);
    assert.deepEqual([read?.order.x, read?.order.y, read?.order.z, read?.at], [x, y, z, 4]);
    // one of an older version, without a third axis
    delete stored['z'];
    assert.equal(readSheetContext(stored)?.order.z, null);
  });
});

test('a model of few steps shows few, and little guidance', () => {
  const few = {
    family: 'sd1',
    defaults: { sampler: 'euler', schedule: 'automatic', steps: 4, guidanceScale: 1 },
  } as const;
  const many = { ...few, defaults: { ...few.defaults, steps: 20 } };
  assert.equal(usualValues('steps', few), '1,2,4,6,8,12');
  assert.equal(usualValues('steps', many), usualValues('steps'));
  assert.notEqual(usualValues('cfg', few), usualValues('cfg'));
  assert.equal(usualValues('sampler', few), usualValues('sampler'));
});
