import type { ChosenName } from '../../order/table.ts';

/** What may be chosen beforehand. */
export const GERMAN_TITLES: Readonly<Record<ChosenName, string>> = {
  model: 'Modell',
  sampler: 'Sampler',
  schedule: 'Schedule',
  steps: 'Schritte',
  cfg: 'CFG',
  size: 'Größe',
  count: 'Anzahl',
  clipSkip: 'Clip Skip',
  pag: 'PAG',
  negative: 'Negativer Prompt',
  vae: 'VAE',
  exact: 'Allein gemalt',
};

/** What commands and options are for, in German, by the English words of their definitions. */
export const GERMAN_DESCRIPTIONS: Readonly<Record<string, string>> = {
  'Paint a picture from words': 'Ein Bild aus Worten malen',
  'What should be in the picture': 'Was im Bild sein soll',
  'What should not be in it': 'Was nicht darin sein soll',
  'A set of options that this server keeps ready':
    'Ein Satz Optionen, den dieser Server bereithält',
  'Which model paints': 'Welches Modell malt',
  'Pixels (512x768), a ratio (16:9), or square, portrait, landscape, tall, wide':
    'Pixel (512x768), ein Verhältnis (16:9), oder square, portrait, landscape, tall, wide',
  'How many pictures': 'Wie viele Bilder',
  'How often the picture is refined; 20 to 30 is usual, auto takes as few as it can':
    'Wie oft das Bild verfeinert wird; üblich sind 20 bis 30, auto nimmt so wenige wie möglich',
  'How strictly the prompt is followed; 5 to 9 is usual':
    'Wie streng der Prompt befolgt wird; üblich sind 5 bis 9',
  'The path from noise to picture': 'Der Weg vom Rauschen zum Bild',
  'How the noise levels are spaced': 'Wie die Rauschstufen verteilt sind',
  'The same seed gives the same picture; left out: a new one':
    'Derselbe Seed gibt dasselbe Bild; weggelassen: ein neuer',
  'A picture to start from': 'Ein Bild, von dem ausgegangen wird',
  'How much of the start picture is repainted: 0 nothing, 1 everything':
    'Wie viel vom Startbild neu gemalt wird: 0 nichts, 1 alles',
  'White where the start picture is repainted, black where it stays':
    'Weiß, wo das Startbild neu gemalt wird, schwarz, wo es bleibt',
  "How soft the mask's edge is, in pixels": 'Wie weich der Rand der Maske ist, in Pixeln',
  'Repaint the masked part alone, at full size':
    'Nur den maskierten Teil neu malen, in voller Größe',
  'Which layer of the text encoder is read: 1 the last, 2 the one before it':
    'Welche Schicht des Text-Encoders gelesen wird: 1 die letzte, 2 die davor',
  "Which VAE turns latents into pixels; automatic is the model's own":
    'Welche VAE aus Latents Pixel macht; automatic ist die eigene des Modells',
  'Perturbed-attention guidance, for shapes that hold together; 0 none, 3 is usual':
    'Perturbed-Attention-Guidance: Formen halten besser zusammen; 0 ohne, üblich ist 3',
  'A second pass at a larger size: 2 is twice each side':
    'Ein zweiter, größerer Durchgang: 2 verdoppelt jede Seite',
  'How much the second pass repaints; 0.4 to 0.7 is usual':
    'Wie viel der zweite Durchgang neu malt; üblich sind 0,4 bis 0,7',
  'How far the noise moves towards that of variation_seed':
    'Wie weit das Rauschen zu dem von variation_seed rückt',
  'The other noise of a variation; left out: a new one':
    'Das andere Rauschen einer Variation; weggelassen: ein neues',
  'How much fresh noise DDIM and ancestral samplers add each step':
    'Wie viel neues Rauschen DDIM und die Ancestral-Sampler je Schritt zugeben',
  'Any further option, such as eta:0.5 exact:true': 'Jede weitere Option, etwa eta:0.5 exact:true',
  'How strictly a model that edits keeps to the picture; 1.5 is usual':
    'Wie streng ein Modell, das Bilder ändert, am Bild bleibt; üblich ist 1,5',
  'How weights such as (word:1.2) act': 'Wie Gewichte wie (Wort:1.2) wirken',
  "Whose noise: torch's on a processor (cpu), or A1111's on a graphics card (nv)":
    'Wessen Rauschen: das von torch auf dem Prozessor (cpu) oder das von A1111 auf der Grafikkarte (nv)',
  'Eta noise seed delta: added to the seed for all noise after the first':
    'Eta noise seed delta: wird zum Seed addiert, für alles Rauschen nach dem ersten',
  "How far the noise levels of a flow are shifted; left out: the model's own":
    'Wie weit die Rauschstufen eines Flows verschoben sind; weggelassen: wie beim Modell üblich',
  'What Flux dev is told of guidance; 3.5 is usual':
    'Was Flux dev über Guidance gesagt wird; üblich ist 3,5',
  'Tokens that a text is filled up to (Flux, FLUX.2, SD 3)':
    'Bis zu wie vielen Tokens ein Text aufgefüllt wird (Flux, FLUX.2, SD 3)',
  "Guidance no longer than this many times the prompt's own answer (Z-Image)":
    'Guidance höchstens so lang wie so viele Male die Antwort auf den Prompt (Z-Image)',
  'The negative prompt is left out behind this share of the way (Z-Image)':
    'Der negative Prompt fällt hinter diesem Teil des Weges weg (Z-Image)',
  'Guidance rescale, against burnt colours at high cfg; 0.7 is usual':
    'Guidance Rescale gegen verbrannte Farben bei hohem cfg; üblich ist 0,7',
  "Painted alone, never together with other people's pictures":
    'Allein gemalt, nie zusammen mit Bildern anderer Leute',
  'Whose conventions of noise and weights are followed':
    'Wessen Regeln für Rauschen und Gewichte gelten',
  'Only you see the reply': 'Nur du siehst die Antwort',
  'See what an option does: one sheet, one picture a value':
    'Sehen, was eine Option tut: ein Bogen, je Wert ein Bild',
  'What to vary': 'Was verändert wird',
  'What the pictures should show': 'Was die Bilder zeigen sollen',
  'Such as 1,5,10,20,50 or 3..12 by 1.5': 'Etwa 1,5,10,20,50 oder 3..12 by 1.5',
  'A second thing to vary, downwards': 'Ein Zweites, das nach unten verändert wird',
  'Such as euler,euler_a,dpmpp_2m': 'Etwa euler,euler_a,dpmpp_2m',
  'A third thing to vary, one sheet a value': 'Ein Drittes, je Wert ein Bogen',
  'Such as 1,2,3': 'Etwa 1,2,3',
  'One page with everything, also of many pictures; for managers of this server':
    'Eine Seite mit allem, auch mit vielen Bildern; für Verwalter dieses Servers',
  'Of a report: a text file with further prompts, one a line':
    'Für einen Bericht: eine Textdatei mit weiteren Prompts, je Zeile einer',
  'Of a report: how many pictures each cell has':
    'Für einen Bericht: wie viele Bilder jedes Feld hat',
  'Paint each picture a second time, this many times as large':
    'Jedes Bild ein zweites Mal malen, um so viel größer',
  'A picture that all of them start from; needed to vary its strength':
    'Ein Bild, von dem alle ausgehen; nötig, um seine Stärke zu verändern',
  'How often each picture is refined': 'Wie oft jedes Bild verfeinert wird',
  'How strictly the prompt is followed': 'Wie streng der Prompt befolgt wird',
  'Dark or light sheet': 'Dunkler oder heller Bogen',
  'Watch one picture emerge, step by step, as a strip and as an animation':
    'Zusehen, wie ein Bild Schritt für Schritt entsteht, als Streifen und als Animation',
  'What the picture should show': 'Was das Bild zeigen soll',
  'The steps to look at, such as 1,2,5,10,20': 'Die Schritte, die gezeigt werden, etwa 1,2,5,10,20',
  'See what is being made and who is waiting': 'Sehen, was in Arbeit ist und wer wartet',
  'Read the recipe inside a picture; it reads recipes only, and guesses nothing':
    'Das Rezept in einem Bild lesen; es liest nur Rezepte und rät nichts',
  'The picture, as the program that made it wrote it':
    'Das Bild, wie das Programm es geschrieben hat, von dem es ist',
  'What the members of this server starred':
    'Was Mitglieder dieses Servers mit Stern versehen haben',
  'Your last pictures, private ones too': 'Deine letzten Bilder, auch die privaten',
  'Everything about one picture: recipe, times, where it came from':
    'Alles über ein Bild: Rezept, Zeiten, Herkunft',
  'Its id, as in the name of its file: darkroom-<id>-1.png':
    'Seine Kennung, wie im Dateinamen: darkroom-<Kennung>-1.png',
  'Named sets of options for /imagine, curated by this server':
    'Benannte Sätze von Optionen für /imagine, von diesem Server gepflegt',
  'See the presets of this server': 'Die Presets dieses Servers sehen',
  'Make a preset, or replace one (Manage Server)':
    'Ein Preset anlegen oder ersetzen (Server verwalten)',
  'What the preset is called': 'Wie das Preset heißt',
  "Words around a person's own; {prompt} says where those go":
    'Worte um die eigenen herum; {prompt} sagt, wo diese stehen',
  'Delete a preset (Manage Server)': 'Ein Preset löschen (Server verwalten)',
  'What you prefer when you leave an option out; for you alone, on every server':
    'Was gilt, wenn du eine Option weglässt; nur für dich, auf jedem Server',
  'See what you prefer': 'Sehen, was du vorgewählt hast',
  'Prefer something': 'Etwas vorwählen',
  'The language the bot speaks to you': 'Die Sprache, die der Bot mit dir spricht',
  'Only you see your pictures, unless you say otherwise':
    'Nur du siehst deine Bilder, wenn du nichts anderes sagst',
  'Prefer nothing any more': 'Nichts mehr vorwählen',
  'Only this one; left out: all of them': 'Nur diese; weggelassen: alle',
  'See which models can paint here, and on what they run':
    'Sehen, welche Modelle hier malen können und worauf sie laufen',
  'Pictures, painting time and waits of this server and of you; how fast it paints':
    'Bilder, Malzeit und Wartezeit von Server und dir; wie schnell gemalt wird',
  'See and change the defaults of this server': 'Die Vorgaben dieses Servers sehen und ändern',
  'Everything of this server in one panel': 'Alles von diesem Server in einer Tafel',
  'Change one or more defaults': 'Eine oder mehrere Vorgaben ändern',
  'How often the picture is refined': 'Wie oft das Bild verfeinert wird',
  "Go back to the model's own defaults": 'Zurück zu den Vorgaben des Modells',
  'A short guide: what the options do, what the buttons do':
    'Eine kurze Anleitung: was die Optionen tun, was die Knöpfe tun',
  'Over all servers; for whoever the bot belongs to':
    'Über alle Server; für die, denen der Bot gehört',
  'Servers, queue, rules, disk and devices at a glance':
    'Server, Schlange, Regeln, Datenträger und Geräte auf einen Blick',
  'Which servers may use the bot': 'Welche Server den Bot benutzen dürfen',
  'The id of a server that may use it': 'Die Kennung eines Servers, der ihn benutzen darf',
  'The id of a server that may not; the bot leaves it':
    'Die Kennung eines Servers, der das nicht darf; der Bot verlässt ihn',
  'Whether those who invite the bot wait for your yes':
    'Ob alle, die den Bot einladen, auf dein Ja warten',
  'Words and patterns that no server may use': 'Wörter und Muster, die kein Server benutzen darf',
  'What servers and people may have at most; 0 takes a limit away':
    'Was Server und Leute höchstens haben dürfen; 0 nimmt eine Grenze weg',
  'The most that a server may allow': 'Das Höchste, was ein Server erlauben darf',
  'Seconds of the machine a day, one person, over all servers':
    'Sekunden der Maschine am Tag, eine Person, über alle Server',
  'Orders waiting, one person, over all servers':
    'Wartende Aufträge, eine Person, über alle Server',
  'Seconds of the machine a day, one server': 'Sekunden der Maschine am Tag, ein Server',
  'Orders waiting, one server': 'Wartende Aufträge, ein Server',
  'Steps x pixels x pictures of one order, in millions':
    'Schritte x Pixel x Bilder eines Auftrags, in Millionen',
  'Pause the queue, let it run empty, or let it go on':
    'Die Schlange anhalten, leer laufen lassen oder weitergehen lassen',
  'What happens from now on': 'Was ab jetzt geschieht',
  'What everybody is told about it': 'Was alle dazu lesen',
  'Somebody may not use the bot anywhere': 'Jemand darf den Bot nirgends benutzen',
  'Somebody may use the bot again': 'Jemand darf den Bot wieder benutzen',
  'Stop all that somebody has waiting or running':
    'Alles anhalten, was von jemandem wartet oder läuft',
  'Remove everything that is kept of somebody, for good':
    'Alles entfernen, was von jemandem aufgehoben ist, für immer',
  'A mention, or the id': 'Eine Erwähnung oder die Kennung',
  'Say something to all servers': 'Allen Servern etwas sagen',
  'Read the models folder anew': 'Den Modellordner neu lesen',
  'For the owner of the bot: owner/name of the hub, civitai:123, an address':
    'Für den Besitzer des Bots: Besitzer/Name des Hubs, civitai:123, eine Adresse',
  'What a fetched model is called here': 'Wie ein geholtes Modell hier heißt',
  'For the owner of the bot: compare a fetched model with what was fetched':
    'Für den Besitzer des Bots: ein geholtes Modell mit dem vergleichen, was geholt wurde',
  'For the owner of the bot: remove a fetched model':
    'Für den Besitzer des Bots: ein geholtes Modell entfernen',
  'What failed by the machine, with the references people were given':
    'Was durch die Maschine fehlschlug, mit den Kennungen, die Leute bekamen',
  'As somebody was told it': 'Wie sie jemand genannt bekam',
  'Where alarms go, and in which server /owner works too':
    'Wohin Alarme gehen, und auf welchem Server /owner auch gilt',
  'The id of a channel, or “none”': 'Die Kennung eines Kanals, oder „none“',
  'The id of a server, or “none”': 'Die Kennung eines Servers, oder „none“',
};

/** What the commands in a message's menu are called in German. */
export const GERMAN_NAMES: Readonly<Record<string, string>> = {
  Recipe: 'Rezept',
  Reimagine: 'Neu malen',
  Edit: 'Bearbeiten',
  Upscale: 'Vergrößern',
  'Use as start': 'Als Startbild',
  'Explore this': 'Erkunden',
};
