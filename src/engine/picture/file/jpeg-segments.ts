/** The segments of a JPEG before its pixels (ITU T.81, annex B). */
const START_OF_SCAN = 0xda;

/** Marker and body of each; none for other files. What is broken ends it. */
export function* jpegSegments(
  file: Buffer,
): Generator<{ marker: number; body: Buffer }, undefined> {
  if (file.length < 4 || file.readUInt16BE(0) !== 0xffd8) return;
  let at = 2;
  while (at + 4 <= file.length && file[at] === 0xff) {
    const marker = file[at + 1] ?? START_OF_SCAN;
    if (marker === START_OF_SCAN) return;
    const length = file.readUInt16BE(at + 2);
    yield { marker, body: file.subarray(at + 4, at + 2 + length) };
    at += 2 + length;
  }
}
