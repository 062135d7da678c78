"""The prompts a model is examined with, each with a scene that would be a right answer."""

from dataclasses import dataclass

import numpy as np

from .captions import Narrator
from .labels import SIDES
from .scene import COLOUR_NAMES, NATURAL, Scene, Thing, World, pick

PLACES = {
    "plain": "on {} background",
    "gradient": "on {} gradient background",
    "room": "in {} room",
    "table": "on a wooden table",
    "meadow": "in a meadow",
    "sunset": "at sunset",
    "night": "at night",
    "sea": "on the sea",
    "snow": "in the snow",
    "forest": "in a forest",
    "mountains": "in the mountains",
    "beach": "on a beach",
    "desert": "in the desert",
    "moon": "on the moon",
    "underwater": "under the sea",
    "sky": "in the sky",
}
STYLE_WORDS = {
    "sticker": "a sticker of",
    "sketch": "a line drawing of",
    "pixel": "pixel art of",
    "watercolour": "a watercolor of",
    "silhouette": "a silhouette of",
    "night": "a moonlit scene of",
}
RELATION_WORDS = {"above": "above", "on": "on top of", "front": "in front of"}
NUMBER_WORDS = {2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True)
class Case:
    """A prompt, and a scene that would be a right answer to it."""

    group: str
    prompt: str
    scene: Scene


class Examiner:
    """Makes the cases of one world with its own words."""

    def __init__(self, world: World, narrator: Narrator, rng: np.random.Generator) -> None:
        self.world, self.narrator, self.rng = world, narrator, rng

    def all_cases(self, count: int) -> list[Case]:
        few = max(12, count * 2 // 5)
        groups = [self.singles(count), self.counts(few), self.sides(few), self.pairs(few)]
        groups += [self.relations(few), self.styles(few)]
        return [case for group in groups for case in group]

    def thing(self, i: int, *, besides: str = "", painted: bool = True) -> Thing:
        """The i-th object; where it can be painted and shall be, in a random colour."""
        kinds = tuple(kind for kind in self.world.objects if kind != besides)
        kind = kinds[i % len(kinds)]
        if painted and self.world.paints(kind):
            return Thing(kind, pick(self.rng, COLOUR_NAMES))
        return Thing(kind, "" if self.world.look == "glossy" else NATURAL[kind][0], named=False)

    def name(self, thing: Thing, count: int = 1) -> str:
        """How a prompt calls it: a red fox, two blue apples, fries."""
        words, colour = self.narrator.words, thing.colour if thing.named else ""
        # The word that is listed most often is the usual one.
        choices = words.objects[thing.kind]
        word = max(choices, key=choices.count)
        if count > 1:
            return " ".join(part for part in (NUMBER_WORDS[count], colour, self.narrator.plural(word)) if part)
        text = f"{colour} {word}".strip()
        return text if word in words.uncountable else article(text)

    def scene(self, i: int, place: str, things: tuple[Thing, ...], count: int = 1, **more: str) -> Scene:
        return Scene(
            seed=i,
            style=more.get("style", next(iter(self.world.styles))),
            background=place,
            background_colour=more.get("paint", "white"),
            things=things,
            count=count,
            side=more.get("side", ""),
            relation=more.get("relation", ""),
            look=self.world.look,
        )

    def singles(self, count: int) -> list[Case]:
        """Every other object keeps its own colours where the world allows that."""
        cases, stride = [], max(1, len(self.world.objects) // count)
        for i in range(count):
            thing = self.thing(i * stride, painted=self.world.natural == 0 or i % 2 == 0)
            place, paint = pick(self.rng, tuple(self.world.backgrounds)), pick(self.rng, COLOUR_NAMES)
            where, name = PLACES[place].format(article(paint)), self.name(thing)
            prompt = (f"{name} {where}", f"{where}, {name}", f"cute {bare(name)} {where}")[i % 3]
            cases.append(Case("single", prompt, self.scene(i, place, (thing,), paint=paint)))
        return cases

    def counts(self, count: int) -> list[Case]:
        cases = []
        for i in range(count):
            thing, number = self.thing(i), 2 + i % (self.world.most - 1)
            paint = pick(self.rng, ("white", "blue", "yellow", "pink"))
            prompt = f"{self.name(thing, number)} on {article(paint)} background"
            cases.append(Case("count", prompt, self.scene(i, "plain", (thing,), number, paint=paint)))
        return cases

    def sides(self, count: int) -> list[Case]:
        cases = []
        for i in range(count):
            thing, side = self.thing(i), SIDES[1 + i % 2]
            prompt = f"{self.name(thing)} on the {side} in a meadow"
            cases.append(Case("position", prompt, self.scene(i, "meadow", (thing,), side=side)))
        return cases

    def two(self, i: int) -> tuple[Thing, Thing]:
        first = self.thing(i)
        return first, self.thing(int(self.rng.integers(len(self.world.objects) - 1)), besides=first.kind)

    def pairs(self, count: int) -> list[Case]:
        cases = []
        for i in range(count):
            things, place = self.two(i), pick(self.rng, ("meadow", "snow", "sea"))
            prompt = f"{self.name(things[0])} and {self.name(things[1])} {PLACES[place]}"
            cases.append(Case("pair", prompt, self.scene(i, place, things, 2)))
        return cases

    def relations(self, count: int) -> list[Case]:
        known, cases = [name for name in self.world.relations if name], []
        for i in range(count if known else 0):
            things, relation = self.two(i), known[i % len(known)]
            prompt = f"{self.name(things[0])} {RELATION_WORDS[relation]} {self.name(things[1])} on a white background"
            cases.append(Case("relation", prompt, self.scene(i, "plain", things, 2, relation=relation)))
        return cases

    def styles(self, count: int) -> list[Case]:
        known, cases = [style for style in self.world.styles if style in STYLE_WORDS], []
        for i in range(count if known else 0):
            style = known[i % len(known)]
            thing = self.thing(i, painted=False)
            prompt = f"{STYLE_WORDS[style]} {self.name(thing)} on a white background"
            cases.append(Case("style", prompt, self.scene(i, "plain", (thing,), style=style)))
        return cases


def article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' and not word.startswith(('uni', 'ufo')) else 'a'} {word}"


def bare(name: str) -> str:
    return name.removeprefix("a ").removeprefix("an ")
