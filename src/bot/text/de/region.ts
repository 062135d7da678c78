import type { REGION as ENGLISH } from '../en/region.ts';

export const REGION: typeof ENGLISH = {
  region: {
    title: '### Welcher Teil soll neu gemalt werden?',
    hint: 'Drücke Zahlen, oder wähle einen Teil beim Namen. Sag dann, was dort sein soll.',
    nothingYet: 'Noch ist nichts gewählt.',
    chosen: (percent) => `**${percent}** des Bilds sind gewählt.`,
    choose: 'Hälften, Viertel, Drittel…',
    paint: 'Worte und Maske…',
    clear: 'Leeren',
    formTitle: 'Teil variieren',
    mask: 'Oder eine Maske: Weiß wird gemalt',
    maskHint: 'Anderswo gezeichnet, in der Größe oder Form des Bilds; Schwarz bleibt',
    area: 'Wie gemalt wird',
    areas: {
      whole: 'An Ort und Stelle, als Teil des Ganzen',
      only: 'Allein in voller Größe, mit mehr Detail',
    },
    strength: 'Stärke (0 behält den Teil, 1 malt ihn neu)',
    alt: 'Das Bild mit einem Gitter aus neun bezifferten Teilen; der gewählte Teil ist eingefärbt',
    names: {
      left: 'Linke Hälfte',
      right: 'Rechte Hälfte',
      top: 'Obere Hälfte',
      bottom: 'Untere Hälfte',
      'top-left': 'Viertel oben links',
      'top-right': 'Viertel oben rechts',
      'bottom-left': 'Viertel unten links',
      'bottom-right': 'Viertel unten rechts',
      'left-third': 'Linkes Drittel',
      'centre-third': 'Mittleres Drittel, hochkant',
      'right-third': 'Rechtes Drittel',
      'top-third': 'Oberes Drittel',
      'middle-third': 'Mittleres Drittel, quer',
      'bottom-third': 'Unteres Drittel',
    },
    shapes: { middle: 'Die Mitte', background: 'Der Hintergrund', edges: 'Die Ränder' },
  },
  regionNothing:
    'Kein Teil des Bilds ist gewählt. Drücke erst eine Zahl oder wähle einen Teil beim Namen, oder gib im Formular eine Maske dazu.',
  maskMisfit: (mask, picture) =>
    `Die Maske hat ${mask} Pixel, also eine andere Form als das Bild mit ${picture}. Zeichne sie in der Form des Bilds: weiß, wo gemalt wird, schwarz, wo es bleibt.`,
  maskEmpty:
    'In der Maske ist nichts weiß, es würde also nichts gemalt. Weiß wird neu gemalt, Schwarz bleibt.',
  zoomOf: (link) => `Herausgezoomt aus ${link}`,
  panOf: (link) => `Weitergemalt aus ${link}`,
  regionOf: (link) => `Ein Teil neu gemalt aus ${link}`,
  redoOf: (link) => `Größer gemalt nach ${link}`,
  redoTooLarge: (size, most) =>
    `Dieses Bild hat ${size} Pixel und lässt sich hier nicht größer malen: ${most} sind das meiste.`,
  postedFrom: (user) => `Gezeigt von ${user}`,
  notYoursToPost: 'Nur wer dieses Bild bestellt hat, kann es im Kanal zeigen.',
  maskCovers: (percent) => `Maske über ${percent}`,
};
