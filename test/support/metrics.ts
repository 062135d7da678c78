import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Samples of the text format, by `name{labels}` as written there. */
export type Samples = ReadonlyMap<string, number>;

const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})?) (\S+)$/;

/** Reads Prometheus' text format 0.0.4. Fails on a line that is none of it, and on a sample that comes twice. */
export function samplesIn(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) continue;
    const [, name, value] = SAMPLE.exec(line) ?? [];
    assert.ok(name !== undefined && value !== undefined, `no sample: ${line}`);
    assert.ok(!samples.has(name), `twice: ${name}`);
    samples.set(name, Number(value.replace('+Inf', 'Infinity')));
  }
  return samples;
}

export async function scrape(port: number): Promise<Samples> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return samplesIn(await answer.text());
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
