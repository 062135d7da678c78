import type { OWNER as ENGLISH } from '../en/owner.ts';

export const OWNER: typeof ENGLISH = {
  limitSeconds: (cost, left) =>
    `Dieses Bild braucht die Maschine etwa ${cost} s lang; über alle Server zusammen hast du heute noch ${left} s. Nimm weniger Schritte oder eine kleinere Größe, oder warte bis Mitternacht (UTC).`,
  held: (position, words) =>
    `**Angehalten** vom Betreiber des Bots · #${position}${words === '' ? '' : `\n${words}`}`,
  queuePaused: (since, words) =>
    `⏸ **Angehalten** vom Betreiber des Bots ${since}: Aufträge werden angenommen und warten, keiner wird begonnen.${words === '' ? '' : `\n${words}`}`,
  queueDraining: (since, words) =>
    `⏳ **Keine neuen Aufträge** ${since}: der Betreiber des Bots lässt ihn fertig malen, was er hat.${words === '' ? '' : `\n${words}`}`,
  drained: (words) =>
    `Der Betreiber des Bots nimmt gerade keine neuen Aufträge an; was schon bestellt ist, wird noch gemalt. Aus deinem wurde nichts.${words === '' ? '' : `\n${words}`}`,
};
