/**
 * A folder with CUDA's libraries that belongs to this installation. What lies there is opened before ONNX Runtime asks
 * for it: the loader takes a library that is open already under its own name, wherever it came from, so that nothing of
 * the system is changed and no variable has to be set before the program starts.
 */
import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { type Elf, readElf } from './elf.ts';

/** <dlfcn.h>: the library stays open although Node closes what is no add-on of its own. */
const RTLD_NODELETE = 0x1000;

let own: string | null = null;
let isOpen = false;

/** Says where they lie, before the first session. */
export function useLibrariesIn(folder: string): void {
  if (own !== folder) isOpen = false;
  own = folder;
}

/** Their names -> files; empty where there is no such folder. */
export function librariesIn(folder: string): Map<string, string> {
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => /\.so(\.|$)/.test(name))
    : [];
  return new Map(files.map((name) => [name, path.join(folder, name)]));
}

/** Opens them, each after those that it needs. Once; a thread more or less makes no difference. */
export function openOwnLibraries(): void {
  if (own === null || isOpen || process.platform !== 'linux') return;
  isOpen = true;
  for (const file of inOrder(librariesIn(own))) openLibrary(file);
}

/** @throws Error as the loader says it */
function openLibrary(file: string): void {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
  } catch (error) {
    // It is open then: Node only says that it is not one of its add-ons.
    if (!/did not self-register/.test(String(error))) throw error;
  }
}

/** Needed ones first. */
function inOrder(libraries: ReadonlyMap<string, string>): string[] {
  const ordered: string[] = [];
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const file = libraries.get(name);
    if (file === undefined || seen.has(name)) return;
    seen.add(name);
    const elf: Elf = readElf(file);
    for (const needed of elf.needed) visit(needed);
    ordered.push(file);
  };
  for (const name of libraries.keys()) visit(name);
  return ordered;
}
