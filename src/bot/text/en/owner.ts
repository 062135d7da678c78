/** What the owner of the installation decides over all servers, and what everybody is told of it. */
export const OWNER = {
  limitSeconds: (cost: number, left: number) =>
    `This picture needs about ${cost} s of the machine; over all servers you have ${left} s left today. Choose fewer steps or a smaller size, or wait until midnight UTC.`,
  held: (position: number, words: string) =>
    `**Paused** by the owner of this bot · #${position}${words === '' ? '' : `\n${words}`}`,
  queuePaused: (since: string, words: string) =>
    `⏸ **Paused** by the owner of this bot ${since}: orders are taken and wait, none is begun.${words === '' ? '' : `\n${words}`}`,
  queueDraining: (since: string, words: string) =>
    `⏳ **No new orders** ${since}: the owner of this bot lets it finish what it has.${words === '' ? '' : `\n${words}`}`,
  drained: (words: string) =>
    `The owner of this bot takes no new orders for now; what was ordered before is still made. Nothing was made of yours.${words === '' ? '' : `\n${words}`}`,
};
