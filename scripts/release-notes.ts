/**
 * `npm run -s release:notes [-- [--from REF] [--to REF]]`: Markdown of what changed for those who use it, from the
 * commits after the latest tag (or FROM): what breaks first, then features, fixes and speed, by the part of the program.
 * What changed for its authors alone is counted.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';

type Change = { type: string; scopes: readonly string[]; what: string; breaks: string | null };

const TITLES: Readonly<Record<string, string>> = { feat: 'New', fix: 'Fixed', perf: 'Faster' };
/** Conventional Commits: `type(scope, scope)!: what`. */
const HEAD = /^([a-z]+)(?:\(([^)]*)\))?(!)?: (.+)$/;

const git = (...args: string[]): string =>
  execFileSync('git', args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

function latestTag(to: string): string | null {
  try {
    return git('describe', '--tags', '--abbrev=0', to).trim();
  } catch {
    return null;
  }
}

/** null: a commit that follows no convention, such as a merge. */
function changeOf(message: string): Change | null {
  const [head = '', ...body] = message.split('\n');
  const [, type, scopes = '', mark, what = ''] = HEAD.exec(head.trim()) ?? [];
  if (type === undefined) return null;
  const footer = /(?:^|\n)BREAKING[ -]CHANGE: ([^]*?)(?:\n\n|(?![^]))/.exec(body.join('\n'))?.[1];
  const breaks = footer?.replaceAll('\n', ' ').trim() ?? (mark === '!' ? what : null);
  return {
    type,
    scopes: scopes
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
    what,
    breaks,
  };
}

const line = ({ scopes }: Change, words: string): string =>
  `- ${scopes.length > 0 ? `**${scopes.join(', ')}**: ` : ''}${words}`;

function notes(changes: readonly Change[]): string {
  const parts: string[] = [];
  const add = (title: string, lines: readonly string[]): void => {
    // The same words twice are one change that came in two commits.
    const once = [...new Set(lines)].toSorted();
    if (once.length > 0) parts.push(`## ${title}\n\n${once.join('\n')}`);
  };
  add(
    'Before you upgrade',
    changes.flatMap((change) => (change.breaks === null ? [] : [line(change, change.breaks)])),
  );
  for (const [type, title] of Object.entries(TITLES)) {
    add(
      title,
      changes.filter((change) => change.type === type).map((change) => line(change, change.what)),
    );
  }
  const others = changes.filter(({ type }) => !(type in TITLES)).length;
  if (others > 0)
    parts.push(
      `And ${others} ${others === 1 ? 'change' : 'changes'} that nobody sees from outside.`,
    );
  return parts.length > 0 ? parts.join('\n\n') : 'Nothing changed.';
}

const { values } = parseArgs({ options: { from: { type: 'string' }, to: { type: 'string' } } });
const to = values.to ?? 'HEAD';
const from = values.from ?? latestTag(to);
/** A name is looked up before anything else is done with it: it may look like an option. */
const commitOf = (ref: string): string =>
  git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`).trim();

try {
  const range = from === null ? commitOf(to) : `${commitOf(from)}..${commitOf(to)}`;
  const log = git('log', '--no-merges', '-z', '--format=%B', range, '--');
  const changes = log
    .split('\0')
    .map(changeOf)
    .filter((change) => change !== null);
  console.log(notes(changes));
} catch {
  console.error(
    `No commits between ${JSON.stringify(from)} and ${JSON.stringify(to)} are known here: name tags or commits of this repository.`,
  );
  process.exitCode = 1;
}
