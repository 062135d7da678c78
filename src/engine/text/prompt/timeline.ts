import { parseTimelinePrompt, stillOf, type TimelineNode } from './timeline-grammar.ts';

/** A prompt that holds until this step (counted from 1, inclusive). */
export type TimedText = { untilStep: number; text: string };

export type TimelineOptions = {
  /** steps of the second pass: integers then count on from the first pass, fractions from 1.0 */
  hiresSteps?: number;
  /** before A1111 1.6 every number below 1 was a fraction and every other a step */
  oldTimelines?: boolean;
};

/**
 * A1111's prompt editing: [a:b:0.5] becomes b after half the steps, [b:5] appears and [a::5] disappears after
 * step 5, [a|b] alternates each step. What does not parse stays as it was written; a stray | or a trailing
 * backslash leaves the whole prompt literal. Behaviour of modules/prompt_parser.py, v1.10.1.
 */
export function parseTimeline(
  prompt: string,
  steps: number,
  options: TimelineOptions = {},
): TimedText[] {
  const second = options.hiresSteps !== undefined && !options.oldTimelines;
  const total = second ? (options.hiresSteps ?? steps) : steps;
  // Only square brackets change anything; most prompts have none.
  const nodes = prompt.includes('[') ? parseTimelinePrompt(prompt) : null;
  if (!nodes) return [{ untilStep: total, text: prompt }];
  const stepOf = (when: string): number => {
    const value = Number(when);
    if (options.oldTimelines) return Math.min(total, Math.trunc(value < 1 ? value * total : value));
    if (when.includes('.')) return Math.min(total, Math.trunc((value - (second ? 1 : 0)) * total));
    return Math.min(total, Math.trunc(value - (second ? steps : 0)));
  };
  const ends = new Set([total]);
  collectEnds(nodes, total, stepOf, ends);
  return [...ends]
    .sort((a, b) => a - b)
    .map((untilStep) => ({ untilStep, text: textAt(nodes, untilStep, stepOf) }));
}

/** Without recursion: brackets of people nest deeper than calls may. */
function collectEnds(
  nodes: readonly TimelineNode[],
  total: number,
  stepOf: (when: string) => number,
  ends: Set<number>,
): void {
  const todo: (readonly TimelineNode[])[] = [nodes];
  let alternates = false;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    for (const node of part) {
      if (node.kind === 'scheduled') {
        const step = stepOf(node.when);
        if (step >= 1) ends.add(step);
      }
      alternates ||= node.kind === 'alternate';
      for (const inner of innerOf(node)) todo.push(inner);
    }
  }
  if (!alternates) return;
  for (let step = 1; step <= total; step++) ends.add(step);
}

function innerOf(node: TimelineNode): readonly TimelineNode[][] {
  if (node.kind === 'group') return node.still === null ? node.parts : [];
  if (node.kind === 'scheduled') return [node.before, node.after];
  return node.kind === 'alternate' ? node.choices : [];
}

function textAt(
  nodes: readonly TimelineNode[],
  step: number,
  stepOf: (when: string) => number,
): string {
  const texts: string[] = [];
  const todo: (TimelineNode | string)[] = [];
  /** What is taken off first comes last. */
  const add = (part: readonly TimelineNode[]): void => {
    for (let at = part.length - 1; at >= 0; at--) todo.push(part[at] as TimelineNode);
  };
  add(nodes);
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (typeof node === 'string') texts.push(node);
    else if (stillOf(node) !== null) texts.push(stillOf(node) ?? '');
    else if (node.kind === 'scheduled') {
      add(step <= stepOf(node.when) ? node.before : node.after);
    } else if (node.kind === 'alternate') {
      add(node.choices[(step - 1) % node.choices.length] ?? []);
    } else if (node.kind === 'group') {
      todo.push(node.close);
      for (let at = node.parts.length - 1; at >= 0; at--) {
        add(node.parts[at] ?? []);
        if (at > 0) todo.push(':');
      }
      texts.push(node.open);
    }
  }
  return texts.join('');
}
