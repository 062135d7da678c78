import { REPORT_TEXT } from '../../../explore/report/report-text.ts';
import { PLOT_TEXT } from '../../../explore/curve/plot-text.ts';

/** /explore and /evolution; names and numbers arrive ready to print. */
export const SHEET = {
  cellOf: (cell: string, cells: number) => `**Picture ${cell} of ${cells}**`,
  cost: (pictures: number, steps: number, seconds: string | null) =>
    `${pictures === 1 ? 'one picture' : `${pictures} pictures`}, ${steps} steps` +
    (seconds === null ? '' : `, ${seconds} of painting in all`),
  stopped: (done: number, cells: number) =>
    done === 0
      ? '**Stopped.** Nothing was made.'
      : `**Stopped** after ${done} of ${cells} pictures.`,
  nothingWorked: '**That did not work.** None of the pictures could be made.',
  openCell: 'Open one picture…',
  cellFailed: 'not possible',
  cellWithheld: 'kept back',
  alt: (what: string, prompt: string) => `AI-generated images: ${what} · ${prompt}`,
  curveAlt: (words: string) => `Curves of the distance to the last picture. ${words}`,
  seconds: (pictures: number, seconds: string) =>
    `${pictures === 1 ? 'one picture' : `${pictures} pictures`}, ${seconds} of painting`,
  moreCells: (count: number) => `${count} more`,
  keptBack: 'Kept back by the safety checker of this model; it costs nothing of your day.',
  confirmDelete: 'Delete all of it?',
  confirmDeleteWords:
    'The message goes, and every stored picture of it. Nobody can bring them back.',
  noCell: 'This sheet has no such picture.',
  notMade: 'This picture was not made.',
  myDefault: (what: string) => `My default: ${what}`,
  serverDefault: (what: string) => `The server's default: ${what}`,
  savedMine: (what: string) => `Saved as your default: **${what}**.`,
  undo: 'Undo',
  undone: 'Undone: nothing is set any more.',
  undoneTo: (what: string) => `Undone: the default is **${what}** again.`,
  undoTooLate: 'This default was changed again since then; nothing was undone.',
  needServer: 'Only a server has defaults.',
  needPermission: 'Only people who may manage this server can change its defaults.',
  saved: (what: string) => `Saved as this server's default: **${what}**.`,
  nothingToSave: 'This sheet varies nothing that can be a default.',
  valuesMissing: (axis: string, example: string) =>
    `Name the values of ${axis}, such as \`${example}\`.`,
  secondValuesWithoutAxis: 'y-values needs y, the second axis.',
  thirdValuesWithoutAxis: 'z-values needs z, the third axis.',
  allCurves: 'All curves',
  row: (axes: string, pictures: number) =>
    `sheet of ${axes}, ${pictures === 1 ? 'one picture' : `${pictures} pictures`}`,
  rowEvolution: 'evolution',
  reportTitle: (prompts: number) => (prompts === 1 ? 'Report' : `Report of ${prompts} prompts`),
  reportCount: (done: number, all: number) => `${done} of ${all} pictures`,
  morePrompts: (count: number) => `and ${count} more prompts`,
  reportForManagers:
    'Reports are for people who may manage this server: they take the machine for long.',
  offer: (pictures: number, steps: number, seconds: string | null) =>
    `This report has **${pictures} pictures**, ${steps} steps` +
    (seconds === null ? '' : `, ${seconds} of painting`) +
    '. Others are painted in between; it can be stopped at any time, and goes on after a restart.',
  paintIt: 'Paint it',
  promptsTooLong: (most: number) =>
    `The file of prompts is too long: at most ${most} letters in all, one prompt a line.`,
  promptsNoText: 'The file of prompts is no text in UTF-8.',
  offerGone:
    'This report was ordered already, or others were asked for since. Please ask for the report again.',
  rowReport: (axes: string, pictures: number) =>
    `report of ${axes}, ${pictures === 1 ? 'one picture' : `${pictures} pictures`}`,
  page: REPORT_TEXT,
  notYoursToStop: 'Only the person who asked for this, or a moderator, can stop it.',
  alreadyFinished: 'This one has already finished.',
  plot: PLOT_TEXT,
};
