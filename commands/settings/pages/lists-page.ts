import { quoted } from '../../../src/bot/render/markdown.ts';
import type { WildcardList } from '../../../src/bot/wildcards/lists.ts';
import { button, type PanelView, paragraph, type Part, row, stringSelect } from '../panel-parts.ts';
import { listKey } from '../settings-lists.ts';

const NAMES_SHOWN = 40;

/** Draws the page of the lists that prompts choose from: the server's own, and the installation's. */
export function listsPage({ policy, lists = [], files = [], text }: PanelView): Part[] {
  const { panel } = text;
  const names = (all: readonly WildcardList[]) => {
    const shown = all
      .slice(0, NAMES_SHOWN)
      .map(({ name, entries }) => panel.lists.one(quoted(`__${name}__`, 60), entries.length));
    return [...shown, ...(all.length > shown.length ? ['…'] : [])].join(', ') || panel.none;
  };
  const options = lists.map(({ name, entries }) => ({
    label: name,
    value: listKey(name),
    description: panel.lists.entries(entries.length),
  }));
  return [
    paragraph([
      panel.titles.lists,
      policy.wildcards ? panel.lists.on : panel.lists.off,
      panel.lists.own(names(lists)),
      panel.lists.files(names(files)),
    ]),
    ...(options.length === 0
      ? []
      : [row(stringSelect('list', options, { placeholder: panel.chooseList }))]),
    row(
      button('list-new', panel.newList),
      policy.wildcards ? button('lists-off', panel.listsOff) : button('lists-on', panel.listsOn),
    ),
  ];
}
