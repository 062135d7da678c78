/** The sessions of one model's networks on one provider: opened one by one, closed together. */
import { type Flavour, flavoursFor } from '../../graphs/flavour.ts';
import { decoderInBands, encoderInBands } from '../../graphs/autoencoders/vae-bands.ts';
import { vaeNorm } from '../../graphs/vae.ts';
import type { ProviderName } from '../../names.ts';
import { withBands } from '../../network/banded.ts';
import { builtSource, type GraphSource } from '../../network/graph-source.ts';
import type { Turns } from '../../network/one-at-a-time.ts';
import { openSessionInThread } from '../../network/sharing/thread-session.ts';
import {
  openSession,
  type RunClock,
  type Session,
  type SessionOptions,
} from '../../network/session.ts';
import type { EncoderPart } from '../../text/encoder-run.ts';
import type { ModelLayout, NetworkSource, TextEncoderFiles } from '../layout.ts';
import { explainFile, opensOnCpu } from '../model-files.ts';
import {
  denoiserSource,
  openEncoder,
  safetyCheckerSource,
  vaeDecoderSource,
  vaeEncoderSource,
} from './model-graphs.ts';
import type { OpenedEdit } from './variant.ts';

/** Each call opens one more session, which lives until `release`. */
export type NetworkSessions = {
  provider: ProviderName;
  open(source: GraphSource): Promise<Session>;
  denoiser(): Promise<Session>;
  /** Once more, in a thread of its own that takes so many; whoever opens it releases it. */
  denoiserInThread(threads: number): Promise<Session>;
  vaeDecoderInThread(threads: number): Promise<Session>;
  textEncoder(files: TextEncoderFiles): Promise<EncoderPart>;
  vaeDecoder(): Promise<Session>;
  vaeEncoder(encoder: NetworkSource): Promise<Session>;
  safetyChecker(checker: NetworkSource): Promise<Session>;
  release(): Promise<void>;
};

export type SessionPlace = {
  provider: ProviderName;
  deviceIndex: number | null;
  flavour: Flavour;
  clock: RunClock;
  /** one network is open at a time; absent: all are */
  turns?: Turns;
  /** a session in a thread of its own that is silent for longer is given up; milliseconds */
  deadlineMs: number;
};

/** Sessions throw RunError for a damaged file, and ONNX Runtime's own error where the provider is at fault. */
export function networkSessions(
  layout: ModelLayout,
  edits: readonly OpenedEdit[],
  { provider, deviceIndex, flavour, clock, turns, deadlineMs }: SessionPlace,
): NetworkSessions {
  const { style, vaeStyle } = flavour;
  const opened: Session[] = [];
  const optionsFor = (source: GraphSource): SessionOptions => ({
    provider,
    deviceIndex,
    clock,
    ...sessionOf(source, flavour),
  });

  async function open(source: GraphSource): Promise<Session> {
    try {
      const openNow = (): Promise<Session> => openSession(source, optionsFor(source));
      const session = await (turns ? turns.add(openNow) : openNow());
      opened.push(session);
      return session;
    } catch (error) {
      if (provider !== 'cpu' && (await opensOnCpu(source, clock))) throw error;
      throw explainFile(error, source, layout);
    }
  }

  const inThread = (source: GraphSource, threads: number): Promise<Session> =>
    openSessionInThread(source, { ...optionsFor(source), threads, deadlineMs });

  async function openVae(
    network: NetworkSource,
    source: GraphSource,
    bands: typeof decoderInBands,
  ): Promise<Session> {
    return inBands(network, await open(source), { bands, style: vaeStyle, optionsFor });
  }

  return {
    provider,
    open,
    denoiser: async () => open(await denoiserSource(layout, edits, style)),
    denoiserInThread: async (threads) =>
      inThread(await denoiserSource(layout, edits, style), threads),
    textEncoder: (files) => openEncoder(files, layout, edits, open, style),
    vaeDecoder: () =>
      openVae(layout.vaeDecoder, vaeDecoderSource(layout.vaeDecoder, vaeStyle), decoderInBands),
    async vaeDecoderInThread(threads) {
      const { vaeDecoder } = layout;
      const session = await inThread(vaeDecoderSource(vaeDecoder, vaeStyle), threads);
      return inBands(vaeDecoder, session, { bands: decoderInBands, style: vaeStyle, optionsFor });
    },
    vaeEncoder: (encoder) => openVae(encoder, vaeEncoderSource(encoder, vaeStyle), encoderInBands),
    safetyChecker: (checker) => open(safetyCheckerSource(checker, vaeStyle)),
    async release() {
      for (const session of opened.splice(0)) await session.release();
    },
  };
}

/** Large pictures go band by band through a network that was written here; a band's session is gone after it. */
function inBands(
  network: NetworkSource,
  session: Session,
  {
    bands,
    style,
    optionsFor,
  }: {
    bands: typeof decoderInBands;
    style: Flavour['vaeStyle'];
    optionsFor(source: GraphSource): SessionOptions;
  },
): Session {
  if (network.kind === 'file' || network.write !== undefined) return session;
  return withBands(
    session,
    () => bands(network.tensors, style, vaeNorm(network.groups)),
    (graph) => {
      const band = builtSource(network.path, graph);
      return openSession(band, optionsFor(band));
    },
  );
}

/** The same denoiser on the CPU, where the reference answer comes from. */
export async function denoiserOnCpu(
  layout: ModelLayout,
  edits: readonly OpenedEdit[],
  clock: RunClock,
): Promise<Session> {
  const [flavour] = flavoursFor('cpu') as [Flavour];
  const source = await denoiserSource(layout, edits, flavour.style);
  const options = { provider: 'cpu', clock, mapWeights: true } as const;
  return openSession(source, { ...options, ...sessionOf(source, flavour) });
}

/** ONNX folders are opened as they always were. */
function sessionOf(source: GraphSource, { session }: Flavour): Partial<Flavour['session']> {
  return source.kind === 'built' && source.own ? session : {};
}
