import type { HELP as ENGLISH } from '../en/help.ts';

export const HELP: typeof ENGLISH = {
  help: [
    '### Darkroom malt, was du beschreibst',
    'Gib `/imagine` und einen **prompt** ein. Die Antwort zeigt deinen Platz in der Reihe und dann das Bild, wie es entsteht.',
    '',
    '**prompt** was im Bild sein soll. `(wort:1.3)` gibt einem Wort mehr Gewicht, `(wort:0.7)` weniger; `<lora:name:0.8>` nimmt ein LoRA aus `/models` dazu.',
    '**negative** was nicht darin sein soll.',
    '**steps** wie oft das Bild verfeinert wird. Über 20 bis 30 dauert es meist nur länger; `auto` nimmt so wenige, dass man keinen Unterschied sieht.',
    '**cfg** wie streng der Prompt befolgt wird. Üblich sind 5 bis 9; sehr hohe Werte verbrennen die Farben.',
    '**seed** die Zahl, aus der das Rauschen entsteht. Derselbe Seed mit denselben Optionen gibt dasselbe Bild; eine andere Ziffer ein anderes.',
    '**size** in Pixeln. Am besten malen Modelle nahe der Größe, für die sie gemacht sind.',
    '**sampler, schedule** der Weg vom Rauschen zum Bild: Geschmack und Tempo.',
    '**image, strength** ein Bild als Anfang, und wie viel davon neu gemalt wird. **private** nur du siehst die Antwort.',
    '',
    '**Neu würfeln** (Reroll) derselbe Auftrag mit neuem Seed · **Variieren** (Vary) ein Nachbar desselben Bilds · **Vergrößern** (Upscale) dasselbe Bild, doppelt so groß · **Als Startbild** (Use as start) es übermalen · **Remix** andere Worte · **Rezept** jede Zahl dahinter.',
    'Auf jedem Bild, auch von anderswo: sein Menü, Apps, **Rezept** oder **Neu malen**.',
    '**Anhalten** (Stop) und **Löschen** (Delete) sind für die, die bestellt haben, und für die Moderation.',
    'Wo ein Server dir am Tag Sekunden der Maschine gibt, zählen nur Bilder, die du bekommen hast: was angehalten wurde, misslang oder von der Sicherheitsprüfung zurückgehalten wurde, kostet nichts.',
    '',
    '`/queue` wer wartet · `/recent` deine Bilder · `/show` eines davon · `/presets` dieses Servers · `/preferences` von dir · `/models` was hier malen kann · `/stats` wie viel und wie schnell · `/settings` die Vorgaben dieses Servers (Server verwalten).',
    '-# Jedes Bild ist von einer Maschine gemacht und trägt diesen Hinweis mit seinem Rezept in der Datei.',
  ].join('\n'),
};
