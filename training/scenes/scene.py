"""What a picture shows, before it is drawn or described: the words the model shall know."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (216, 52, 50),
    "orange": (244, 136, 42),
    "yellow": (250, 212, 66),
    "green": (74, 172, 84),
    "blue": (58, 118, 222),
    "purple": (140, 82, 196),
    "pink": (246, 142, 186),
    "white": (244, 244, 246),
    "black": (48, 48, 58),
}
COLOUR_NAMES = tuple(COLOURS)

# The colours an object has when nobody names one.
NATURAL: dict[str, tuple[str, ...]] = {
    "star": ("yellow",),
    "heart": ("red", "red", "pink"),
    "flower": ("red", "pink", "yellow", "purple"),
    "mushroom": ("red",),
    "tree": ("green", "green", "green", "pink", "orange"),
    "house": ("red", "white", "yellow"),
    "boat": ("red", "white", "blue"),
    "fish": ("orange", "blue"),
    "cat": ("orange", "black", "white"),
    "fox": ("orange",),
    "owl": ("purple", "white", "orange"),
    "balloon": ("red", "blue", "yellow"),
    "car": ("red", "blue", "yellow"),
    "rocket": ("red", "white"),
    "umbrella": ("red", "blue", "purple"),
    "butterfly": ("orange", "blue", "purple"),
    "lamp": ("black",),
    "moon": ("yellow", "white"),
}
OBJECTS = tuple(NATURAL)
Look = Literal["drawn", "glossy"]
BACKGROUNDS = ("plain", "meadow", "sunset", "night", "sea", "snow", "forest", "mountains")
STYLES = ("flat", "sticker", "sketch", "pixel")
COLOURLESS = ("sketch", "silhouette")  # styles that show no colour of an object
RELATIONS = ("", "above", "on", "front")
TINTED = ("plain", "gradient", "room")  # backgrounds of any colour
DARK = ("night", "moon")  # nothing black shows there
SKIES: dict[str, tuple[str, ...]] = {
    "meadow": ("sun", "sun", "clouds", ""),
    "sea": ("sun", "clouds", ""),
    "mountains": ("sun", "clouds", ""),
    "night": ("moon", "moon", ""),
    "sunset": ("clouds", ""),
}


@dataclass(frozen=True)
class Thing:
    """One object; `named` says whether the caption may tell its colour. '' is the colour it has by itself."""

    kind: str
    colour: str
    named: bool = True


@dataclass(frozen=True)
class Scene:
    """`things`: none, one kind (then `count` of it), or two different ones (then `count` is 2)."""

    seed: int
    style: str = "flat"
    background: str = "plain"
    background_colour: str = "white"
    sky: str = ""
    things: tuple[Thing, ...] = ()
    count: int = 0
    size: str = ""  # '', 'small' or 'big'
    side: str = ""  # '', 'left' or 'right'
    relation: str = ""  # of a pair, how the first stands to the second: '' is left of it, or see `RELATIONS`
    look: Look = "drawn"


@dataclass(frozen=True)
class World:
    """The concepts one model is trained on, each with its share of the pictures."""

    objects: tuple[str, ...]
    backgrounds: dict[str, float]
    styles: dict[str, float]  # the first one is what a picture has when nobody asks for a style
    kinds: dict[str, float]  # 'empty', 'one', 'some' (up to `most` alike), 'pair' (two kinds)
    asides: float = 0.12  # how often a single object that is not big stands left or right
    look: Look = "drawn"
    most: int = 3
    painted: frozenset[str] | None = None  # objects that come in every colour; all when None
    natural: float = 0.0  # how often an object keeps the colour it has by itself, unnamed
    relations: dict[str, float] = field(default_factory=lambda: {"": 1.0})

    @cached_property
    def object_index(self) -> dict[str, int]:
        return {kind: i for i, kind in enumerate(self.objects)}

    def paints(self, kind: str) -> bool:
        return self.painted is None or kind in self.painted


SMALL = World(
    objects=OBJECTS[:12],
    backgrounds=dict(zip(BACKGROUNDS, (0.30, 0.15, 0.13, 0.16, 0.13, 0.13))),
    styles={"flat": 1.0},
    kinds={"empty": 0.03, "one": 0.77, "some": 0.09, "pair": 0.11},
)
FULL = World(
    objects=OBJECTS,
    backgrounds=dict(zip(BACKGROUNDS, (0.20, 0.13, 0.12, 0.14, 0.12, 0.10, 0.10, 0.09))),
    styles={"flat": 0.73, "sticker": 0.08, "sketch": 0.09, "pixel": 0.10},
    kinds={"empty": 0.03, "one": 0.62, "some": 0.14, "pair": 0.21},
)


def pick(rng: np.random.Generator, choices: dict[str, float] | tuple[str, ...]) -> str:
    """One of `choices`, by their shares when they have any."""
    names = tuple(choices)
    if not isinstance(choices, dict):
        return names[int(rng.integers(len(names)))]
    shares = np.array(list(choices.values()))
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def sample_scene(rng: np.random.Generator, world: World) -> Scene:
    """A scene of that world; the same generator state gives the same scene."""
    style = pick(rng, world.styles)
    background = pick(rng, world.backgrounds)
    background_colour = pick(rng, COLOUR_NAMES)
    if style == "sketch":
        background, background_colour = "plain", "white"
    elif style == "silhouette" and background in DARK:
        background = "sunset"
    elif style == "sticker" and rng.random() < 0.7:
        background = "plain"
    kind = pick(rng, world.kinds)
    if kind == "empty" and style in ("sketch", "sticker", "silhouette"):
        kind = "one"
    things = sample_things(rng, world, kind)
    count = {"empty": 0, "one": 1, "pair": 2}.get(kind) if kind != "some" else int(rng.integers(2, world.most + 1))
    size = pick(rng, ("small", "", "", "", "big")) if count == 1 else ""
    side = pick(rng, ("left", "right")) if count == 1 and size != "big" and rng.random() < world.asides else ""
    relation = pick(rng, world.relations) if kind == "pair" and len(world.relations) > 1 else ""
    return Scene(
        seed=int(rng.integers(1 << 31)),
        style=style,
        background=background,
        background_colour=background_colour,
        sky=pick(rng, SKIES.get(background, ("",))),
        things=things,
        count=count or 0,
        size=size,
        side=side,
        relation=relation,
        look=world.look,
    )


def sample_things(rng: np.random.Generator, world: World, kind: str) -> tuple[Thing, ...]:
    if kind == "empty":
        return ()
    first = sample_thing(rng, world, world.objects)
    if kind != "pair":
        return (first,)
    others = tuple(name for name in world.objects if name != first.kind)
    return (first, sample_thing(rng, world, others))


def sample_thing(rng: np.random.Generator, world: World, kinds: tuple[str, ...]) -> Thing:
    kind = pick(rng, kinds)
    if world.look == "glossy":
        is_painted = world.paints(kind) and rng.random() >= world.natural
        return Thing(kind, pick(rng, COLOUR_NAMES) if is_painted else "", named=is_painted)
    if rng.random() < 0.25:
        return Thing(kind, pick(rng, NATURAL[kind]), named=bool(rng.random() < 0.5))
    return Thing(kind, pick(rng, COLOUR_NAMES))
