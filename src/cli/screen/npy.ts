/** A NumPy file (format 1.0) of float32 in C order: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
export function encodeNpy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
  const padding = 63 - ((10 + header.length) % 64);
  const text = `${header}${' '.repeat(padding)}\n`;
  const file = Buffer.alloc(10 + text.length + data.length * 4);
  file.write('\x93NUMPY\x01\x00', 'latin1');
  file.writeUInt16LE(text.length, 8);
  file.write(text, 10, 'latin1');
  for (const [at, value] of data.entries()) file.writeFloatLE(value, 10 + text.length + at * 4);
  return file;
}
