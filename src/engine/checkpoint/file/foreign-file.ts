/** What a file is that calls itself .safetensors and is none, by its first bytes: so that the sentence can say what to do. */
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';

/** Enough for the beginning of a web page or of a pointer of Git LFS. */
export const FIRST_BYTES = 512;

type Sign = { fits: (first: Buffer, text: string) => boolean; sentence: (file: string) => Said };

const starts =
  (...beginnings: readonly string[]) =>
  (_first: Buffer, text: string): boolean =>
    beginnings.some((beginning) => text.startsWith(beginning));

const SIGNS: readonly Sign[] = [
  {
    // torch.save writes a zip with data.pkl in it, before 2020 a bare pickle, whose protocol number follows 0x80
    fits: (first, text) =>
      (text.startsWith('PK\x03\x04') && text.includes('.pkl')) ||
      (first[0] === 0x80 && (first[1] ?? 9) >= 2 && (first[1] ?? 9) <= 5),
    sentence: (file) => say('file-is-pickle', file),
  },
  { fits: starts('GGUF'), sentence: (file) => say('file-is-gguf', file) },
  {
    fits: starts('version https://git-lfs'),
    sentence: (file) => say('file-is-lfs-pointer', file),
  },
  {
    fits: (_first, text) => /^\s*(?:<!doctype|<html|<\?xml|<head)/i.test(text),
    sentence: (file) => say('file-is-web-page', file),
  },
  {
    fits: (_first, text) => /^\s*[{[]/.test(text),
    sentence: (file) => say('file-is-json', file),
  },
  {
    fits: starts('PK\x03\x04', 'Rar!', '7z\xbc\xaf\x27\x1c', '\x1f\x8b', 'BZh', '\xfd7zXZ'),
    sentence: (file) => say('file-is-archive', file),
  },
  {
    fits: starts('\x89PNG', '\xff\xd8\xff', 'RIFF', 'GIF8'),
    sentence: (file) => say('file-is-picture', file),
  },
  {
    // ModelProto: ir_version as field 1, then mostly producer_name as field 2
    fits: (first) => first[0] === 0x08 && (first[1] ?? 0) < 0x20 && first[2] === 0x12,
    sentence: (file) => say('file-is-onnx', file),
  },
  {
    // space is set aside by some download programs before anything has come
    fits: (first) => first.length > 0 && first.every((byte) => byte === 0),
    sentence: (file) => say('file-is-blank', file),
  },
];

/** The sentence about a file of another kind; null: nobody knows what it is. */
export function foreignKind(first: Buffer, file: string): Said | null {
  const text = first.toString('latin1');
  return SIGNS.find(({ fits }) => fits(first, text))?.sentence(file) ?? null;
}
