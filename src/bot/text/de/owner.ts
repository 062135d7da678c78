import type { OWNER as ENGLISH } from '../en/owner.ts';

export const OWNER: typeof ENGLISH = {
  limitSeconds: (cost, left) =>
    `Dieses Bild braucht die Maschine etwa ${cost} s lang; über alle Server zusammen hast du heute noch ${left} s. Nimm weniger Schritte oder eine kleinere Größe, oder warte bis Mitternacht (UTC).`,
  held: (position, words) =>
    `**Angehalten** vom Betreiber des Bots · #${position}${words === '' ? '' : `\n${words}`}`,
  queuePaused: (since, words) =>
    `⏸ **Angehalten** vom Betreiber des Bots ${since}: Aufträge werden angenommen und warten, keiner wird begonnen.${words === '' ? '' : `\n${words}`}`,
  queueDraining: (since, words) =>
    `⏳ **Keine neuen Aufträge** ${since}: der Betreiber des Bots lässt ihn fertig malen, was er hat.${words === '' ? '' : `\n${words}`}`,
  drained: (words) =>
    `Der Betreiber des Bots nimmt gerade keine neuen Aufträge an; was schon bestellt ist, wird noch gemalt. Aus deinem wurde nichts.${words === '' ? '' : `\n${words}`}`,
  blocked: 'Der Betreiber dieses Bots lässt dich ihn nicht benutzen.',
  serverWaits: (id) =>
    `Dieser Server wartet auf das Ja des Betreibers; er weiß davon. Bis dahin wird hier nichts gemacht. (Server ${id})`,
  serverLost: 'Der Betreiber dieses Bots erlaubt ihn diesem Server nicht mehr.',
  noServer:
    'In Direktnachrichten ist der Bot für Mitglieder der Server da, die sein Betreiber erlaubt, und ich finde dich in keinem davon.',
  refusedWord: 'Die Regeln dieses Bots erlauben diesen Prompt nicht. Es wurde nichts gemacht.',
  auditWord: 'die Wortliste des Betreibers, die auf allen Servern gilt',
  cannotAsk:
    'Discord lässt sich gerade nicht fragen, wem dieser Bot gehört; es ist alles wie vorher. Bitte versuche es in einer Minute noch einmal.',
  notYours:
    'Das ist nur für den Betreiber des Bots: wem die Anwendung bei Discord gehört, oder die Mitglieder ihres Teams.',
  notHere: (server) =>
    server === ''
      ? 'Benutze `/owner` in einer Direktnachricht an den Bot. Einen weiteren Ort kannst du dort nennen: `/owner places`.'
      : `Benutze \`/owner\` in einer Direktnachricht an den Bot oder auf dem Server ${server}.`,
  serverAsks: (name, id, members) =>
    `**${name}** hat den Bot eingeladen und wartet auf dein Ja (Server ${id}, ${members} ${members === 1 ? 'Mitglied' : 'Mitglieder'}). Wenn du nicht mehr gefragt werden willst, schalte bei Discord „Public Bot“ aus, oder erlaube alle: \`/owner servers invites:anybody\`.`,
  allowServer: 'Erlauben',
  leaveServer: 'Server verlassen',
  serverAllowed: (id) => `Server ${id} darf den Bot ab jetzt benutzen.`,
  serverLeft: (id) => `Der Bot hat Server ${id} verlassen, der ihn nicht benutzen darf.`,
  serverNotThere: (id) => `Server ${id} darf den Bot nicht benutzen. Der Bot ist nicht dort.`,
  serversTitle: '### Server',
  serversAsk: 'Wer den Bot einlädt, wartet auf dein Ja.',
  serversAnybody: 'Wer den Bot einlädt, darf ihn benutzen.',
  serverLine: (name, id, members, state) =>
    `${state} ${name} · ${id} · ${members} ${members === 1 ? 'Mitglied' : 'Mitglieder'}`,
  serversMore: (count) => `… und ${count} weitere`,
  notAnId: (typed) =>
    `„${typed}“ ist keine Kennung. Eine Kennung hat 15 bis 20 Ziffern; Discord zeigt sie mit *ID kopieren*, sobald der *Entwicklermodus* an ist. Eine Erwähnung geht auch.`,
  alarmFailures: (references) =>
    `🔴 **Drei Bilder nacheinander sind fehlgeschlagen**: ${references}. Siehe \`/owner failures\` oder das Log.`,
  alarmEngine: (times) =>
    `🟠 **Die Engine ist abgestürzt und wieder gestartet**${times === 1 ? '' : `, ${times}-mal`}. Warum, steht im Log.`,
  alarmDevice: (name, why, time) =>
    `🟠 **${name} fällt aus**: ${why} Der nächste Versuch ist ${time}; die anderen malen weiter.`,
  alarmDisk: (percent, megabytes) =>
    `🟠 **Der Datenträger ist fast voll**: ${percent} % sind frei (${megabytes} MB). Was nicht aufgehoben werden kann, wird nicht gemalt.`,
  announcement: (words) => `📣 **Vom Betreiber dieses Bots**\n${words}`,
  announceTitle: 'Etwas bekanntgeben',
  announceWords: 'Was alle Server lesen',
  announced: (told, missed) =>
    `${told === '' ? 'Niemand hat es erfahren.' : `Gesagt in ${told}.`}${missed === '' ? '' : `\nHier war kein Platz dafür: ${missed}.`}`,
  wordsTitle: 'Auf keinem Server erlaubt',
  wordsSaved: (words, patterns, nsfw) =>
    `Gespeichert. Auf allen Servern gelten ${words} Wörter, ${patterns} Muster und ${nsfw} NSFW-Wörter zusätzlich zu ihren eigenen.`,
  wordsTooLong: (length, most) =>
    `Diese Listen haben ${length} Zeichen; ein Formular fasst ${most}. Ändere sie in der Datei des Betreibers.`,
  limitsTitle: '### Grenzen über alle Server',
  limitLines: {
    nsfw: (most) => `**NSFW höchstens:** ${most}`,
    personWaiting: (value) => `**Wartend, eine Person:** ${value}`,
    personSeconds: (value) => `**Sekunden am Tag, eine Person:** ${value}`,
    serverWaiting: (value) => `**Wartend, ein Server:** ${value}`,
    serverSeconds: (value) => `**Sekunden am Tag, ein Server:** ${value}`,
    work: (value) => `**Arbeit eines Auftrags:** ${value}`,
  },
  noLimit: 'keine Grenze',
  workMillions: (value) => `${value} Millionen Schritte × Pixel`,
  placesTitle: '### Orte',
  alarmsIn: (channel) => `**Alarme:** ${channel}`,
  commandsIn: (server) => `**\`/owner\` außer in Direktnachrichten:** ${server}`,
  nowhere: 'nirgends',
  channelUnknown: (id) =>
    `In den Kanal ${id} kann ich nicht schreiben. Nenne einen Textkanal eines Servers, auf dem ich bin, und erlaube mir dort Nachrichten.`,
  serverUnknown: (id) => `Auf dem Server ${id} bin ich nicht.`,
  alarmTest: 'Alarme kommen ab jetzt hierher.',
  personBlocked: (user, stopped) =>
    `${user} kann den Bot nirgends mehr benutzen.${stopped === 0 ? '' : ` ${stopped} ${stopped === 1 ? 'Auftrag wurde' : 'Aufträge wurden'} angehalten.`}`,
  personUnblocked: (user) => `${user} darf den Bot wieder benutzen.`,
  personNotBlocked: (user) => `${user} ist nicht gesperrt.`,
  personCancelled: (user, stopped) =>
    stopped === 0
      ? `Von ${user} wartet und läuft nichts.`
      : `Angehalten: ${stopped} ${stopped === 1 ? 'Auftrag' : 'Aufträge'} von ${user}.`,
  forgetTitle: 'Eine Person ganz vergessen',
  forgetWords: (id) =>
    `Alles, was Darkroom von der Person ${id} aufhebt, wird entfernt: Aufträge mit Prompts und Startbildern, Bilder, Vorlieben, Sterne, was die Logs von ihr sagen. Das lässt sich nicht zurücknehmen. Nachrichten in Discord bleiben, bis sie dort jemand löscht.`,
  forgotten: (jobs, pictures) =>
    `Vergessen: ${jobs} ${jobs === 1 ? 'Auftrag' : 'Aufträge'} und ${pictures} ${pictures === 1 ? 'Bild' : 'Bilder'}. Eine Suche in allen Aufzeichnungen findet nichts mehr davon.`,
  forgottenBut: (jobs, pictures, files) =>
    `Entfernt: ${jobs} ${jobs === 1 ? 'Auftrag' : 'Aufträge'} und ${pictures} ${pictures === 1 ? 'Bild' : 'Bilder'}. Die Kennung steht noch in: ${files}. Entferne sie dort von Hand.`,
  forgetFailed:
    'Nicht alles ließ sich entfernen: ein Bild dieser Person ist noch in Arbeit, oder eine Datei lässt sich nicht schreiben. Bitte versuche es noch einmal; mehr steht im Log.',
  queueOpened: 'Die Schlange geht weiter.',
  queueIsPaused:
    'Angehalten. Was läuft, wird fertig, sonst beginnt nichts, und alle, die warten, erfahren es.',
  queueIsDraining: (left) =>
    `Neue Aufträge werden nicht angenommen. ${left === 0 ? 'Es wartet und läuft nichts.' : `${left} ${left === 1 ? 'ist' : 'sind'} noch zu malen; \`/owner overview\` sagt, wie viele noch fehlen.`}`,
  noShelf:
    'Dieses Programm holt keine Modelle. Nimm `npm run -s models -- pull` dort, wo die Modelle liegen.',
  modelFetching: (what, done, of) =>
    `**Wird geholt** ${what} · ${done.replace('.', ',')} von ${of.replace('.', ',')}`,
  modelVerifying: (name, done, of) =>
    `**Wird verglichen** ${name} · ${done.replace('.', ',')} von ${of.replace('.', ',')}`,
  modelGoesOn:
    'Es geht weiter. Discord lässt diese Nachricht nur 15 Minuten lang ändern: Wenn es fertig ist, erfährst du es.',
  modelFetched: (name, bytes) =>
    `**${name}** ist geholt (${bytes.replace('.', ',')}) und kann gewählt werden.`,
  modelIsThere: (name) => `**${name}** war schon da und ist ganz.`,
  modelLicence: (licence) => `Lizenz: ${licence}`,
  modelCutShort: 'Der Bot endet, und mit ihm das Holen. Derselbe Befehl macht dort weiter.',
  modelWhole: (name, files) =>
    `**${name}** ist ganz: ${files} ${files === 1 ? 'Datei' : 'Dateien'} wie geholt.`,
  modelDamaged: (name, problems) =>
    `**${name}** ist beschädigt: ${problems}. Hole es noch einmal, dann wird nur geholt, was beschädigt ist.`,
  modelRemoved: (name, bytes) =>
    `**${name}** ist entfernt: ${bytes.replace('.', ',')} sind wieder frei.`,
  reloaded: (models, broken) =>
    `Der Modellordner wurde neu gelesen: ${models} ${models === 1 ? 'Modell' : 'Modelle'}${broken === 0 ? '' : `, und ${broken}, mit denen nichts anzufangen ist (\`/models\` sagt, warum)`}. Was geladen war, wird mit dem nächsten Bild neu geladen.`,
  failuresTitle: '### Fehlschläge',
  noFailures: 'Von den letzten Aufträgen ist keiner durch Schuld der Maschine fehlgeschlagen.',
  failureLine: (time, reference, user, words) => `${time} · \`${reference}\` · ${user} · ${words}`,
  failureUnknown: (reference) =>
    `Kein aufgezeichneter Auftrag ist unter \`${reference}\` fehlgeschlagen. Was fehlschlug, bevor ein Auftrag daraus wurde, steht im Log: suche dort danach.`,
  errorLine: (time, reference, words) => `${time} · \`${reference}\` · ${words}`,
  explained: (reference) => `-# Mehr auf der Maschine: \`npm run -s explain -- ${reference}\``,
  failureOf: (job, model, server) => `Auftrag \`${job}\` · Modell ${model} · ${server}`,
  overviewTitle: '### Über alle Server',
  overviewServers: (allowed, waiting) =>
    `**Server:** ${allowed} dürfen den Bot benutzen${waiting === 0 ? '' : `, **${waiting} ${waiting === 1 ? 'wartet' : 'warten'} auf dein Ja**`}`,
  overviewQueue: (running, waiting) => `**Schlange:** ${running} laufen, ${waiting} warten`,
  overviewRule: (words, nsfw, blocked) =>
    `**Regeln:** ${words} Wörter und Muster · NSFW höchstens: ${nsfw} · ${blocked} ${blocked === 1 ? 'Person' : 'Personen'} gesperrt`,
  overviewDisk: (percent, gigabytes) => `**Datenträger:** ${percent} % frei (${gigabytes} GB)`,
  overviewFile: (problem) => `⚠ ${problem}`,
  file: {
    noJson: (why) => `Die Datei des Betreibers ist kein JSON: ${why}.`,
    unknownName: (name, known) =>
      `In der Datei des Betreibers steht „${name}“, was nichts bedeutet. Es gibt: ${known}.`,
    wrongValue: (name, expected, found) =>
      `In der Datei des Betreibers muss „${name}“ ${expected} sein, nicht ${found}.`,
    tooMany: (name, count, most) =>
      `In der Datei des Betreibers hat „${name}“ ${count} Einträge; mehr als ${most} gehen nicht.`,
    unreadable: (why) => `Die Datei des Betreibers lässt sich nicht lesen (${why}).`,
    gone: 'Die Datei des Betreibers ist weg; was darin stand, gilt weiter, und die nächste Änderung schreibt sie neu.',
    keptOld: (problem) => `${problem} Was vorher darin stand, gilt weiter, bis sie in Ordnung ist.`,
    mendFirst: (problem) => `${problem} Bring sie erst in Ordnung; es ist alles wie vorher.`,
    unwritable: (why) =>
      `Die Datei des Betreibers lässt sich nicht schreiben (${why}); es ist alles wie vorher.`,
  },
};
