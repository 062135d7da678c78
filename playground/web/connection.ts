/** A WebSocket that comes back by itself: 0.5 s after a loss, then longer, at most 8 s apart. */
import type { FromPage, FromServer } from '../protocol.ts';

export type Connection = {
  /** false when the socket is not open: nothing is queued, since a late click would surprise */
  send(message: FromPage): boolean;
};

/**
 * Holds a WebSocket open. A lost one is tried again after 0.5 s, doubling up to 8 s; `send` answers false while there
 * is none.
 */
export function connect(
  url: string,
  on: { open(): void; message(message: FromServer): void; lost(): void },
): Connection {
  let socket: WebSocket;
  let losses = 0;
  const start = (): void => {
    socket = new WebSocket(url);
    socket.onopen = () => {
      losses = 0;
      on.open();
    };
    socket.onmessage = (event) => on.message(JSON.parse(String(event.data)) as FromServer);
    socket.onclose = () => {
      on.lost();
      setTimeout(start, Math.min(8000, 500 * 2 ** losses++));
    };
  };
  start();
  return {
    send(message) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
  };
}
