/** The families, in the order in which they are asked: those that share names with others come first. */
import type { FamilyReader } from './family.ts';
import { NOT_YET } from './not-yet.ts';
import { STABLE_DIFFUSION } from './stable-diffusion.ts';

export const FAMILIES: readonly FamilyReader[] = [...NOT_YET, STABLE_DIFFUSION];
