import type { FromPage } from '../protocol.ts';
import { isFields } from '../validate/validate.ts';

type Fits = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Fits>>;

const text: Fits = (value) => typeof value === 'string';
const flag: Fits = (value) => typeof value === 'boolean';
const number: Fits = (value) => typeof value === 'number';
const listOf =
  (each: Fits): Fits =>
  (value) =>
    Array.isArray(value) && value.every(each);
const orAbsent =
  (fits: Fits): Fits =>
  (value) =>
    value === undefined || fits(value);
const option: Fits = (value) =>
  isFields(value) &&
  text(value['name']) &&
  number(value['type']) &&
  ['string', 'number', 'boolean'].includes(typeof value['value']);
const typed: Fits = (value) =>
  isFields(value) && Object.values(value).every((one) => text(one) || listOf(text)(one));

const ORDER = { nonce: text, channelId: text, commandId: text, path: orAbsent(listOf(text)) };

/** What each message of a page must hold. */
const SHAPES: { readonly [T in FromPage['type']]: Shape } = {
  hello: { userId: (value) => value === null || text(value), locale: orAbsent(text) },
  open: { channelId: text },
  command: { ...ORDER, options: listOf(option), targetId: orAbsent(text) },
  autocomplete: { ...ORDER, options: listOf(option), focused: text },
  component: {
    nonce: text,
    messageId: text,
    customId: text,
    componentType: number,
    values: orAbsent(listOf(text)),
  },
  modal: { nonce: text, interactionId: text, customId: text, values: typed },
  dismiss: { messageId: text },
  say: { channelId: text, content: text, files: orAbsent(listOf(text)) },
  age: { channelId: text, ageRestricted: flag },
  'delete-channel': { channelId: text },
  'delete-guild': { guildId: text },
  'found-guild': { name: text },
  'bot-member': { guildId: text, member: flag },
  roles: { guildId: text, userId: text, roleIds: listOf(text) },
};

/** The message of a page in this text; null when it is none, whatever it is instead. */
export function parseFromPage(sent: string): FromPage | null {
  let value: unknown;
  try {
    value = JSON.parse(sent);
  } catch {
    return null;
  }
  if (!isFields(value) || typeof value['type'] !== 'string') return null;
  if (!Object.hasOwn(SHAPES, value['type'])) return null;
  const shape = SHAPES[value['type'] as FromPage['type']];
  const fits = Object.entries(shape).every(([name, fit]) => fit(Object(value)[name]));
  return fits ? (value as FromPage) : null;
}
