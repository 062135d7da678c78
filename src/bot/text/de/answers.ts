import type { ANSWERS as ENGLISH } from '../en/answers.ts';

export const ANSWERS: typeof ENGLISH = {
  olderButton:
    'Dieser Knopf stammt von einer anderen Version des Bots. Bitte benutze `/imagine` noch einmal.',
  unknownButton: 'Dieser Knopf ist keiner von meinen, deshalb habe ich nichts getan.',
  jobGone: 'Die Angaben zu diesem Bild habe ich nicht mehr. Bitte benutze `/imagine` noch einmal.',
  notYoursToStop: 'Nur wer dieses Bild bestellt hat oder moderiert, kann es anhalten.',
  notYoursToDelete: 'Nur wer dieses Bild bestellt hat oder moderiert, kann es löschen.',
  alreadyFinished: 'Das ist schon fertig.',
  stillWorking: 'Das ist noch in Arbeit. Halte es zuerst an.',
  notFinished: 'Dieses Bild ist noch nicht fertig.',
  lostInRestart:
    'Ich wurde neu gestartet, bevor ich das festhalten konnte; es ist nichts daraus geworden. Bitte schicke es noch einmal.',
  ourFault: (reference) =>
    `Bei mir ist etwas schiefgegangen. Bitte versuche es noch einmal; wenn es dabei bleibt, nenne dem Betreiber des Bots \`${reference}\`.`,
  missingPermissions: (list) =>
    `Ich kann das Bild in diesem Kanal nicht zeigen und habe deshalb nicht angefangen. Bitte jemanden aus der Moderation, mir das hier zu erlauben: ${list}.`,
  permissionNames: {
    ViewChannel: 'Kanal ansehen',
    SendMessages: 'Nachrichten senden',
    SendMessagesInThreads: 'Nachrichten in Threads senden',
    AttachFiles: 'Dateien anhängen',
  },
  unknownCommand:
    'Diesen Befehl kenne ich nicht. Vielleicht zeigt Discord noch eine alte Liste; bitte versuche es bald noch einmal.',
  noModels:
    'Noch gibt es kein Modell, das malen könnte. Wer den Bot betreibt, kann eines in den Modellordner legen oder, wo andere Maschinen malen, deren Worker starten.',
  unknownModel: (name, known) => `Ein Modell „${name}“ gibt es nicht. Es gibt: ${known}.`,
  anyModel: 'alle Modelle hier',
  unknownVae: (name, model, known) =>
    `Eine VAE „${name}“ für ${model} gibt es nicht. Es gibt: ${known}.`,
  tooManySteps: (value, limit) =>
    `Schritte: dieser Bot erlaubt 1 bis ${limit}, verlangt waren ${value}.`,
  tooManyPixels: (width, height, limit) =>
    `Die Größe ${width}x${height} ist mehr, als dieser Bot erlaubt (${limit}). Wähle eine kleinere.`,
  tooManyPictures: (value, limit) =>
    `Anzahl: dieser Bot malt 1 bis ${limit} Bilder auf einmal, verlangt waren ${value}.`,
  limitWaitingYours: (count) =>
    `Du hast schon ${count === 1 ? '1 Bild' : `${count} Bilder`} in der Schlange, mehr sind hier für eine Person nicht erlaubt. Warte, bis eines davon beginnt, oder halte eines an, das du nicht mehr brauchst.`,
  limitWaitingServer: (count) =>
    `Dieser Server hat schon ${count === 1 ? '1 Bild' : `${count} Bilder`} in der Schlange, mehr sind hier für einen Server nicht erlaubt. Versuche es wieder, wenn einige davon fertig sind.`,
  limitSecondsYours: (cost, left) =>
    `Dieses Bild braucht die Maschine etwa ${cost} s lang; du hast heute noch ${left} s. Nimm weniger Schritte oder eine kleinere Größe, oder warte bis Mitternacht (UTC).`,
  limitSecondsServer: (cost, left) =>
    `Dieses Bild braucht die Maschine etwa ${cost} s lang; dieser Server hat heute noch ${left} s. Nimm weniger Schritte oder eine kleinere Größe, oder warte bis Mitternacht (UTC).`,
  secondsLeft: (left, allowed, reserved) =>
    `Du hast die Maschine heute noch **${left} s** von ${allowed} s. Am Ende zählen nur fertige Bilder; der Tag endet um Mitternacht (UTC).${reserved === 0 ? '' : ` ${reserved} s sind reserviert für das, was von dir wartet oder gemalt wird.`}`,
  refusedBlocked: 'Die Moderation dieses Servers lässt dich hier keine Bilder machen.',
  refusedChannel: (channels) =>
    `In diesem Kanal werden keine Bilder gemacht. Bitte geh nach ${channels}.`,
  refusedRole: (roles) =>
    `Bilder gibt es auf diesem Server für Leute mit einer dieser Rollen: ${roles}.`,
  refusedPost: (starter) =>
    `Dieser Beitrag gehört ${starter ?? 'dem, der ihn begonnen hat'}: Hier lassen nur sie oder er und die Verwaltung dieses Servers Bilder machen. Beginne einen eigenen Beitrag, oder male in einem anderen Kanal.`,
  postUnknown:
    'Discord sagt gerade nicht, wem dieser Beitrag gehört. Bitte versuch es noch einmal.',
  refusedWork: (work, allowed) =>
    `Das ist hier zu groß: Schritte × Pixel × Bilder ergeben ${work} Millionen, erlaubt sind ${allowed} Millionen. Nimm weniger Schritte, eine kleinere Größe oder weniger Bilder.`,
  refusedWord: 'Die Regeln dieses Servers erlauben diesen Prompt nicht. Es wurde nichts gemacht.',
  refusedNsfw: (word) =>
    `„${word}“ ist nur für Kanäle mit Altersbeschränkung. Es wurde nichts gemacht.`,
  refusedNsfwHere: (word) =>
    `„${word}“ ist auf diesem Server nicht erwünscht. Es wurde nichts gemacht.`,
  auditRefused: (user, reason) => `**Abgelehnt** für ${user}: ${reason}`,
  auditKeptBack: (user: string, reason: string) =>
    `**Zurückgehalten**, ein fertiges Bild von ${user}: ${reason}`,
  auditWithheld: (user, count) =>
    `**Zurückgehalten** vom Safety Checker: ${count === 1 ? 'ein Bild' : `${count} Bilder`} für ${user}`,
  auditDeleted: (user, owner) => `**Gelöscht** von ${user}: ein Bild von ${owner}`,
  auditStopped: (user, owner) => `**Angehalten** von ${user}: ein Bild von ${owner}`,
  auditSettings: (user, page) => `**Einstellungen** geändert von ${user}: ${page}`,
  auditWord: (word) => `in der Wortliste steht „${word}“`,
  auditNsfw: (word) => `„${word}“ außerhalb eines Kanals mit Altersbeschränkung`,
  fileNotFromDiscord: 'Dieses Bild liegt nicht bei Discord. Speichere es und schicke es als Datei.',
  fileNotReachable:
    'Das Bild war bei Discord nicht zu bekommen; vielleicht ist der Link abgelaufen. Bitte schicke es noch einmal.',
  fileTooLarge: (mebibytes) =>
    `Das Bild ist größer als ${mebibytes} MiB. Bitte schicke ein kleineres.`,
  imageMissing: (option) => `\`${option}\` braucht ein Startbild: wähle auch eines als \`image\`.`,
  noPictureThere: 'In dieser Nachricht ist kein Bild.',
  noRecipeThere:
    'Die Bilder dieser Nachricht tragen kein Rezept. Apps, **Neu malen** malt trotzdem nach ihnen.',
  noRecipeForm:
    'Dieses Bild sagt nicht, wie es entstand. Sag in einem Formular, was gemalt werden soll, nach ihm oder in seiner Form.',
  fromPictureGone:
    'Ich weiß nicht mehr, zu welchem Bild dieses Formular gehört. Bitte wähle Apps, **Neu malen** dort noch einmal.',
  recipeFrom: (program) => `-# Gelesen aus dem, was ${program} in das Bild geschrieben hat.`,
  originalTooLarge: (megabytes, limit) =>
    `Das Original hat ${megabytes} MB, hier gehen ${limit} MB je Datei. Auf einem geboosteten Server klappt der Knopf vielleicht; wer den Bot betreibt, hat die Datei.`,
  originalHere: 'Das Original, wie es entstanden ist.',
  originalSamePixels: 'Das Original mit jedem Pixel, als verlustfreies WebP enger gepackt.',
};
