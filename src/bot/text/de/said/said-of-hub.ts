import type { HUB_SENTENCES } from '../../../../hub/sentences.ts';

const comma = (number: string): string => number.replace('.', ',');

/** About models that are fetched, checked and removed. */
export const SAID_OF_HUB: typeof HUB_SENTENCES = {
  'pull-what': (given) =>
    `${given} nennt nichts, was sich holen lässt: erwartet wird Besitzer/Name des Hubs, Besitzer/Name/Datei.safetensors, civitai:NUMMER, eine Adresse mit https:// am Anfang oder ein Name des Katalogs.`,
  'pull-not-found': (what, host) => `${host} hat kein ${what}. Prüfe den Namen und die Revision.`,
  'pull-needs-token': (what, page, variable) =>
    `${what} gibt es nicht, oder nicht für alle: Stimme den Bedingungen auf ${page} zu, wenn dort danach gefragt wird, und setze ${variable} auf einen Schlüssel, der es lesen darf.`,
  'pull-token-refused': (what, page, variable) =>
    `Der Schlüssel in ${variable} darf ${what} nicht lesen: Stimme den Bedingungen auf ${page} mit dem Konto des Schlüssels zu, oder nimm einen anderen.`,
  'pull-unreachable': (host, why) =>
    `${host} ist nicht zu erreichen (${why}). Nichts ging verloren: Derselbe Aufruf macht später weiter.`,
  'pull-answered': (host, status) =>
    `${host} hat mit ${status} geantwortet. Nichts ging verloren: Derselbe Aufruf macht später weiter.`,
  'pull-answer-odd': (host) =>
    `${host} hat nicht so geantwortet, wie seine Schnittstelle beschrieben ist. Prüfe die Adresse; einen Spiegel nennt HF_ENDPOINT.`,
  'pull-web-page': (host, file) =>
    `${host} hat statt ${file} eine Webseite geschickt: Dort soll sich jemand anmelden oder erst etwas zustimmen.`,
  'pull-address-refused': (address) =>
    `${address} wird nicht geholt: nur über http und https, und nie von einer öffentlichen Adresse aus aus diesem Netz hier.`,
  'pull-too-many-redirects': (host) => `${host} schickt endlos von Adresse zu Adresse.`,
  'pull-no-revision': (address) =>
    `${address} hat keine Revisionen: --revision gilt für den Hub und für Civitai.`,
  'pull-pickles-only': (what) =>
    `${what} enthält nur Pickles (.ckpt, .bin, .pt), die beim Öffnen Programme ausführen können. Nimm eine Fassung in .safetensors.`,
  'pull-no-weights': (what) =>
    `${what} enthält kein Modell, das Darkroom öffnet: kein .safetensors, kein .gguf und keinen ONNX-Ordner.`,
  'pull-many-files': (what, files) => `${what} enthält mehrere Modelle. Nenne eines: ${files}.`,
  'pull-odd-path': (what) =>
    `${what} führt eine Datei, deren Name anderswohin führt. Das wird nicht geholt.`,
  'pull-unsafe': (what, verdict) =>
    `Die Seite selbst sagt, dass ${what} nicht sicher ist (${verdict}). Das wird nicht geholt.`,
  'pull-wrong-size': (file, told, came) =>
    `${file} sollte ${comma(told)} haben und hat ${comma(came.replace('more than', 'mehr als'))}. Es wurde nicht behalten.`,
  'pull-wrong-hash': (file, told, came) =>
    `${file} kam mit anderen Bytes als angekündigt (SHA-256 ${told} war angekündigt, ${came} kam). Es wurde nicht behalten: Rufe dasselbe noch einmal auf, oder nimm eine andere Quelle.`,
  'pull-broke-off': (file, have, of) =>
    `Die Verbindung brach bei ${comma(have)} von ${comma(of)} von ${file} immer wieder ab. Was da ist, bleibt: Derselbe Aufruf macht weiter.`,
  'pull-no-room': (needs, free) =>
    `Das Modell braucht ${comma(needs)}, und wo die Modelle liegen, sind ${comma(free)} frei. Schaffe Platz, oder setze MODELS_DIR auf eine andere Platte.`,
  'pull-disk-full': (file) =>
    `Bei ${file} wurde die Platte voll. Was da ist, bleibt: Schaffe Platz, und derselbe Aufruf macht weiter.`,
  'pull-cannot-write': (folder, code) =>
    `In ${folder} lässt sich nicht schreiben (${code}). Gib diesem Konto das Recht dazu, oder setze MODELS_DIR.`,
  'pull-name-odd': (name) =>
    `„${name}“ kann hier kein Modell heißen: erwartet werden Buchstaben, Ziffern, Leerzeichen und . _ - ( ) +, höchstens 100, und keiner der Namen der Ordner selbst wie vae oder loras. Gib mit --as einen anderen.`,
  'pull-name-taken': (name) =>
    `Es gibt schon etwas namens ${name}, das nicht von dort geholt wurde. Gib mit --as einen anderen Namen, oder entferne jenes zuerst.`,
  'pull-under-way': (name) => `${name} wird gerade von einem anderen Programm geholt.`,
  'pull-is-no-model': (what, why) =>
    `${what} wurde geholt, ist aber nichts zum Malen und wurde deshalb nicht behalten: ${why}`,
  'pulled-unknown': (name, known) =>
    `Mit \`models pull\` wurde kein Modell namens ${name} geholt. ${known}`,
  'pulled-damaged': (name) =>
    `Die Notiz über ${name} lässt sich nicht lesen. Entferne das Modell von Hand, und hole es neu.`,
};
