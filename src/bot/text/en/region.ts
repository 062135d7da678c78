/** Vary region, zoom, pan, Redo larger and Post to channel. */
export const REGION = {
  region: {
    title: '### Which part shall be painted anew?',
    hint: 'Press numbers, or choose a part by name. Then say what should be there.',
    nothingYet: 'Nothing is chosen yet.',
    chosen: (percent: string) =>
      `**${percent}** of the picture ${percent === '1 %' ? 'is' : 'are'} chosen.`,
    choose: 'Halves, quarters, thirds…',
    paint: 'Words and mask…',
    clear: 'Clear',
    formTitle: 'Vary region',
    mask: 'Or a mask: white is painted, black stays',
    maskHint: 'Drawn elsewhere, at the size or in the shape of the picture',
    area: 'How it is painted',
    areas: { whole: 'In place, as part of the whole', only: 'Alone at full size, for more detail' },
    strength: 'Strength (0 keeps the part, 1 paints it anew)',
    alt: 'The picture with a grid of nine numbered parts over it; the chosen part is shaded',
    names: {
      left: 'Left half',
      right: 'Right half',
      top: 'Upper half',
      bottom: 'Lower half',
      'top-left': 'Quarter, upper left',
      'top-right': 'Quarter, upper right',
      'bottom-left': 'Quarter, lower left',
      'bottom-right': 'Quarter, lower right',
      'left-third': 'Left third',
      'centre-third': 'Middle third, upright',
      'right-third': 'Right third',
      'top-third': 'Upper third',
      'middle-third': 'Middle third, across',
      'bottom-third': 'Lower third',
    },
    shapes: {
      middle: 'The middle',
      background: 'The background',
      edges: 'The edges',
    },
  },
  regionNothing:
    'No part of the picture is chosen. Press a number or choose a part by name first, or add a mask to the form.',
  maskMisfit: (mask: string, picture: string) =>
    `The mask has ${mask} pixels, which is another shape than the picture's ${picture}. Draw it in the shape of the picture: white where to paint, black where to keep.`,
  maskEmpty:
    'The mask has nothing white in it, so nothing would be painted. White is painted anew, black stays.',
  zoomOf: (link: string) => `Zoomed out from ${link}`,
  panOf: (link: string) => `Carried on from ${link}`,
  regionOf: (link: string) => `A part painted anew of ${link}`,
  redoOf: (link: string) => `Larger version of ${link}`,
  redoTooLarge: (size: string, most: string) =>
    `This picture has ${size} pixels and cannot be painted larger here: ${most} are the most.`,
  postedFrom: (user: string) => `Posted by ${user}`,
  notYoursToPost: 'Only the person who asked for this picture can post it.',
  maskCovers: (percent: string) => `mask over ${percent}`,
};
