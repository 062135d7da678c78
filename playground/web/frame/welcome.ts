/** The head of every channel: what this place is, and finished pictures and a sheet to begin with. */
import type { VNode } from 'preact';
import { classes, html } from '../html.ts';
import { EXAMPLES, pictureOf, type Example } from './examples.ts';
import type { PlaygroundChannel } from '../../protocol.ts';
import { Aperture } from './icons.ts';
import { channelIcon, spokenName } from './sidebar.ts';

/** Draws a channel's beginning, with examples to paint where it is empty and the bot is ready. */
export function Welcome(props: {
  channelName: string;
  direct: boolean;
  channel: PlaygroundChannel | null;
  botName: string;
  ready: boolean;
  empty: boolean;
  canPaint: (example: Example) => boolean;
  onExample: (example: Example) => void;
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
      ${props.channel?.starter && `Started by ${props.channel.starter}. `}This is a playground on
      your own machine: a chat with ${botName} in it. What you see here is what your server's
      members will see.
    </p>
    ${
      props.empty &&
      html`<div class="welcome-steps">
        <p>Press one to paint it, or type <kbd>/</kbd> for all commands.</p>
        <div class="chips">
          ${EXAMPLES.map(
            (example) =>
              html`<button
                type="button"
                class=${classes('chip', example.command === 'explore' && 'wide')}
                key=${example.words}
                disabled=${!props.ready || !props.canPaint(example)}
                onClick=${() => props.onExample(example)}
              >
                <img class="chip-picture" src=${pictureOf(example)} alt="" loading="lazy" />
                <span class="chip-words"><small>/${example.command}</small> ${example.words}</span>
              </button>`,
          )}
        </div>
        ${!props.ready && html`<p class="welcome-wait">${botName} is still starting; these wake up with it.</p>`}
      </div>`
    }
  </section>`;
}
