import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { UserError } from '../../../src/engine/errors.ts';
import {
  DEFAULT_DECODE_LIMITS,
  decodeImage,
  encodePng,
  encodePreviewJpeg,
  type RgbImage,
} from '../../../src/engine/picture/image.ts';
import { readInfotext } from '../../../src/engine/picture/recipe-texts.ts';
import { insertChunks, readPngTexts } from '../../../src/engine/picture/file/png-text.ts';

function gradient(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at++) data[at] = (at * 7 + (at >> 6) * 13) & 255;
  return { data, width, height };
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/infotext/${name}`, import.meta.url));
}

const BUDGET = {
  keywords: new Set(['parameters', 'Software', 'XML:com.adobe.xmp']),
  bytes: 1 << 16,
};

test('a PNG keeps every pixel and carries its recipe and the mark of its origin', async () => {
  const image = gradient(48, 32);
  const infotext = 'a cat\nSteps: 1, Sampler: Euler, Seed: 5';
  const png = await encodePng(image, { infotext });
  const decoded = await decodeImage(png);
  assert.deepEqual(Buffer.from(decoded.data), Buffer.from(image.data));
  assert.equal(decoded.alpha, null);
  assert.equal(readInfotext(png), infotext);
  const texts = new Map(readPngTexts(png, BUDGET).map(({ keyword, text }) => [keyword, text]));
  assert.equal(texts.get('Software'), 'Darkroom');
  // What any XMP reader finds, here libvips'.
  const { xmp } = await sharp(png).metadata();
  assert.match(
    String(xmp),
    /DigitalSourceType>http:\/\/cv\.iptc\.org\/newscodes\/digitalsourcetype\/trainedAlgorithmicMedia</,
  );
  assert.deepEqual(await encodePng(image, { infotext }), png, 'same picture, same bytes');
});

test('a PNG of any shape keeps every pixel, also one that is packed on another thread', async () => {
  const sizes = [
    [1, 1],
    [1, 7],
    [7, 1],
    [33, 21],
    [640, 480],
  ] as const;
  for (const [width, height] of sizes) {
    const image = gradient(width, height);
    const png = await encodePng(image, { infotext: '' });
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [width, height, 3]);
    assert.deepEqual(data, Buffer.from(image.data), `${width}x${height}`);
  }
});

test('the text chunk is A1111’s: Latin-1 as tEXt, everything else as iTXt', async () => {
  const latin = await encodePng(gradient(8, 8), { infotext: 'café' });
  const other = await encodePng(gradient(8, 8), { infotext: 'café 🐱 日本' });
  assert.ok(Buffer.from(latin).includes('tEXtparameters\0caf\xe9', 0, 'latin1'));
  assert.ok(Buffer.from(other).includes('iTXtparameters\0\0\0\0\0café 🐱 日本', 0, 'utf8'));
  assert.equal(readInfotext(other), 'café 🐱 日本');
});

test('recipes are read from A1111’s own pictures', () => {
  const { build } = JSON.parse(fixture('a1111.json').toString()) as {
    build: { infotext: string; png?: string }[];
  };
  for (const name of ['png_0.png', 'png_12.png']) {
    const wanted = build.find(({ png }) => png === name)?.infotext;
    assert.ok(wanted);
    assert.equal(readInfotext(fixture(name)), wanted);
  }
});

test('recipes are read from zTXt and from the EXIF comment of JPEG and WebP', async () => {
  const text = 'a cat 🐱\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1';
  const plain = await sharp({
    create: { width: 8, height: 8, channels: 3, background: 'red' },
  })
    .png()
    .toBuffer();
  const packed = chunk(
    'zTXt',
    Buffer.concat([Buffer.from('parameters\0\0'), deflateSync('hello')]),
  );
  assert.equal(readInfotext(insertChunks(plain, [packed])), 'hello');
  for (const order of ['big', 'little'] as const) {
    const exif = exifWithComment(text, order);
    const jpeg = await sharp(plain).jpeg().toBuffer();
    const app1 = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif]);
    const head = Buffer.alloc(4);
    head.writeUInt16BE(0xffe1, 0);
    head.writeUInt16BE(app1.length + 2, 2);
    const withExif = Buffer.concat([jpeg.subarray(0, 2), head, app1, jpeg.subarray(2)]);
    assert.equal(readInfotext(withExif), text);
    assert.equal(readInfotext(riffWithExif(exif)), text);
  }
});

/** A TIFF block with one sub-directory that holds a UserComment in UTF-16. */
function exifWithComment(text: string, order: 'big' | 'little'): Buffer {
  const utf16 = Buffer.from(text, 'utf16le');
  const comment = Buffer.concat([
    Buffer.from('UNICODE\0', 'latin1'),
    order === 'big' ? utf16.swap16() : utf16,
  ]);
  const block = Buffer.alloc(44 + comment.length);
  const u16 = (value: number, at: number): unknown =>
    order === 'big' ? block.writeUInt16BE(value, at) : block.writeUInt16LE(value, at);
  const u32 = (value: number, at: number): unknown =>
    order === 'big' ? block.writeUInt32BE(value, at) : block.writeUInt32LE(value, at);
  block.write(order === 'big' ? 'MM' : 'II', 0, 'latin1');
  u16(42, 2);
  u32(8, 4);
  for (const [directory, tag, kind, count, value] of [
    [8, 0x8769, 4, 1, 26],
    [26, 0x9286, 7, comment.length, 44],
  ] as const) {
    u16(1, directory);
    u16(tag, directory + 2);
    u16(kind, directory + 4);
    u32(count, directory + 6);
    u32(value, directory + 10);
  }
  block.set(comment, 44);
  return block;
}

function riffWithExif(exif: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(12 + exif.length, 4);
  head.write('WEBPEXIF', 8, 'latin1');
  head.writeUInt32LE(exif.length, 16);
  return Buffer.concat([head, exif]);
}

test('readers of recipes take any bytes', () => {
  const png = fixture('png_0.png');
  const exif = exifWithComment('x', 'big');
  for (let cut = 0; cut < png.length; cut += 7) readInfotext(png.subarray(0, cut));
  for (let cut = 0; cut < exif.length; cut += 1) readInfotext(riffWithExif(exif.subarray(0, cut)));
  assert.equal(readInfotext(Uint8Array.of()), null);
  assert.equal(readInfotext(Buffer.from('Steps: 20')), null);
  // A text that would unfold to a gigabyte is passed over.
  const bomb = chunk(
    'zTXt',
    Buffer.concat([Buffer.from('parameters\0\0'), deflateSync(Buffer.alloc(1 << 24))]),
  );
  assert.notEqual(readInfotext(insertChunks(png, [bomb]))?.length, 1 << 24);
});

test('start pictures come upright, in 8-bit RGB, on white, with their alpha', async () => {
  const rotated = await sharp(gradient(24, 16).data, {
    raw: { width: 24, height: 16, channels: 3 },
  })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const upright = await decodeImage(rotated);
  assert.deepEqual([upright.width, upright.height], [16, 24]);
  const translucent = await sharp(Buffer.from([255, 0, 0, 0, 255, 0, 0, 255]), {
    raw: { width: 2, height: 1, channels: 4 },
  })
    .webp({ lossless: true, exact: true })
    .toBuffer();
  const laid = await decodeImage(translucent);
  assert.deepEqual([...laid.data], [255, 255, 255, 255, 0, 0]);
  assert.deepEqual([...(laid.alpha ?? [])], [0, 255]);
  const grey16 = await sharp(Uint16Array.of(0, 65535), {
    raw: { width: 2, height: 1, channels: 1 },
  })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  assert.deepEqual([...(await decodeImage(grey16)).data], [0, 0, 0, 255, 255, 255]);
});

test('a JPEG without its end mark is read, one without its last rows is damaged', async () => {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const jpeg = await sharp({
    create: { width: 96, height: 64, channels: 3, background: '#fff', noise },
  })
    .jpeg()
    .toBuffer();
  const whole = await decodeImage(jpeg);
  const open = await decodeImage(jpeg.subarray(0, -2));
  assert.deepEqual(open.data, whole.data);
  for (const cut of [jpeg.length >> 1, jpeg.length - 20]) {
    assert.match(await refusal(jpeg.subarray(0, cut)), /damaged/);
  }
});

test('a picture with a wide colour space is turned into sRGB, as people see it', async () => {
  const p3 = await sharp({ create: { width: 2, height: 2, channels: 3, background: '#c86432' } })
    .withIccProfile('p3')
    .png()
    .toBuffer();
  const stripped = await decodeImage(await sharp(p3).png().toBuffer());
  const shown = await decodeImage(p3);
  for (const at of [0, 1, 2]) {
    assert.ok(Math.abs((shown.data[at] ?? 0) - (stripped.data[at] ?? 0)) <= 1);
  }
  assert.equal(shown.alpha, null);
});

async function refusal(bytes: Uint8Array, limits = DEFAULT_DECODE_LIMITS): Promise<string> {
  try {
    await decodeImage(bytes, limits);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  return assert.fail('was taken');
}

test('bombs, animations, other files and damaged ones are refused with words', async () => {
  const blank = (width: number, height: number, background = 'red') =>
    sharp({ create: { width, height, channels: 3, background } });
  const wide = await blank(5000, 10).png().toBuffer();
  assert.match(await refusal(wide), /at most 4096x4096 pixels are taken, it has 5000x10/);
  // 20,000 x 20,000 pixels in a few bytes: refused by its header, before a pixel is decoded.
  const header = Buffer.alloc(13);
  header.writeUInt32BE(20_000, 0);
  header.writeUInt32BE(20_000, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = wide.subarray(0, 8);
  const bomb = Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync('x'))]);
  assert.match(await refusal(bomb), /too large.*it has 20000x20000/);
  const [red, blue] = [blank(8, 8), blank(8, 8, 'blue')];
  const frames = await sharp([await red.png().toBuffer(), await blue.png().toBuffer()], {
    join: { animated: true },
  })
    .webp()
    .toBuffer();
  assert.match(await refusal(frames), /animated/);
  const apng = insertChunks(await blank(8, 8).png().toBuffer(), [chunk('acTL', Buffer.alloc(8))]);
  assert.match(await refusal(apng), /animated/);
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>');
  const gif = await blank(8, 8).gif().toBuffer();
  for (const other of [svg, gif, Buffer.from('hello'), Buffer.alloc(0)]) {
    assert.match(await refusal(other), /not a PNG, JPEG or WebP/);
  }
  const noisy = await encodePng(gradient(64, 64), { infotext: '' });
  assert.match(await refusal(noisy.subarray(0, noisy.length / 2)), /damaged/);
  assert.match(await refusal(noisy, { maxBytes: 100, maxSide: 4096 }), /at most 0\.0 MB/);
});

test('previews are JPEGs of the wanted size', async () => {
  const jpeg = await encodePreviewJpeg(gradient(32, 16), 256);
  const { format, width, height } = await sharp(jpeg).metadata();
  assert.deepEqual([format, width, height], ['jpeg', 256, 128]);
});
