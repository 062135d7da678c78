"""Say in English what a scene shows, each time a little differently.

The words come from a JSON file (captions.json in this folder, or your own by `--captions`):
lists of synonyms for each object, colour and place; a word listed twice is used twice as often.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..run.problem import Problem
from .scene import COLOUR_NAMES, COLOURLESS, FULL, SKIES, TINTED, Scene, Thing, World, pick

DEFAULT_WORDS = Path(__file__).with_name("captions.json")
GLOSSY_WORDS = Path(__file__).parents[1] / "glossy" / "captions.json"
Choices = dict[str, tuple[str, ...]]

NUMBERS = {1: ("a", "a", "a", "one", "the", ""), 2: ("two", "two", "2", "a pair of"), 3: ("three", "three", "3"), 4: ("four", "four", "4")}
SIZES = {"small": ("small", "tiny", "little"), "big": ("big", "large", "huge", "giant"), "": ("",)}
PAIRS = (
    "{a} and {b}", "{a} and {b}", "{a} next to {b}", "{a} beside {b}", "{a} with {b}",
    "{a} on the left and {b} on the right", "{b} to the right of {a}", "{a} to the left of {b}",
)  # fmt: skip
RELATED = {
    "above": ("{a} above {b}", "{a} over {b}", "{b} below {a}", "{b} under {a}"),
    "on": ("{a} on {b}", "{a} on top of {b}", "{a} sitting on {b}", "{a} standing on {b}"),
    "front": ("{a} in front of {b}", "{b} behind {a}"),
}
PLAINS = (
    "on a {} background", "{} background", "on a plain {} background", "with a {} background",
    "against {}", "on {}",
)  # fmt: skip
# After these a place needs no comma before it.
LINKS = ("on ", "in ", "at ", "with ", "under ", "by ", "over ", "against ", "among ", "between ", "near ", "while ")


@dataclass(frozen=True)
class Words:
    objects: Choices
    plurals: dict[str, str]
    colours: Choices
    places: Choices
    landscapes: Choices
    skies: Choices
    styles: Choices
    praise: tuple[str, ...]
    uncountable: tuple[str, ...] = ()  # without an article: "fries", "popcorn"


def read_words(path: Path = DEFAULT_WORDS, world: World = FULL) -> Words:
    """Read and check a caption file; a `Problem` names the first entry that does not fit."""
    try:
        data = json.loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise Problem(f"the caption file {path} cannot be read: {error.strerror}.") from error
    except json.JSONDecodeError as error:
        raise Problem(f"the caption file {path} is not JSON: {error}.") from error
    places = tuple(name for name in world.backgrounds if name != "plain")
    skies = tuple(sorted({sky for row in SKIES.values() for sky in row if sky}))
    known = {"objects": world.objects, "colours": COLOUR_NAMES, "places": places, "landscapes": places}
    known |= {"skies": skies, "styles": tuple(world.styles)}
    tables = {name: read_table(path, data, name, keys) for name, keys in known.items()}
    plurals, praise, uncountable = data.get("plurals", {}), data.get("praise", []), data.get("uncountable", [])
    if not isinstance(plurals, dict) or not isinstance(praise, list) or not isinstance(uncountable, list):
        raise Problem(f'{path}: expected an object "plurals" and lists "praise" and "uncountable".')
    return Words(**tables, plurals=plurals, praise=tuple(praise), uncountable=tuple(uncountable))


def read_table(path: Path, data: object, name: str, keys: tuple[str, ...]) -> Choices:
    table = data.get(name) if isinstance(data, dict) else None
    if not isinstance(table, dict):
        raise Problem(f'{path}: expected an object "{name}" with the keys {", ".join(keys)}.')
    for key, words in table.items():
        if key not in keys:
            raise Problem(f'{path}: "{key}" in "{name}" is unknown; the renderer draws {", ".join(keys)}.')
        if not isinstance(words, list) or not words or not all(isinstance(w, str) and w for w in words):
            raise Problem(f'{path}: "{name}"."{key}" must be a list of one or more words, not {words!r}.')
    if missing := [key for key in keys if key not in table]:
        raise Problem(f'{path}: "{name}" has no words for {", ".join(missing)}.')
    return {key: tuple(words) for key, words in table.items()}


def fill(phrase: str, colour: str) -> str:
    """The phrase with the colour in the place of its braces, and the article that goes with it."""
    is_vowel = colour[0] in "aeiou"
    return (phrase.replace("a {}", "an {}") if is_vowel else phrase).format(colour)


class Narrator:
    """Describes scenes with the given words; every choice comes from the generator."""

    def __init__(self, words: Words, rng: np.random.Generator) -> None:
        self.words, self.rng = words, rng

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one_of(self, choices: tuple[str, ...]) -> str:
        return pick(self.rng, choices)

    def caption(self, scene: Scene) -> str:
        subject, place = self.subject(scene), self.place(scene)
        text = self.join(subject, place, has_things=bool(scene.things))
        if scene.sky and self.chance(0.45):
            text = f"{text}{', ' if self.chance(0.5) else ' '}{self.one_of(self.words.skies[scene.sky])}"
        text = self.styled(text, scene.style)
        while self.chance(0.16):
            word = self.one_of(self.words.praise)
            text = f"{text}, {word}" if self.chance(0.7) else f"{word}, {text}"
        if self.chance(0.05):
            text = f"{'a photo of' if self.chance(0.3) else 'a picture of'} {text}"
        if self.chance(0.1):
            text = text[:1].upper() + text[1:] + ("." if self.chance(0.5) else "")
        return text.strip()

    def subject(self, scene: Scene) -> str:
        if not scene.things:
            return ""
        if len(scene.things) == 2:
            first, second = (self.noun(thing, 1, scene) for thing in scene.things)
            return self.one_of(RELATED.get(scene.relation, PAIRS)).format(a=first, b=second)
        text = self.noun(scene.things[0], scene.count, scene)
        if scene.side and not self.chance(0.1):
            text += f" {self.one_of(('on the {}', 'on the {} side', 'to the {}')).format(scene.side)}"
        return text

    def noun(self, thing: Thing, count: int, scene: Scene) -> str:
        word, colour = self.one_of(self.words.objects[thing.kind]), self.colour(thing, scene)
        if thing.kind == "tree" and thing.colour == "pink" and colour and self.chance(0.6):
            word, colour = self.one_of(("cherry tree", "cherry blossom tree")), self.one_of(("", "pink"))
        size = "" if self.chance(0.25) else self.one_of(SIZES[scene.size])
        praise = self.one_of(self.words.praise) if self.chance(0.08) else ""
        if count > 1:
            word = self.plural(word)
        if colour and self.chance(0.06):
            parts = [size, praise, word, f"{self.one_of(('that is', 'in', 'colored'))} {colour}"]
        else:
            parts = [size, praise, colour, word]
        is_bare = count == 1 and word in self.words.uncountable
        text = " ".join(part for part in parts if part)
        article = self.one_of(("", "", "some")) if is_bare else self.one_of(NUMBERS[count])
        if article == "a" and text[0] in "aeiou" and not text.startswith(("uni", "ufo")):
            article = "an"
        return f"{article} {text}".strip()

    def plural(self, word: str) -> str:
        if word in self.words.plurals:
            return self.words.plurals[word]
        *before, last = word.split(" ")
        return " ".join([*before, self.words.plurals.get(last, f"{last}s")])

    def colour(self, thing: Thing, scene: Scene) -> str:
        if scene.style in COLOURLESS:
            return ("black" if scene.style == "silhouette" else "black and white") if self.chance(0.12) else ""
        return self.one_of(self.words.colours[thing.colour]) if thing.named and not self.chance(0.07) else ""

    def place(self, scene: Scene) -> str:
        if scene.background != "plain":
            if scene.things and self.chance(0.08):
                return ""
            is_whole = not scene.things or self.chance(0.15)
            phrases = self.words.landscapes if is_whole else self.words.places
            return self.tinted(self.one_of(phrases[scene.background]), scene)
        if scene.style == "sketch":
            return self.one_of(("on white paper", "on a white background")) if self.chance(0.3) else ""
        if scene.things and self.chance(0.3):
            return ""
        colour = self.one_of(self.words.colours[scene.background_colour])
        return fill(self.one_of(PLAINS if scene.things else ("{} background", "a plain {} background")), colour)

    def tinted(self, phrase: str, scene: Scene) -> str:
        """Names the colour of a background that has one, where its phrase leaves room for it."""
        if scene.background not in TINTED or "{}" not in phrase:
            return phrase
        return fill(phrase, self.one_of(self.words.colours[scene.background_colour]))

    def join(self, subject: str, place: str, *, has_things: bool) -> str:
        if not has_things or not place:
            return subject or place
        if self.chance(0.15):
            return f"{place}, {subject}"
        return f"{subject} {place}" if place.startswith(LINKS) and not self.chance(0.2) else f"{subject}, {place}"

    def styled(self, text: str, style: str) -> str:
        is_usual = style == next(iter(self.words.styles))
        if self.chance(0.7 if is_usual else 0.04):
            return text
        name, way = self.one_of(self.words.styles[style]), self.rng.random()
        article = "an" if name[0] in "aeiou8" else "a"
        if way < 0.35:
            return f"{text}, {name}"
        if way < 0.75:
            return f"{article} {name} of {text}" if way < 0.6 else f"{name} of {text}"
        if way < 0.9 or "style" in name or "with" in name:
            return f"{name}, {text}"
        return f"{text} in {name} style"
