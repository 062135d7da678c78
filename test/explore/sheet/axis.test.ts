import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import { axisNamed, parseAxis } from '../../../src/explore/sheet/axis.ts';
import type { AxisName } from '../../../src/explore/sheet/axes.ts';

describe('values of an axis', () => {
  const good: readonly [AxisName, string, string[]][] = [
    ['steps', '1,5,10,20,50,150', ['1', '5', '10', '20', '50', '150']],
    ['steps', ' 5 .. 20 by 5 ', ['5', '10', '15', '20']],
    ['steps', '1..3, 10', ['1', '2', '3', '10']],
    ['cfg', '3..12 by 1.5', ['3', '4.5', '6', '7.5', '9', '10.5', '12']],
    ['cfg', '7.0,  .5', ['7', '0.5']],
    // ten times a tenth in floating point misses the end
    [
      'strength',
      '0.1..1 by 0.1',
      ['0.1', '0.2', '0.3', '0.4', '0.5', '0.6', '0.7', '0.8', '0.9', '1'],
    ],
    ['cfg', '3..8 by 2', ['3', '5', '7']],
    ['cfg', '0.1..0.1002 by 0.00005', ['0.1', '0.10005', '0.1001', '0.10015', '0.1002']],
    ['cfg', '1.23456789..3 by 1', ['1.23456789', '2.23456789']],
    ['cfg', '0.0000001', ['0.0000001']],
    ['steps', '1 5 10, 20', ['1', '5', '10', '20']],
    ['steps', '1...3, 5…6', ['1', '2', '3', '5', '6']],
    // as people write it in A1111's X/Y/Z plot
    ['steps', '1-5 (+2), 10–12', ['1', '3', '5', '10', '11', '12']],
    ['cfg', '3-6(+1.5)', ['3', '4.5', '6']],
    ['steps', '5，10、20', ['5', '10', '20']],
    ['sampler', 'euler, DPM++ 2M ,heun', ['euler', 'DPM++ 2M', 'heun']],
    [
      'seed',
      '18446744073709551614..18446744073709551615',
      ['18446744073709551614', '18446744073709551615'],
    ],
    ['size', '128x128;128x192', ['128x128', '128x192']],
    ['clip_skip', '1,2,', ['1', '2']],
    ['pag', '0..3 by 1.5', ['0', '1.5', '3']],
  ];
  for (const [name, text, values] of good) {
    test(`${name} ${text.trim()}`, () => assert.deepEqual(parseAxis(name, text), { name, values }));
  }

  test('all: every schedule, and every sampler that is not for other models', () => {
    assert.ok(parseAxis('sampler', 'all').values.includes('dpmpp_2m'));
    assert.ok(!parseAxis('sampler', 'all').values.includes('flow_euler'));
    assert.ok(!parseAxis('schedule', 'ALL').values.includes('automatic'));
  });

  const bad: readonly [AxisName, string, RegExp][] = [
    ['steps', ' , ', /^steps has no values\. Write them like 1,5,10/],
    ['steps', '5,5', /^steps 5 is given twice/],
    ['cfg', '7,7.0', /^cfg 7 is given twice/],
    ['steps', '1..10, 3', /^steps 3 is given twice/],
    ['steps', '20..5', /runs backwards\. Write 5\.\.20\./],
    ['cfg', '12..3 by 1.5', /runs backwards\. Write 3\.\.12 by 1\.5\./],
    ['steps', '10-5 (-3)', /"-3" is no value for steps/],
    ['steps', '٣..٩', /"٣" is no value for steps: whole numbers/],
    ['steps', '1..5 by 0', /goes by 0 and never arrives/],
    [
      'steps',
      '1..1000000',
      /^steps has 1000000 values; an axis takes at most 100\. 1\.\.200 by 8 has 25\./,
    ],
    ['seed', '1..1000000', /1\.\.1000000 by 40000 has 25\./],
    ['steps', '1..101', /1\.\.101 by 5 has 21\./],
    ['cfg', '0.1..0.9 by 0.00001', /^cfg has 80001 values; .* 0\.1\.\.0\.9 by 0\.03201 has 25\./],
    ['cfg', '1..30 by 0.1', /^cfg has 291 values; .* 1\.\.30 by 1\.2 has 25\./],
    ['seed', '0..99999999999999999999', /values; an axis takes at most 100/],
    ['steps', '1.5', /"1.5" is no value for steps: whole numbers/],
    ['steps', 'NaN', /"NaN" is no value for steps/],
    ['cfg', '1e3', /"1e3" is no value for cfg: numbers/],
    ['cfg', '-4', /"-4" is no value/],
    ['seed', '123456789012345678901234567890', /is no value for seed/],
    ['sampler', `${'x'.repeat(500)},${'x'.repeat(500)}`, /^sampler x{40}… is given twice/],
    ['steps', `@everyone ${'9'.repeat(5000)}`, /^" ?everyone 9{20,40}…" is no value/],
  ];
  for (const [name, text, words] of bad) {
    test(`refused: ${name} ${text.slice(0, 30)}`, () => {
      assert.throws(
        () => parseAxis(name, text),
        (error) => error instanceof UserError && words.test(error.message),
      );
    });
  }

  test('an axis by its name', () => {
    assert.equal(axisNamed(' Clip-Skip '), 'clip_skip');
    assert.throws(() => axisNamed('colour'), /no axis "colour"\. There are steps, cfg, sampler/);
  });
});
