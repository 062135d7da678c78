import { sayer } from '../engine/said.ts';

/** Why an order was not taken, or a job came to nothing: the queue's own sentences for people. */
export const QUEUE_SENTENCES = {
  'order-lost-disk-full': () =>
    'Your order was not taken: the disk is full on the machine that paints. Please tell whoever runs this bot, and try again later.',
  'order-lost-unwritable': () =>
    'Your order was not taken: the data folder cannot be written on the machine that paints. Please tell whoever runs this bot, and try again later.',
  'order-lost-queue-away': () =>
    'Your order was not taken: the queue cannot be reached at the moment. Please try again in a minute.',
  'settings-away': () =>
    'The settings cannot be reached at the moment, so nothing was done. Please try again in a minute.',
  'settings-full': () =>
    'The settings cannot be kept: where they lie is no room left. Please tell whoever runs this bot, and try again later.',
  'order-lost-queue-full': () =>
    'Your order was not taken: the queue has no room left. Please tell whoever runs this bot, and try again later.',
  'queue-closed': () =>
    'Darkroom is just being restarted, so the queue is closed. Please try again in a minute.',
  'order-unreadable': () =>
    'This order was written by another version of Darkroom, which this one cannot read. Please send it again.',
  'start-picture-gone': () =>
    'The start picture of this order is no longer stored. Please send it again with the picture.',
  'copy-source-gone': () =>
    'The picture is no longer stored, so there is nothing to copy. Paint it again with its recipe.',
  'program-ended-often': (times: number) =>
    `The program ended ${times} times while making this picture, so it was given up. A smaller size or fewer pictures at once may work.`,
  'engine-crashed-twice': () =>
    'The engine broke down twice while making this picture, so it was given up. A smaller size or fewer pictures at once may work.',
  'picture-lost-disk-full': () =>
    'The picture was made but could not be kept: there is no room left where pictures are kept. Try again later.',
  'picture-lost-unwritable': () =>
    'The picture was made but could not be kept: the place where pictures are kept cannot be written. Try again later.',
  'unknown-trouble': () =>
    'Something went wrong while making this picture. If it happens again, give the reference to whoever runs this bot.',
};

export const sayOfQueue = sayer(QUEUE_SENTENCES);
