/**
 * `npm run fuzz [-- --minutes 30] [--seed 1] [--target name]`: everything that reads what strangers wrote, with inputs
 * made from seeds. A finding prints its seed; `--seed` and `--target` make it again.
 */
import { parseArgs } from 'node:util';
import { probe } from '../test/fuzz/fuzz.ts';
import { TARGETS } from '../test/fuzz/targets.ts';

const HELP = `Reads inputs made from seeds with everything that reads what strangers wrote.

  npm run fuzz [-- --minutes 5] [--seed n] [--target name]

  --minutes  how long, 5 if left out
  --seed     where to begin; with --target, that one input alone
  --target   ${TARGETS.map(({ name }) => name).join(', ')}
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    target: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const minutes = Number(values.minutes);
const first = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const targets = TARGETS.filter(({ name }) => name === (values.target ?? name));
if (values.help || !(minutes > 0) || !Number.isInteger(first) || targets.length === 0) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

const alone = values.seed !== undefined && values.target !== undefined;
const until = performance.now() + minutes * 60_000;
let [inputs, findings] = [0, 0];
for (let seed = first; alone ? seed === first : performance.now() < until; seed++) {
  for (const target of targets) {
    const finding = await probe(target, seed);
    inputs += 1;
    if (finding === null) continue;
    findings += 1;
    const { size, what } = finding;
    console.log(
      `${target.name}, --seed ${seed} --target "${target.name}", ${size} bytes: ${what}\n`,
    );
  }
}
console.log(`${inputs} inputs from seed ${first} on, ${findings} findings`);
process.exitCode = findings === 0 ? 0 : 1;
