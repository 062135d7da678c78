import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermissionFlagsBits, PermissionsBitField } from 'discord.js';
import { missingToPost } from '../../../src/bot/interaction/permissions.ts';

const { ViewChannel, SendMessages, SendMessagesInThreads, AttachFiles, Administrator } =
  PermissionFlagsBits;
const inGuild = { inGuild: true, inThread: false };

test('what the bot lacks in a channel is named', () => {
  const granted = new PermissionsBitField([ViewChannel, SendMessages]);
  assert.deepEqual(missingToPost(granted, inGuild), ['AttachFiles']);
  assert.deepEqual(missingToPost(granted, { inGuild: true, inThread: true }), [
    'SendMessagesInThreads',
    'AttachFiles',
  ]);
  const all = new PermissionsBitField([ViewChannel, SendMessagesInThreads, AttachFiles]);
  assert.deepEqual(missingToPost(all, { inGuild: true, inThread: true }), []);
});

test('an administrator and a direct message lack nothing', () => {
  assert.deepEqual(missingToPost(new PermissionsBitField([Administrator]), inGuild), []);
  assert.deepEqual(
    missingToPost(new PermissionsBitField([]), { inGuild: false, inThread: false }),
    [],
  );
});
