import { BASICS } from './basics.ts';
import { CLAIM } from './claim.ts';
import { ENLIST, FINISH, RECALL, RELEASE, RENEW, REPRICE, SET_MODE, SWEEP } from './leases.ts';
import { CANCEL, LEAVE, REVOKE, SUBMIT } from './orders.ts';
import { DELIVERED, FORGET, REMEMBER, RESTORE, RETRACT } from './record.ts';
import { RUNS } from './runs.ts';
import { WAITING } from './waiting.ts';

const LINE = BASICS + WAITING + RUNS;

/** Every script by its name, with what it begins with. */
export const SCRIPTS = {
  submit: LINE + SUBMIT,
  cancel: LINE + CANCEL,
  claim: LINE + CLAIM,
  reprice: LINE + REPRICE,
  renew: LINE + RENEW,
  finish: LINE + FINISH,
  release: LINE + RELEASE,
  sweep: LINE + SWEEP,
  recall: LINE + RECALL,
  enlist: LINE + ENLIST,
  leave: LINE + LEAVE,
  set_mode: BASICS + SET_MODE,
  revoke: BASICS + REVOKE,
  remember: BASICS + REMEMBER,
  delivered: BASICS + DELIVERED,
  forget: BASICS + FORGET,
  retract: BASICS + RETRACT,
  restore: BASICS + RESTORE,
} as const;
