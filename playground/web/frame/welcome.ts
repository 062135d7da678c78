/** The head of every channel: what this place is and three pictures to begin with. */
import type { VNode } from 'preact';
import { html } from '../html.ts';
import type { PlaygroundChannel } from '../../protocol.ts';
import { Aperture } from './icons.ts';
import { channelIcon, spokenName } from './sidebar.ts';

const examples: readonly { words: string; colours: readonly [string, string] }[] = [
  { words: 'a red heart on a white background', colours: ['#d8344a', '#ffffff'] },
  { words: 'an orange fox in the snow', colours: ['#e5812c', '#eaf1f8'] },
  { words: 'a blue house at night', colours: ['#4b83d6', '#1b2140'] },
];

export function Welcome(props: {
  channelName: string;
  direct: boolean;
  channel: PlaygroundChannel | null;
  botName: string;
  ready: boolean;
  empty: boolean;
  canPaint: boolean;
  onExample: (prompt: string) => void;
}): VNode {
  const { botName } = props;
  return html`<section class="welcome" aria-label="About this channel">
    <div class="welcome-mark">
      ${props.direct ? html`<${Aperture} size=${64} />` : channelIcon(props.channel ?? {})}
    </div>
    <h2>
      ${props.direct ? botName : `Welcome to ${spokenName(props.channel, props.channelName)}`}
    </h2>
    <p class="welcome-words">
      This is a playground on your own machine: a chat with ${botName} in it. What you see here is
      what your server's members will see.
    </p>
    ${
      props.empty &&
      html`<div class="welcome-steps">
        <p>Press one to paint it, or type <kbd>/</kbd> for all commands.</p>
        <div class="chips">
          ${examples.map(
            ({ words, colours }) =>
              html`<button
                type="button"
                class="chip"
                key=${words}
                disabled=${!props.ready || !props.canPaint}
                onClick=${() => props.onExample(words)}
              >
                <span
                  class="chip-swatch"
                  style=${`--a:${colours[0]};--b:${colours[1]}`}
                  aria-hidden="true"
                ></span>
                <span><small>/imagine</small> ${words}</span>
              </button>`,
          )}
        </div>
        ${!props.ready && html`<p class="welcome-wait">${botName} is still starting; these wake up with it.</p>`}
      </div>`
    }
  </section>`;
}
