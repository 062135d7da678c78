/** `html`: JSX-like templates without a build step (htm over preact). */
import htm from 'htm';
import { Component, h, type ComponentChildren, type FunctionComponent, type VNode } from 'preact';

export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** A component that renders again only when one of its props is another value (compared by identity). */
export function memo<P extends object>(render: (props: P) => ComponentChildren) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const now = this.props as Record<string, unknown>;
      const then = next as Record<string, unknown>;
      const keys = Object.keys(then);
      if (keys.length !== Object.keys(now).length) return true;
      return keys.some((key) => now[key] !== then[key]);
    }
    override render(): ComponentChildren {
      return h(render as FunctionComponent<P>, this.props as P & { children?: ComponentChildren });
    }
  };
}

/** Joins class names and leaves out those that do not hold. */
export function classes(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
