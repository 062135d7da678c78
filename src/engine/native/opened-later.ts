/**
 * Libraries that another opens by itself while it works, and so does not list among its needs. ONNX Runtime's CUDA
 * provider does so with cuDNN and cuFFT since 1.28, and cuDNN's front end inside it with NVRTC. Their names stand in the
 * file, as text or as the numbers of two instructions (a name of up to 16 letters is written to memory as its first
 * and its last eight, which overlap).
 */
import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK = 4 * 1024 * 1024;
/** A name and the instructions between its halves. */
const OVERLAP = 128;

/** Library -> its major versions, ascending, as the file names them. A library that is not named is not there. */
export function openedLater<Name extends string>(
  file: string,
  names: readonly Name[],
): Map<Name, number[]> {
  const signs = names.map((name) => [name, signOf(name)] as const);
  const found = new Map<Name, Set<number>>();
  for (const text of chunksOf(file)) {
    for (const [name, sign] of signs) {
      for (const match of text.matchAll(sign)) {
        const majors = found.get(name) ?? new Set();
        found.set(name, majors.add(Number(match[1] ?? match[2])));
      }
    }
  }
  return new Map([...found].map(([name, majors]) => [name, [...majors].toSorted((a, b) => a - b)]));
}

/** `libcudnn.so.9`, or `libcudnn`, up to 48 bytes in which no other name begins, and the end `dnn.so.9`. */
function signOf(name: string): RegExp {
  const ends = [5, 4, 3, 2, 1].map((letters) => name.slice(-letters)).join('|');
  return new RegExp(
    `${name}(?:\\.so\\.(\\d{1,2})(?![\\d.])|(?:(?!lib)[\\s\\S]){1,48}?(?:${ends})\\.so\\.(\\d{1,2})(?![\\d.]))`,
    'g',
  );
}

function* chunksOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(OVERLAP + CHUNK);
    let kept = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, kept, CHUNK, null);
      if (count === 0) return;
      const length = kept + count;
      yield buffer.toString('latin1', 0, length);
      kept = Math.min(OVERLAP, length);
      buffer.copy(buffer, 0, length - kept, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
