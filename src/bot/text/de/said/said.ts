import type {
  CHECKPOINT_SENTENCES,
  FAMILY_SENTENCES,
  MODEL_SENTENCES,
  RECIPE_SENTENCES,
} from '../../../../engine/sentences.ts';
import type { HUB_SENTENCES } from '../../../../hub/sentences.ts';
import type { ENGLISH } from '../../en/english.ts';

const comma = (number: string) => number.replace('.', ',');

/** What engine, queue and explore say, by their codes. Names of options stay as people type them. */
export const SAID: Omit<
  (typeof ENGLISH)['said'],
  | keyof typeof HUB_SENTENCES
  | keyof typeof MODEL_SENTENCES
  | keyof typeof CHECKPOINT_SENTENCES
  | keyof typeof FAMILY_SENTENCES
  | keyof typeof RECIPE_SENTENCES
> = {
  'not-text': (field, found) => `${field} muss Text sein, nicht ${found}.`,
  'text-too-long': (field, length, most) =>
    `${field} hat ${length} Zeichen, höchstens ${most} gehen.`,
  'not-in-range': (field, min, max, found) =>
    `${field} muss eine Zahl von ${min} bis ${max} sein, nicht ${found}.`,
  'not-whole-in-range': (field, min, max, found) =>
    `${field} muss eine ganze Zahl von ${min} bis ${max} sein, nicht ${found}.`,
  'not-a-side': (field, factor, min, max, found) =>
    `${field} muss ein Vielfaches von ${factor} von ${min} bis ${max} sein, nicht ${found}.`,
  'side-off-grid': (field, factor, min, max, found, below, above) =>
    `${field} muss ein Vielfaches von ${factor} von ${min} bis ${max} sein, nicht ${found}; am nächsten liegen ${below} und ${above}.`,
  'not-a-seed': (field, max, found) =>
    `${field} muss eine ganze Zahl von 0 bis ${max} sein, oder weggelassen für eine zufällige, nicht ${found}.`,
  'unknown-name': (field, found, names) => `${field} ${found} gibt es nicht. Es gibt ${names}.`,
  'nearly-a-name': (field, found, near, names) =>
    `${field} ${found} gibt es nicht. Meinst du ${near}? Es gibt ${names}.`,
  'not-a-size': (found) => `size muss BREITExHÖHE in Pixeln sein, etwa 512x768, nicht ${found}.`,
  'variation-shape': (found) => `variation braucht einen Seed und eine Stärke, nicht ${found}.`,
  'seed-resize-shape': (found) => `seed resize braucht eine Breite und eine Höhe, nicht ${found}.`,
  'hires-shape': (found) => `hires braucht Faktor, Schritte, Stärke und Upscaler, nicht ${found}.`,
  'no-picture-bytes': (field) => `${field} muss aus den Bytes eines Bilds bestehen.`,
  'hires-too-large': (scale, side, most) =>
    `hires ${scale} ergibt eine Seite von ${side} Pixeln, gemalt werden höchstens ${most}. Nimm einen kleineren Faktor oder eine kleinere Größe.`,
  'hires-with-start': () =>
    'hires vergrößert, was allein aus Worten gemalt wurde; mit einem Startbild nimm stattdessen eine größere size.',
  'batch-shape': (count) =>
    `Verschiedene Bilder in einem Zug brauchen seed, cfg und clip skip für jedes der ${count}, im Profil a1111 und ohne Variation.`,
  'replan-shape': (found) =>
    `replan muss ein Plan sein, etwa 12 Schritte und dann 5 für den Rest, nicht ${found}.`,
  'replan-too-long': (after, rest, steps) =>
    `replan: ${after} + ${rest} Schritte sind mehr als die geplanten ${steps}.`,
  'negative-guidance-shape': () =>
    'NGMS und skip early cfg gehören zu A1111: Sie brauchen das Profil a1111, einen Rauschpegel von 0 bis 15 und einen Anteil von 0 bis 1.',
  'pag-needs-unet': (model) =>
    `pag: Das Modell „${model}“ ist ein Transformer und hat keinen mittleren Block, den man stören könnte. Lass pag weg oder wähle ein anderes Modell.`,
  'pag-misfit': (model, cause) =>
    `Das Modell „${model}“ lässt sich nicht durch gestörte Aufmerksamkeit (pag) führen: ${cause}. Lass pag weg, oder exportiere das Modell neu, ohne verschmolzene Aufmerksamkeit.`,
  'refiner-shape': () =>
    'refiner muss ein Modell nennen, das übernimmt, und den Anteil des Wegs, nach dem es das tut, etwa 0.8.',
  'refiner-alone': () =>
    'Ein Refiner verträgt sich nur im Profil a1111 mit hires: Lass eines davon weg.',
  'refiner-misfit': (name, model) =>
    `${name} kann nicht von ${model} übernehmen: Ihre Latents oder das, was sie vorhersagen, passen nicht zusammen. Wähle einen Refiner für dieses Modell.`,
  'xl-only': (name) =>
    `${name} ist kein SDXL-Modell: Es nimmt weder einen zweiten Prompt noch Größen. Lass sie weg.`,
  'second-prompt-shape': () =>
    'Der zweite Prompt muss so viele AND und Wechsel wie [a:b:5] haben wie der erste.',

  'too-many-parts': (count, most) =>
    `prompt: ${count} Teile sind durch AND verbunden, höchstens ${most} werden zusammen gemalt. Lass einige weg.`,
  'too-many-encodings': (runs, most) =>
    `prompt: Seine Wechsel wie [a:b:5] und [a|b] ergeben ${runs} Texte von 75 Tokens, für ein Bild werden höchstens ${most} gelesen. Nimm weniger Wechsel, Wörter oder Schritte.`,
  'extra-weights': (tag) =>
    `prompt: ${tag} verlangt ein Hypernetwork, das Darkroom nicht anwendet. Nimm es heraus, um ohne es zu malen.`,
  'lora-in-negative': (tag) =>
    `negative prompt: ${tag} gehört in den Prompt; eine Stärke unter 0 drängt von dem weg, was das LoRA kann.`,
  'lora-without-name': (tag) => `prompt: ${tag} nennt kein LoRA; schreib es wie <lora:name:0.8>.`,
  'lora-strength': (tag, found, most) =>
    `prompt: die Stärke „${found}“ in ${tag} muss eine Zahl von -${most} bis ${most} sein; schreib es wie <lora:name:0.8>.`,
  'too-many-loras': (count, most) =>
    `prompt: ${count} LoRAs sind verlangt; höchstens ${most} gehen auf einmal.`,
  'no-lora': (name, names) => `Ein LoRA „${name}“ gibt es nicht. Es gibt ${names}.`,
  'no-lora-at-all': (name) =>
    `Ein LoRA „${name}“ gibt es nicht, auch kein anderes: Lege .safetensors-Dateien in den Ordner loras neben den Modellen, oder nimm es aus dem Prompt.`,
  'lora-unreadable': (name, file, cause) =>
    `Das LoRA „${name}“ (${file}) lässt sich nicht verwenden: ${cause}. Nimm es aus dem Prompt, oder lege eine andere Datei an seine Stelle.`,
  'lora-misfit': (name, model, cause) =>
    `Das LoRA „${name}“ gehört zu einer anderen Art von Modell als „${model}“: ${cause}. Nimm es aus dem Prompt, oder wähle sein Modell.`,
  'lora-partly': (name, left, all, cause) =>
    `Das LoRA „${name}“ wirkt ohne ${left} seiner ${all} Schichten: ${cause}.`,
  'lora-too-much': (name) =>
    `Das LoRA „${name}“ ändert mehr Gewichte, als ein Graph fassen kann. Nimm ein kleineres.`,
  'weight-not-a-number': (found) =>
    `prompt: das Gewicht „${found}“ ist keine Zahl; schreib es wie (katze:1.2).`,
  'embedding-left-out': (name) =>
    `Das Embedding „${name}“ gibt es nicht, es blieb weg. Lege seine .safetensors-Datei in den Ordner embeddings neben den Modellen.`,
  'embedding-runs-programs': (name, kind) =>
    `Das Embedding „${name}“ ist eine ${kind}-Datei, die beim Öffnen Programme ausführen kann. Wandle sie in .safetensors um, oder lass seinen Namen aus dem Prompt.`,
  'embedding-unreadable': (name, file, cause) =>
    `Das Embedding „${name}“ (${file}) lässt sich nicht lesen: ${cause}. Lade es noch einmal herunter.`,
  'embedding-misfit': (name, found, model, width, encoder) =>
    `Das Embedding „${name}“ gehört zu einer anderen Art von Modell: seine Vektoren haben ${found} Zahlen, das Modell „${model}“ nimmt ${width} (${encoder}). Lass seinen Namen aus dem Prompt, oder wähle sein Modell.`,
  'clip-skip-too-far': (clipSkip, model, layers) =>
    `clip skip ${clipSkip} ist mehr, als der Text-Encoder von „${model}“ Schichten hat (${layers}). Wähle 1 bis ${layers}.`,

  'picture-too-heavy': (size, most) => `Das Bild hat ${size}, höchstens ${most} gehen.`,
  'not-a-picture': () =>
    'Die Datei ist kein PNG-, JPEG- oder WebP-Bild. Wandle sie um und versuche es noch einmal.',
  'picture-animated': () => 'Das Bild ist animiert. Schicke ein unbewegtes.',
  'picture-damaged': () =>
    'Das Bild ist beschädigt und lässt sich nicht lesen. Speichere es neu und versuche es noch einmal.',
  'picture-too-demanding': (seconds, megabytes) =>
    `Das Bild zu lesen hat mehr als ${seconds} s oder ${megabytes} MB gebraucht, was kein gewöhnliches Bild tut. Speichere es mit einem anderen Programm neu und versuch es noch einmal.`,
  'picture-too-large': (side, size) =>
    `Das Bild ist zu groß: höchstens ${side}x${side} Pixel gehen, es hat ${size}.`,
  'picture-too-large-to-double': (width, height, most) =>
    `Das Bild hat ${width}x${height} Pixel; das Doppelte ist mehr als ${most} auf einer Seite.`,
  'picture-too-large-to-upscale': (width, height, factor, most) =>
    `Das Bild hat ${width}x${height} Pixel, ${factor}-mal so viel ist mehr als ${most} auf einer Seite.`,
  'upscaler-unknown': (name) =>
    `Der Upscaler „${name}“ ist nicht zu gebrauchen: Von .safetensors-Dateien sind die Netze von ESRGAN und Real-ESRGAN bekannt, von Farben zu Farben. Leg eine solche Datei oder ein ONNX-Netz an seine Stelle.`,
  'upscaler-misfit': (name) =>
    `Der Upscaler "${name}" ist nicht zu gebrauchen: Er muss ein ONNX-Netz sein, das aus einem Bild [1, 3, Höhe, Breite] ein ganzzahlig größeres macht. Leg eine andere Datei an seine Stelle.`,
  'mask-misfit': (mask, picture) =>
    `Die Maske hat ${mask} Pixel, das Startbild ${picture}. Zeichne die Maske in der Größe des Bilds: weiß, wo neu gemalt wird, schwarz, wo es bleibt.`,
  'outpaint-too-large': (size, becomes, most) =>
    `${size} zu erweitern ergibt ${becomes} Pixel, gemalt werden höchstens ${most} je Seite. Erweitere weniger, oder nimm ein kleineres Bild.`,
  'no-parameters': () =>
    'Der Text enthält keine Angaben zu einem Bild: erwartet wird eine Zeile wie „Steps: 20, Sampler: Euler a, Seed: 1, …“.',
  'graph-without-sampler': () =>
    'Das Bild trägt einen ComfyUI-Graphen ohne einen Sampler, der hier bekannt ist (KSampler oder SamplerCustom).',

  'no-model': (name, names) => `Ein Modell „${name}“ gibt es nicht. Es gibt: ${names}.`,
  'no-model-at-all': (name, folder) =>
    `Ein Modell „${name}“ gibt es nicht, und auch kein anderes; lege eines in ${folder}.`,
  'no-switch': (name, value) => `${name} muss true oder false sein, nicht ${value}.`,
  'side-misfit': (side, value, model, factor) =>
    `${side} ${value} passt nicht zum Modell „${model}“: es muss ein Vielfaches von ${factor} sein.`,
  'one-size-only': (model, size, wanted) =>
    `Das Modell „${model}“ wurde nur für Bilder von ${size} exportiert, verlangt war ${wanted}. Nimm diese Größe, oder exportiere es mit dynamischen Achsen.`,
  'needs-picture-and-mask': (model) =>
    `Das Modell „${model}“ ist ein Inpainting-Modell: es braucht ein Startbild und eine Maske. Gib beides, oder wähle ein anderes Modell.`,
  'no-vae-encoder': (model) =>
    `Dem Modell „${model}“ fehlt vae_encoder/model.onnx, das ein Startbild braucht. Wähle ein anderes Modell, oder lass das Startbild weg.`,
  'name-a-sampler': (names) =>
    `Nenne einen Sampler: nur das Profil diffusers kann ihn dem Modell überlassen. Wähle einen von ${names}.`,
  'sampler-not-for-flow': (sampler, names) =>
    `Der Sampler ${sampler} gibt Rauschen auf eine Art zu, für die dieses Flow-Modell nicht trainiert ist. Wähle einen von ${names}.`,
  'flow-sampler-only-for-flow': (names) =>
    `Der Sampler flow_euler ist für Flow-Modelle (SD3, Flux), und dieses ist keines. Wähle einen von ${names}.`,
  'sampler-not-made-for-flow': (sampler) =>
    `Der Sampler ${sampler} ist nicht für Flow-Modelle wie dieses gemacht. Wähle flow_euler.`,
  'scheduler-only-for-flow': (name) =>
    `Der Scheduler ${name} ist für Flow-Modelle (SD3, Flux), und dieses ist keines. Wähle zum Beispiel euler oder dpmpp_2m.`,
  'too-many-steps-for-sampler': (sampler, most, steps) =>
    `Der Sampler ${sampler} kann höchstens ${most} Schritte, nicht ${steps}. Wähle weniger Schritte.`,
  'too-few-steps-for-sampler': (sampler, least, left) =>
    `Der Sampler ${sampler} braucht mindestens ${least} Schritte, und hier bleiben ihm ${left}. Nimm mehr Schritte oder einen anderen Sampler.`,
  'too-few-steps-at-strength': (sampler, least, left) =>
    `Der Sampler ${sampler} braucht mindestens ${least} Schritte, und hier bleiben ihm ${left}. Nimm mehr Schritte, mehr Stärke oder einen anderen Sampler.`,
  'too-few-steps-for-pndm': (least, steps) =>
    `Der PNDM-Scheduler dieses Modells braucht mindestens ${least} Schritte, nicht ${steps}. Nimm mehr Schritte oder einen anderen Sampler.`,
  'no-step-left': (steps, strength) =>
    `${steps} Schritte bei Stärke ${strength} lassen keinen Schritt übrig. Nimm mehr Stärke oder mehr Schritte.`,
  'too-many-steps-for-training': (trained, steps) =>
    `Dieses Modell wurde mit ${trained} Zeitschritten trainiert und kann keine ${steps} Schritte. Wähle höchstens ${trained}.`,
  'too-many-steps-for-grid': (available, grid, steps) =>
    `Dieser Sampler hat ${available} Zeitschritte zur Wahl (ein Raster von ${grid}) und kann keine ${steps} Schritte. Wähle weniger Schritte.`,
  'too-many-steps-for-grid-at-strength': (available, grid, strength, steps) =>
    `Dieser Sampler hat ${available} Zeitschritte zur Wahl (ein Raster von ${grid}, Stärke ${strength}) und kann keine ${steps} Schritte. Wähle weniger Schritte oder mehr Stärke.`,
  'cfgpp-needs-guidance': () =>
    'Der Sampler ddim_cfgpp braucht Guidance mit einem negativen Prompt, und dieses Modell läuft ohne. Wähle ddim.',
  'tcd-eta': (eta) => `Der Sampler tcd nimmt ein eta von 0 bis 1, nicht ${eta}.`,
  'not-in-diffusers': (sampler, names) =>
    `diffusers hat keinen Sampler ${sampler}. Wähle im Profil diffusers einen von ${names}, oder das Profil a1111.`,
  'schedule-not-in-diffusers': (scheduler, schedule) =>
    `${scheduler} von diffusers hat keine Schedule ${schedule}. Lass sie auf automatic, oder wähle das Profil a1111.`,
  'learned-variance': (variant) =>
    `Dieses Modell sagt seine eigene Varianz voraus (variance_type ${variant}), was nicht unterstützt wird. Wähle einen anderen Sampler, zum Beispiel ddim.`,
  'too-little-memory': (count, size) =>
    `Der Speicher reicht nicht für ${count} ${count === 1 ? 'Bild' : 'Bilder'} von ${size}. Nimm eine kleinere Größe oder weniger Bilder.`,
  'device-does-not-work': (device, cause, hint) =>
    `Verlangt war DEVICE=${device}, aber das geht hier nicht. ONNX Runtime sagt: ${cause}. ${hint}`,

  'order-lost-disk-full': () =>
    'Dein Auftrag wurde nicht angenommen: auf der Maschine, die malt, ist die Platte voll. Bitte sag dem Betreiber des Bots Bescheid und versuche es später.',
  'order-lost-queue-away': () =>
    'Dein Auftrag wurde nicht angenommen: die Warteschlange ist gerade nicht erreichbar. Bitte versuche es in einer Minute noch einmal.',
  'settings-away': () =>
    'Die Einstellungen sind gerade nicht zu erreichen, darum geschah nichts. Versuch es in einer Minute noch einmal.',
  'settings-full': () =>
    'Die Einstellungen lassen sich nicht behalten: dort, wo sie liegen, ist kein Platz mehr. Bitte sag es dem Betreiber dieses Bots und versuche es später noch einmal.',
  'order-lost-queue-full': () =>
    'Dein Auftrag wurde nicht angenommen: die Warteschlange hat keinen Platz mehr. Bitte sag es dem Betreiber dieses Bots und versuche es später noch einmal.',
  'order-lost-unwritable': () =>
    'Dein Auftrag wurde nicht angenommen: auf der Maschine, die malt, lässt sich der Datenordner nicht beschreiben. Bitte sag dem Betreiber des Bots Bescheid und versuche es später.',
  'start-picture-gone': () =>
    'Das Startbild dieses Auftrags ist nicht mehr gespeichert. Bitte schicke ihn noch einmal mit dem Bild.',
  'queue-closed': () =>
    'Darkroom wird gerade neu gestartet, die Warteschlange ist so lange zu. Bitte versuche es in einer Minute noch einmal.',
  'order-unreadable': () =>
    'Diesen Auftrag hat eine andere Version von Darkroom geschrieben, die diese nicht lesen kann. Bitte schicke ihn noch einmal.',
  'copy-source-gone': () =>
    'Das Bild ist nicht mehr gespeichert, es gibt also nichts zu kopieren. Male es mit seinem Rezept noch einmal.',
  'program-ended-often': (times) =>
    `Das Programm endete ${times} Mal über diesem Bild, deshalb ist es aufgegeben. Eine kleinere Größe oder weniger Bilder auf einmal helfen vielleicht.`,
  'engine-crashed-twice': () =>
    'Die Engine ist über diesem Bild zweimal abgestürzt, deshalb ist es aufgegeben. Eine kleinere Größe oder weniger Bilder auf einmal helfen vielleicht.',
  'picture-lost-disk-full': () =>
    'Das Bild wurde gemalt, ließ sich aber nicht aufheben: wo Bilder aufgehoben werden, ist kein Platz mehr. Versuche es später.',
  'picture-lost-unwritable': () =>
    'Das Bild wurde gemalt, ließ sich aber nicht aufheben: wo Bilder aufgehoben werden, lässt sich nichts schreiben. Versuche es später.',
  'unknown-trouble': () =>
    'Bei diesem Bild ist etwas schiefgegangen. Wenn es wieder vorkommt, nenne dem Betreiber des Bots die Kennung.',

  'no-axis': (found, names) => `Eine Achse „${found}“ gibt es nicht. Es gibt ${names}.`,
  'axis-empty': (axis, example) => `${axis} hat keine Werte. Schreib sie wie ${example}.`,
  'axis-twice': (axis, value) => `${axis} ${value} kommt zweimal vor. Schreib es einmal.`,
  'axis-needs-numbers': (found, axis, example) =>
    `„${found}“ ist kein Wert für ${axis}: gebraucht werden Zahlen, etwa ${example}.`,
  'axis-needs-whole-numbers': (found, axis, example) =>
    `„${found}“ ist kein Wert für ${axis}: gebraucht werden ganze Zahlen, etwa ${example}.`,
  'range-by-zero': (range) =>
    `Der Bereich „${range}“ geht in Schritten von 0 und kommt nie an. Nimm 1.`,
  'range-backwards': (range, turned) =>
    `Der Bereich „${range}“ läuft rückwärts. Schreib ${turned}.`,
  'axis-too-long': (axis, count, most) =>
    `${axis} hat ${count} Werte, eine Achse nimmt höchstens ${most}. Schreib weniger, oder einen Bereich mit größeren Schritten.`,
  'range-too-long': (axis, count, most, fits, has) =>
    `${axis} hat ${count} Werte, eine Achse nimmt höchstens ${most}. ${fits} hat ${has}.`,
  'axes-alike': (axis) =>
    `Beide Achsen sind ${axis}. Nimm für die zweite eine andere, oder lass sie weg.`,
  'nothing-to-replace': () =>
    'Der erste Wert von prompt ist der Text, an dessen Stelle die anderen treten; leer kann er nicht sein.',
  'text-not-in-prompt': (text) =>
    `Prompt S/R hat „${text}“ weder im Prompt noch im negativen Prompt gefunden. Der erste Wert ist der Text, an dessen Stelle die anderen treten: schreib ihn genau so, wie er dort steht.`,
  'no-lora-to-weigh': () =>
    'Die Achse lora ändert das Gewicht eines Tags, und der Prompt hat keinen. Schreib <lora:name:1> hinein, oder den Namen vor die Gewichte: name: 0,0.5,1.',
  'which-lora': (names) =>
    `Der Prompt hat mehrere LoRAs (${names}). Schreib vor die Werte, wessen Gewicht es ist: name: 0,0.5,1.`,
  'no-such-model': (found, names) => `Ein Modell „${found}“ gibt es nicht. Es gibt ${names}.`,
  'denoise-needs-second-pass': () =>
    'Die Achse denoise braucht hires fix oder ein Bild, von dem es ausgeht: sie sagt, wie viel davon neu gemalt wird.',
  'strength-needs-picture': () => 'Die Achse strength braucht ein Bild, von dem es ausgeht.',
  'value-cannot-be-used': (axis, value) => `${axis} ${value} geht nicht:`,
  'values-alike': (axis, one, other) =>
    `${axis} „${one}“ und „${other}“ sind dasselbe. Schreib eines davon.`,
  'sheet-too-many-cells': (cells, most) =>
    `Dieser Bogen hat ${cells} Felder, gemalt werden höchstens ${most}.`,
  'sheet-too-many-steps': (steps, most) =>
    `Dieser Bogen braucht ${steps} Schritte in der Größe des Modells, höchstens ${most} gehen.`,
  'sheet-too-many-pages': (pages, most) =>
    `Dieser Bogen hat ${pages} Seiten, gezeigt werden höchstens ${most}.`,
  'no-cell-fits': () =>
    'Nicht einmal das erste Feld geht: nimm weniger Schritte oder eine kleinere Größe.',
  'largest-row': (cells, values) => `Der größte, der geht, hat ${cells}: ${values}.`,
  'largest-grid': (size, across, down) =>
    `Der größte, der geht, ist ${size}: ${across} und ${down}.`,
  'no-such-step': (step, most) =>
    `Einen Schritt ${step} gibt es nicht: dieses Bild hat die Schritte 1 bis ${most}.`,
  'too-many-snapshots': (count, most) =>
    `${count} Schritte sind zu viele, gezeigt werden höchstens ${most}. Schreib weniger, oder einen Bereich mit größeren Schritten.`,
  'no-curve': (sampler) => `${sampler}: ein Bild macht noch keine Kurve.`,
  'never-arrives': (sampler) =>
    `${sampler} zieht in jedem Schritt neues Rauschen und hat deshalb kein Bild, bei dem er ankommt: eine andere Zahl von Schritten ist ein anderes Bild, kein besseres.`,
  'still-changes': (sampler, steps, before) =>
    `${sampler}: bis ${steps} Schritte ändert sich das Bild noch sichtbar: die mit ${before} und ${steps} unterscheiden sich, und mehr wurden nicht gemalt.`,
  'still-changes-slowly': (sampler, steps, before) =>
    `${sampler}: bis ${steps} Schritte ändert sich das Bild noch sichtbar (er gibt entlang eines Wegs Rauschen zu und kommt langsam zur Ruhe): die mit ${before} und ${steps} unterscheiden sich, und mehr wurden nicht gemalt.`,
  knee: (sampler, steps, cost, last, lastCost, before, alike) =>
    `${sampler}: nach ${steps} Schritten ändert sich nichts mehr, was man sähe; ${steps} Schritte kosten hier ${comma(cost)}, ${last} kosten ${comma(lastCost)}. ${known(steps, last, before, alike)}`,
  'knee-slowly': (sampler, steps, cost, last, lastCost, before, alike) =>
    `${sampler}: nach ${steps} Schritten ändert sich nichts mehr, was man sähe (er gibt entlang eines Wegs Rauschen zu und kommt langsam zur Ruhe); ${steps} Schritte kosten hier ${comma(cost)}, ${last} kosten ${comma(lastCost)}. ${known(steps, last, before, alike)}`,
  'report-needs-prompts': () =>
    'Ein Bericht braucht mindestens einen Prompt: je Zeile einen; Zeilen, die mit # beginnen, zählen nicht.',
  'report-too-many-prompts': (count, most) =>
    `${count} Prompts sind zu viele für einen Bericht, höchstens ${most} gehen.`,
  'report-seeds': (most) =>
    `Die Seeds eines Berichts sind die Bilder je Feld: eine ganze Zahl von 1 bis ${most}.`,
  'report-third-axis': () =>
    'Mehrere Seeds sind schon die dritte Achse eines Berichts. Lass z weg, oder nimm einen Seed.',
  'report-prompt': (number, prompt) => `Prompt ${number}, „${prompt}“:`,
  'report-too-many-pictures': (count, most) =>
    `Dieser Bericht hat ${count} Bilder, gemalt werden höchstens ${most}. Nimm weniger Werte, Seeds oder Prompts.`,
  'no-such-picture': () => 'Dieser Bogen hat kein solches Bild.',
};

/** Between which painted numbers it settles. */
function known(steps: number, last: number, before: number | null, alike: number): string {
  const where =
    before === null
      ? `Zur Ruhe kommt es bei ${steps} oder vorher: weniger wurden nicht gemalt`
      : `Zur Ruhe kommt es irgendwo zwischen ${before} und ${steps}, wo nichts gemalt wurde`;
  const thin =
    alike === 1 ? `; dass nur ${steps} und ${last} gleich aussehen, ist ein schwacher Beleg` : '';
  return `${where}${thin}.`;
}
