/** What one person is told: refusals, limits, trouble, files that are none. */
export const ANSWERS = {
  olderButton: 'This button was made by another version of the bot. Please use `/imagine` again.',
  unknownButton: 'This button is not one of mine, so I left it alone.',
  jobGone: 'I no longer have the record of this picture. Please use `/imagine` again.',
  notYoursToStop: 'Only the person who asked for this picture, or a moderator, can stop it.',
  notYoursToDelete: 'Only the person who asked for this picture, or a moderator, can delete it.',
  alreadyFinished: 'This one has already finished.',
  stillWorking: 'This one is still being made. Stop it first.',
  notFinished: 'This picture is not finished yet.',
  lostInRestart:
    'I was restarted before I could note this down, so nothing came of it. Please send it again.',
  ourFault: (reference: string) =>
    `Something went wrong on my side. Please try again; if it keeps happening, tell the bot's owner \`${reference}\`.`,
  missingPermissions: (list: string) =>
    `I cannot post the picture in this channel, so I did not start it. Please ask a moderator to give me: ${list}.`,
  permissionNames: {
    ViewChannel: 'View Channel',
    SendMessages: 'Send Messages',
    SendMessagesInThreads: 'Send Messages in Threads',
    AttachFiles: 'Attach Files',
  },
  unknownCommand:
    'This command is not known to me. Discord may still show an old list; please try again soon.',
  noModels:
    'There is no model to paint with yet. The owner of this bot can add one to its models folder or, where other machines paint, start their workers.',
  unknownModel: (name: string, known: string) =>
    `There is no model “${name}”. The models here: ${known}.`,
  anyModel: 'any model here',
  unknownVae: (name: string, model: string, known: string) =>
    `There is no VAE “${name}” for ${model}. There are: ${known}.`,
  tooManySteps: (value: number, limit: number) =>
    `Steps: this bot allows 1 to ${limit}, you asked for ${value}.`,
  tooManyPixels: (width: number, height: number, limit: string) =>
    `Size ${width}x${height} is larger than this bot allows (${limit}). Choose a smaller one.`,
  tooManyPictures: (value: number, limit: number) =>
    `Count: this bot makes 1 to ${limit} pictures at once, you asked for ${value}.`,
  limitWaitingYours: (count: number) =>
    `You already have ${count === 1 ? '1 picture' : `${count} pictures`} waiting, as many as one person may have here. Wait until one of them starts, or stop one that you no longer want.`,
  limitWaitingServer: (count: number) =>
    `This server already has ${count === 1 ? '1 picture' : `${count} pictures`} waiting, as many as one server may have here. Try again when some of them are done.`,
  limitSecondsYours: (cost: number, left: number) =>
    `This picture needs about ${cost} s of the machine; you have ${left} s left today. Choose fewer steps or a smaller size, or wait until midnight UTC.`,
  limitSecondsServer: (cost: number, left: number) =>
    `This picture needs about ${cost} s of the machine; this server has ${left} s left today. Choose fewer steps or a smaller size, or wait until midnight UTC.`,
  secondsLeft: (left: number, allowed: number, reserved: number) =>
    `You have **${left} s** of the machine left today, of ${allowed} s. Only finished pictures count in the end; the day ends at midnight UTC.${reserved === 0 ? '' : ` ${reserved} s are reserved for what you have waiting or being painted.`}`,
  refusedBlocked: 'The moderators of this server do not let you make pictures here.',
  refusedChannel: (channels: string) =>
    `Pictures are not made in this channel. Please go to ${channels}.`,
  refusedRole: (roles: string) => `On this server pictures are for people with one of: ${roles}.`,
  refusedPost: (starter: string | null) =>
    `This post belongs to ${starter ?? 'whoever started it'}: here only they and those who look after this server have pictures made. Start a post of your own, or paint in another channel.`,
  postUnknown: 'Discord does not say just now whose post this is. Please try again.',
  refusedWork: (work: string, allowed: string) =>
    `This order is too large here: steps × pixels × pictures come to ${work} million, ${allowed} million are allowed. Choose fewer steps, a smaller size or fewer pictures.`,
  refusedWord: 'The rules of this server do not allow this prompt. Nothing was made.',
  refusedNsfw: (word: string) =>
    `“${word}” is only for channels that are marked as age-restricted. Nothing was made.`,
  refusedNsfwHere: (word: string) => `“${word}” is not wanted on this server. Nothing was made.`,
  auditRefused: (user: string, reason: string) => `**Refused** for ${user}: ${reason}`,
  auditKeptBack: (user: string, reason: string) =>
    `**Kept back** a finished picture of ${user}: ${reason}`,
  auditWithheld: (user: string, count: number) =>
    `**Kept back** by the safety checker: ${count === 1 ? 'a picture' : `${count} pictures`} for ${user}`,
  auditDeleted: (user: string, owner: string) => `**Deleted** by ${user}: a picture of ${owner}`,
  auditStopped: (user: string, owner: string) => `**Stopped** by ${user}: a picture of ${owner}`,
  auditSettings: (user: string, page: string) => `**Settings** changed by ${user}: ${page}`,
  auditWord: (word: string) => `the word list has “${word}”`,
  auditNsfw: (word: string) => `“${word}” outside an age-restricted channel`,
  fileNotFromDiscord: 'This picture is not kept by Discord. Save it and send it as a file.',
  fileNotReachable:
    'The picture could not be fetched from Discord; its link may have expired. Please send it again.',
  fileTooLarge: (mebibytes: number) =>
    `The picture is larger than ${mebibytes} MiB. Please send a smaller one.`,
  imageMissing: (option: string) =>
    `\`${option}\` needs a start picture: choose one as \`image\` too.`,
  noPictureThere: 'There is no picture in this message.',
  noRecipeThere:
    'The pictures of this message carry no recipe. Apps, **Reimagine** paints from them all the same.',
  noRecipeForm:
    'This picture does not say how it was made. Say in a form what should be painted, from it or in its shape.',
  fromPictureGone:
    'I no longer know which picture this form was for. Please choose Apps, **Reimagine** on it again.',
  recipeFrom: (program: string) => `-# Read from what ${program} wrote into the picture.`,
  originalTooLarge: (megabytes: string, limit: string) =>
    `The original has ${megabytes} MB, and this place takes ${limit} MB a file. In a boosted server the button may work; the bot's owner has the file.`,
  originalHere: 'The original, as it was made.',
  originalSamePixels: 'The original with every pixel, packed more tightly as WebP without loss.',
};
