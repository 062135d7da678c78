/** The figures as a table, and as files; the notes. */
import { data, drawing, figureWords, say, view } from './model.ts';
import { button, element, saveAs, section } from './parts.ts';

const sorted = { by: '', down: false };
const LEFT_OUT = new Set(['prompt', 'negative', 'file', 'prompt_number']);

/** Draws the table of figures, sorted by the column that was pressed. Empty columns are left out. */
export function figuresSection(): HTMLElement {
  const rows = data.cells.filter((row) => row['prompt_number'] === view.prompt + 1);
  const isTwice = (name: string): boolean =>
    (name === 'x' || name === 'y' || name === 'z') && nameOfColumn(name) in (rows[0] ?? {});
  const names = Object.keys(rows[0] ?? {}).filter(
    (name) =>
      !LEFT_OUT.has(name) &&
      !isTwice(name) &&
      rows.some((row) => row[name] !== null && row[name] !== ''),
  );
  const key = (row: Record<string, string | number | null>): string | number =>
    row[sorted.by] ?? '';
  const ordered =
    sorted.by === ''
      ? rows
      : rows.toSorted((a, b) => {
          const [one, other] = [key(a), key(b)];
          const far =
            typeof one === 'number' && typeof other === 'number'
              ? one - other
              : String(one).localeCompare(String(other), undefined, { numeric: true });
          return sorted.down ? -far : far;
        });
  const head = element('tr');
  for (const name of names) {
    const press = (): void => {
      sorted.down = sorted.by === name && !sorted.down;
      sorted.by = name;
      drawing.refresh();
    };
    const mark = sorted.by === name ? (sorted.down ? ' ↓' : ' ↑') : '';
    const order = sorted.by === name ? (sorted.down ? 'descending' : 'ascending') : 'none';
    head.append(element('th', { 'aria-sort': order }, button(nameOfColumn(name) + mark, press)));
  }
  const body = element('tbody');
  for (const row of ordered) {
    body.append(
      element('tr', {}, ...names.map((name) => element('td', {}, figureWords(row[name])))),
    );
  }
  const table = element('table', { class: 'figures' }, element('thead', {}, head), body);
  return section(
    say('figures'),
    element(
      'div',
      { class: 'controls' },
      button(say('csv'), () => saveAs('figures.csv', 'text/csv', data.csv)),
      button(say('json'), () => saveAs('figures.json', 'application/json', figuresAsJson())),
    ),
    element('div', { class: 'scroll', tabindex: '0' }, table),
  );
}

function nameOfColumn(name: string): string {
  const axis = { x: 0, y: 1, z: 2 }[name];
  const title = axis === undefined ? undefined : data.axes[axis]?.title;
  return title === undefined ? name.replaceAll('_', ' ') : title;
}

function figuresAsJson(): string {
  const { title, about, axes, prompts, cells } = data;
  const curves = prompts.map((one) => ({ prompt: one.prompt, curves: one.curves }));
  return `${JSON.stringify({ title, about, axes, cells, curves }, null, 1)}\n`;
}

/** What was noted in this browser, or came with the page. */
const noted: Record<string, string> = {};
const shelf = `darkroom-report:${data.title}:${data.prompts
  .map(({ prompt }) => prompt)
  .join('|')
  .slice(0, 200)}`;

/** Reads notes that the saved page holds, and those of this browser, which go before them. */
export function readNotes(): void {
  const kept = ((): string | null => {
    try {
      return localStorage.getItem(shelf);
    } catch {
      return null;
    }
  })();
  const own = parsed(document.getElementById('own-notes')?.textContent ?? '{}');
  const local = parsed(kept ?? '{}');
  for (const [prompt, words] of [
    ...Object.entries(Object(own)),
    ...Object.entries(Object(local)),
  ]) {
    if (typeof words === 'string') noted[prompt] = words;
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

/** Draws the field for notes, which this browser keeps with every key where it may. */
export function notesSection(): HTMLElement {
  const prompt = String(view.prompt);
  const field = element('textarea', {
    rows: '5',
    'aria-label': say('notes'),
    placeholder: say('notesHint'),
    input: () => {
      noted[prompt] = field.value;
      try {
        localStorage.setItem(shelf, JSON.stringify(noted));
      } catch {
        // A browser that keeps nothing for files: the page can still be saved.
      }
    },
  });
  field.value = noted[prompt] ?? '';
  const before = data.notes === '' ? [] : [element('pre', { class: 'notes' }, data.notes)];
  return section(
    say('notes'),
    ...before,
    field,
    element('p', {}, button(say('savePage'), savePage)),
  );
}

/** This page as it came, with the notes as data of its own. */
function savePage(): void {
  const copy = document.documentElement.cloneNode(true) as HTMLElement;
  copy.querySelector('#report')?.replaceChildren();
  copy.querySelector('dialog')?.remove();
  copy.querySelector('#own-notes')?.remove();
  const kept = element('script', { type: 'application/json', id: 'own-notes' });
  kept.textContent = JSON.stringify(noted).replaceAll('<', '\\u003c');
  copy.querySelector('#data')?.before(kept);
  saveAs('report.html', 'text/html', `<!doctype html>\n${copy.outerHTML}\n`);
}
