/** The sessions of one model's networks on one provider: opened one by one, closed together. */
import { type Flavour, flavoursFor } from '../../graphs/flavour.ts';
import { decoderInBands, encoderInBands } from '../../graphs/autoencoders/vae-bands.ts';
import type { ProviderName } from '../../names.ts';
import { withBands } from '../../network/banded.ts';
import { builtSource, type GraphSource } from '../../network/graph-source.ts';
import type { Turns } from '../../network/one-at-a-time.ts';
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
};

/** Sessions throw RunError for a damaged file, and ONNX Runtime's own error where the provider is at fault. */
export function networkSessions(
  layout: ModelLayout,
  edits: readonly OpenedEdit[],
  { provider, deviceIndex, flavour, clock, turns }: SessionPlace,
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

  /** Large pictures go band by band through a network that was written here; a band's session is gone after it. */
  async function openVae(
    network: NetworkSource,
    source: GraphSource,
    bands: typeof decoderInBands,
  ): Promise<Session> {
    const session = await open(source);
    if (network.kind === 'file' || network.write !== undefined) return session;
    return withBands(
      session,
      () => bands(network.tensors, vaeStyle),
      (graph) => {
        const band = builtSource(network.path, graph);
        return openSession(band, optionsFor(band));
      },
    );
  }

  return {
    provider,
    open,
    denoiser: async () => open(await denoiserSource(layout, edits, style)),
    textEncoder: (files) => openEncoder(files, layout, edits, open, style),
    vaeDecoder: () =>
      openVae(layout.vaeDecoder, vaeDecoderSource(layout.vaeDecoder, vaeStyle), decoderInBands),
    vaeEncoder: (encoder) => openVae(encoder, vaeEncoderSource(encoder, vaeStyle), encoderInBands),
    safetyChecker: (checker) => open(safetyCheckerSource(checker, vaeStyle)),
    async release() {
      for (const session of opened.splice(0)) await session.release();
    },
  };
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
