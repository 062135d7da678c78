/** Ports that Darkroom would listen on, where another program has them. */
import { createServer } from 'node:net';
import type { Config } from '../../config.ts';
import { type Finding, stops } from './finding.ts';
import { isRunningOn } from './folders.ts';

type Wanted = { what: string; variable: string; host: string; port: number };

/** Says nothing where all are free, or where the Darkroom that has them is this one. */
export async function checkPorts(config: Config): Promise<Finding[]> {
  const troubles: Finding[] = [];
  for (const { what, variable, host, port } of wanted(config)) {
    const code = await tryPort(host, port);
    if (code === null) continue;
    if (code === 'EADDRINUSE' && (await isRunningOn(config.dataDir))) continue;
    const why =
      code === 'EADDRINUSE'
        ? 'another program has it'
        : code === 'EACCES'
          ? 'this account may not listen there'
          : code;
    const mend = `set ${variable} to another port, or end what has it: ss -ltnp 'sport = :${port}'`;
    troubles.push(stops('ports', `${what} cannot listen on ${host}:${port}: ${why}.`, { mend }));
  }
  return troubles;
}

function wanted({
  discordToken,
  discordApiBase,
  playgroundPort,
  metrics,
  picturesServed,
}: Config): Wanted[] {
  const hasPlayground = discordToken === null && discordApiBase === null;
  const all: (Wanted | null)[] = [
    hasPlayground
      ? {
          what: 'the playground',
          variable: 'PLAYGROUND_PORT',
          host: '127.0.0.1',
          port: playgroundPort,
        }
      : null,
    metrics && { what: 'health and metrics', variable: 'METRICS_PORT', ...metrics },
    picturesServed && {
      what: 'the pictures for workers',
      variable: 'PICTURES_PORT',
      ...picturesServed,
    },
  ];
  return all.filter((one) => one !== null).filter(({ port }) => port > 0);
}

/** The system's code for why nobody can listen there; null: it can be done. */
function tryPort(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
