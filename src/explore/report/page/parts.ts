/** Elements by their tag, with text as text: nothing of what people wrote is ever markup. */

type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

/**
 * Makes an element. A function is a listener for the event of its name, true an attribute without value; false is
 * left out.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Makes a button that sends no form. */
export function button(
  label: string,
  press: () => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  return element('button', { type: 'button', click: press, ...attributes }, label);
}

/** A menu with its name; `take` gets the value that was chosen. */
export function choice(
  label: string,
  options: [value: string, words: string][],
  chosen: string,
  take: (value: string) => void,
): HTMLLabelElement {
  const select = element(
    'select',
    { change: () => take(select.value) },
    ...options.map(([value, words]) =>
      element('option', { value, selected: value === chosen }, words),
    ),
  );
  return element('label', { class: 'choice' }, label, ' ', select);
}

/** Makes a section under a heading. */
export function section(title: string, ...children: (Node | string)[]): HTMLElement {
  return element('section', {}, element('h2', {}, title), ...children);
}

/** Hands a text to the browser as a file. */
export function saveAs(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = element('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
