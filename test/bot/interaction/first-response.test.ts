import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { REST } from 'discord.js';
import {
  LostInteractionError,
  openFirstResponse,
} from '../../../src/bot/interaction/first-response.ts';
import { trackResponses } from '../../../src/bot/interaction/responses-in-flight.ts';

/** A Discord that never confirms a first response, and shows its message from the third look on, or never. */
async function deafDiscord(t: TestContext, arrives: boolean): Promise<REST> {
  let looks = 0;
  const server = createServer((request, response) => {
    // What was given up is still on its way.
    if (request.method === 'POST') return;
    looks++;
    const isThere = arrives && looks > 2;
    response.writeHead(isThere ? 200 : 404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(isThere ? { id: '77' } : { code: 10015, message: 'Unknown Webhook' }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new REST({ api: `http://127.0.0.1:${port}`, version: '10', timeout: 200, retries: 0 });
}

const INTERACTION = { id: '1', token: 'word', applicationId: '2' };

test('a first response that was given up and arrives later is found', async (t) => {
  const acks = await deafDiscord(t, true);
  const response = openFirstResponse(INTERACTION, { acks, inFlight: trackResponses() });
  await response.send({ type: 5 });
  assert.equal(response.messageId, '77');
});

test('one that never arrives is lost, and nothing is started for it', async (t) => {
  const acks = await deafDiscord(t, false);
  const response = openFirstResponse(INTERACTION, { acks, inFlight: trackResponses() });
  await assert.rejects(response.send({ type: 5 }), LostInteractionError);
});
