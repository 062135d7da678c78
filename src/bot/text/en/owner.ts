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
  blocked: 'The owner of this bot does not let you use it.',
  serverWaits: (id: string) =>
    `This server waits for the yes of the bot's owner, who was told of it. Until then nothing is made here. (Server ${id})`,
  serverLost: 'The owner of this bot no longer lets this server use it.',
  noServer:
    'In direct messages the bot is there for members of servers that its owner allows, and I find you in none of them.',
  refusedWord: 'The rules of this bot do not allow this prompt. Nothing was made.',
  auditWord: 'the word list of the bot’s owner, which holds on all servers',
  cannotAsk:
    'Discord cannot be asked just now whose bot this is, so nothing was done. Please try again in a minute.',
  notYours:
    'This is for the owner of the bot alone: whoever the application belongs to at Discord, or the members of its team.',
  notHere: (server: string) =>
    server === ''
      ? 'Use `/owner` in a direct message to the bot. Another place can be named there: `/owner places`.'
      : `Use \`/owner\` in a direct message to the bot, or in the server ${server}.`,
  serverAsks: (name: string, id: string, members: number) =>
    `**${name}** invited the bot and waits for your yes (server ${id}, ${members} ${members === 1 ? 'member' : 'members'}). To be asked no more, switch off “Public Bot” at Discord, or allow everybody: \`/owner servers invites:anybody\`.`,
  allowServer: 'Allow',
  leaveServer: 'Leave the server',
  serverAllowed: (id: string) => `Server ${id} may use the bot from now on.`,
  serverLeft: (id: string) => `The bot left server ${id}, which may not use it.`,
  serverNotThere: (id: string) => `Server ${id} may not use the bot. The bot is not in it.`,
  serversTitle: '### Servers',
  serversAsk: 'Whoever invites the bot waits for your yes.',
  serversAnybody: 'Whoever invites the bot may use it.',
  serverLine: (name: string, id: string, members: number, state: string) =>
    `${state} ${name} · ${id} · ${members} ${members === 1 ? 'member' : 'members'}`,
  serversMore: (count: number) => `… and ${count} more`,
  notAnId: (typed: string) =>
    `“${typed}” is no id. An id has 15 to 20 digits; Discord shows it with *Copy ID* once *Developer Mode* is on. A mention does, too.`,
  alarmFailures: (references: string) =>
    `🔴 **Three pictures in a row failed**: ${references}. See \`/owner failures\`, or the log.`,
  alarmEngine: (times: number) =>
    `🟠 **The engine broke down and started again**${times === 1 ? '' : `, ${times} times`}. The log says why.`,
  alarmDevice: (name: string, why: string, time: string) =>
    `🟠 **${name} is out of order**: ${why} It is tried again ${time}; the others go on without it.`,
  alarmDisk: (percent: string, megabytes: string) =>
    `🟠 **The disk is nearly full**: ${percent} % are free (${megabytes} MB). Pictures that cannot be kept are not painted.`,
  announcement: (words: string) => `📣 **From the owner of this bot**\n${words}`,
  announceTitle: 'Announce something',
  announceWords: 'What all servers are told',
  announced: (told: string, missed: string) =>
    `${told === '' ? 'Nobody was told.' : `Told in ${told}.`}${missed === '' ? '' : `\nNothing could be posted in: ${missed}.`}`,
  wordsTitle: 'Not allowed on any server',
  wordsSaved: (words: number, patterns: number, nsfw: number) =>
    `Saved. On all servers there are ${words} words, ${patterns} patterns and ${nsfw} NSFW words more than they chose themselves.`,
  wordsTooLong: (length: number, most: number) =>
    `These lists have ${length} characters; a form holds ${most}. Change them in the owner’s file.`,
  limitsTitle: '### Limits over all servers',
  limitLines: {
    nsfw: (most: string) => `**NSFW at most:** ${most}`,
    personWaiting: (value: string) => `**Waiting, one person:** ${value}`,
    personSeconds: (value: string) => `**Seconds a day, one person:** ${value}`,
    serverWaiting: (value: string) => `**Waiting, one server:** ${value}`,
    serverSeconds: (value: string) => `**Seconds a day, one server:** ${value}`,
    work: (value: string) => `**Work of one order:** ${value}`,
  },
  noLimit: 'no limit',
  workMillions: (value: number) => `${value} million steps × pixels`,
  placesTitle: '### Places',
  alarmsIn: (channel: string) => `**Alarms:** ${channel}`,
  commandsIn: (server: string) => `**\`/owner\` beside direct messages:** ${server}`,
  nowhere: 'nowhere',
  channelUnknown: (id: string) =>
    `I cannot write to channel ${id}. Name a text channel of a server I am in, and let me send messages there.`,
  serverUnknown: (id: string) => `I am not in server ${id}.`,
  alarmTest: 'Alarms come here from now on.',
  personBlocked: (user: string, stopped: number) =>
    `${user} can no longer use the bot anywhere.${stopped === 0 ? '' : ` ${stopped} ${stopped === 1 ? 'order was' : 'orders were'} stopped.`}`,
  personUnblocked: (user: string) => `${user} may use the bot again.`,
  personNotBlocked: (user: string) => `${user} is not blocked.`,
  personCancelled: (user: string, stopped: number) =>
    stopped === 0
      ? `${user} has nothing waiting and nothing running.`
      : `Stopped: ${stopped} ${stopped === 1 ? 'order' : 'orders'} of ${user}.`,
  forgetTitle: 'Forget a person for good',
  forgetWords: (id: string) =>
    `Everything that Darkroom keeps of the person ${id} is removed: orders with their prompts and start pictures, pictures, preferences, favourites, what logs say of them. It cannot be taken back. Messages in Discord stay until somebody deletes them there.`,
  forgotten: (jobs: number, pictures: number) =>
    `Forgotten: ${jobs} ${jobs === 1 ? 'order' : 'orders'} and ${pictures} ${pictures === 1 ? 'picture' : 'pictures'}. A search of all records finds nothing of them any more.`,
  forgottenBut: (jobs: number, pictures: number, files: string) =>
    `Removed: ${jobs} ${jobs === 1 ? 'order' : 'orders'} and ${pictures} ${pictures === 1 ? 'picture' : 'pictures'}. The id still stands in: ${files}. Remove it there by hand.`,
  forgetFailed:
    'Not everything could be removed: a picture of this person is still being made, or a file cannot be written. Please try again; the log says more.',
  queueOpened: 'The queue goes on.',
  queueIsPaused: 'Paused. What runs is finished, nothing else is begun, and all who wait are told.',
  queueIsDraining: (left: number) =>
    `No new orders are taken. ${left === 0 ? 'Nothing waits or runs.' : `${left} ${left === 1 ? 'is' : 'are'} still to be made; \`/owner overview\` says how many are left.`}`,
  noShelf: 'This program fetches no models. Use `npm run -s models -- pull` where the models lie.',
  modelFetching: (what: string, done: string, of: string) =>
    `**Fetching** ${what} · ${done} of ${of}`,
  modelVerifying: (name: string, done: string, of: string) =>
    `**Comparing** ${name} · ${done} of ${of}`,
  modelGoesOn:
    'It goes on. Discord lets this message be changed for 15 minutes only: you will be told when it is done.',
  modelFetched: (name: string, bytes: string) =>
    `**${name}** is fetched (${bytes}) and can be chosen.`,
  modelIsThere: (name: string) => `**${name}** was there already and is whole.`,
  modelLicence: (licence: string) => `Licence: ${licence}`,
  modelCutShort: 'The bot ends, and with it the fetching. The same command goes on where it was.',
  modelWhole: (name: string, files: number) =>
    `**${name}** is whole: ${files} ${files === 1 ? 'file' : 'files'} as fetched.`,
  modelDamaged: (name: string, problems: string) =>
    `**${name}** is damaged: ${problems}. Fetch it again, and only what is damaged is fetched.`,
  modelRemoved: (name: string, bytes: string) => `**${name}** is removed: ${bytes} are free again.`,
  reloaded: (models: number, broken: number) =>
    `The models folder was read anew: ${models} ${models === 1 ? 'model' : 'models'}${broken === 0 ? '' : `, and ${broken} that cannot be used (\`/models\` says why)`}. What was loaded is loaded again with the next picture.`,
  failuresTitle: '### Failures',
  noFailures: 'Among the last orders none failed by the machine’s fault.',
  failureLine: (time: string, reference: string, user: string, words: string) =>
    `${time} · \`${reference}\` · ${user} · ${words}`,
  failureUnknown: (reference: string) =>
    `No order on record failed under \`${reference}\`. What failed before it became an order is in the log: search it for the reference.`,
  errorLine: (time: string, reference: string, words: string) =>
    `${time} · \`${reference}\` · ${words}`,
  explained: (reference: string) =>
    `-# More on the machine: \`npm run -s explain -- ${reference}\``,
  failureOf: (job: string, model: string, server: string) =>
    `order \`${job}\` · model ${model} · ${server}`,
  overviewTitle: '### Over all servers',
  overviewServers: (allowed: number, waiting: number) =>
    `**Servers:** ${allowed} may use the bot${waiting === 0 ? '' : `, **${waiting} ${waiting === 1 ? 'waits' : 'wait'} for your yes**`}`,
  overviewQueue: (running: number, waiting: number) =>
    `**Queue:** ${running} running, ${waiting} waiting`,
  overviewRule: (words: number, nsfw: string, blocked: number) =>
    `**Rules:** ${words} words and patterns · NSFW at most: ${nsfw} · ${blocked} ${blocked === 1 ? 'person' : 'people'} blocked`,
  overviewDisk: (percent: string, gigabytes: string) =>
    `**Disk:** ${percent} % free (${gigabytes} GB)`,
  overviewFile: (problem: string) => `⚠ ${problem}`,
  file: {
    noJson: (why: string) => `The owner’s file is no JSON: ${why}.`,
    unknownName: (name: string, known: string) =>
      `The owner’s file has “${name}”, which means nothing. Known are: ${known}.`,
    wrongValue: (name: string, expected: string, found: string) =>
      `In the owner’s file “${name}” must be ${expected}, not ${found}.`,
    tooMany: (name: string, count: number, most: number) =>
      `In the owner’s file “${name}” has ${count} entries; ${most} is the most.`,
    unreadable: (why: string) => `The owner’s file cannot be read (${why}).`,
    gone: 'The owner’s file is gone; what it said goes on to hold, and the next change writes it anew.',
    keptOld: (problem: string) =>
      `${problem} What it said before goes on to hold until it is mended.`,
    mendFirst: (problem: string) => `${problem} Mend it first; nothing was changed.`,
    unwritable: (why: string) =>
      `The owner’s file cannot be written (${why}), so nothing was changed.`,
  },
};
