/** The upscaler that comes along: twice the size, and nearer to the truth than an ordinary enlargement. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { openSession, type Session } from '../../../src/engine/network/session.ts';
import { MODELS } from '../../support/engine.ts';

const FILE = path.join(MODELS, 'upscalers', 'demo', 'demo-x2.onnx');

type Planes = { data: Float32Array; width: number; height: number };

/** RGB in 0 … 1, a plane a colour */
async function planesOf(picture: Sharp): Promise<Planes> {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const size = info.width * info.height;
  const planes = new Float32Array(3 * size);
  for (let i = 0; i < 3 * size; i++) planes[(i % 3) * size + Math.floor(i / 3)] = data[i]! / 255;
  return { data: planes, width: info.width, height: info.height };
}

function meanSquare(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return (
    a.reduce((sum, value, i) => sum + (Math.min(1, Math.max(0, value)) - b[i]!) ** 2, 0) / a.length
  );
}

/** Flat shapes with dark outlines, none of which the training has seen. */
const DRAWING = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256">
  <rect width="256" height="256" fill="#9cd0f2"/>
  <g stroke="#22202a" stroke-width="4">
    <rect x="30" y="120" width="90" height="100" rx="12" fill="#d84a40"/>
    <circle cx="180" cy="90" r="52" fill="#f6cf4a"/>
    <path d="M150 230 L 200 150 L 245 230 Z" fill="#4aac58"/>
  </g></svg>`);

describe('the upscaler beside the embedded model', () => {
  let session: Session;
  before(async () => {
    session = await openSession(
      { kind: 'file', path: FILE },
      { provider: 'cpu', clock: { ms: 0 } },
    );
  });
  after(() => session.release());

  async function enlarge({ data, width, height }: Planes): Promise<Float32Array> {
    const feeds = { input: { data, shape: [1, 3, height, width] } };
    const { output } = await session.run(feeds, ['output']);
    assert.deepEqual(output!.shape, [1, 3, 2 * height, 2 * width]);
    return output!.data;
  }

  test('has one input and one output, of any size', async () => {
    assert.deepEqual([...session.inputs.keys()], ['input']);
    assert.deepEqual([...session.outputs.keys()], ['output']);
    await enlarge({ data: new Float32Array(3 * 17 * 33).fill(0.4), width: 17, height: 33 });
  });

  test('keeps a plain colour', async () => {
    const made = await enlarge({
      data: new Float32Array(3 * 64 * 64).fill(0.6),
      width: 64,
      height: 64,
    });
    assert.ok(made.every((value) => Math.abs(value - 0.6) < 0.04));
  });

  test('comes nearer to a drawing than cubic enlargement does', async () => {
    const truth = await planesOf(sharp(DRAWING));
    const small = await sharp(DRAWING).resize(128, 128, { kernel: 'linear' }).png().toBuffer();
    const cubic = await planesOf(sharp(small).resize(256, 256, { kernel: 'cubic' }));
    const made = await enlarge(await planesOf(sharp(small)));
    const [ours, usual] = [meanSquare(made, truth.data), meanSquare(cubic.data, truth.data)];
    assert.ok(ours < 0.8 * usual, `${ours} and ${usual}`);
  });
});
