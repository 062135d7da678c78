/** Windows seen on Discord; only their order of size matters to a client that reads the headers. */
export const restLimits = {
  read: { limit: 50, seconds: 1 },
  commands: { limit: 5, seconds: 20 },
  callback: { limit: 5, seconds: 2 },
  webhook: { limit: 5, seconds: 2 },
  channelSend: { limit: 5, seconds: 5 },
  channelEdit: { limit: 5, seconds: 5 },
  channelDelete: { limit: 5, seconds: 1 },
} as const;
