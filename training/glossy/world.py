"""The glossy world: what the third edition knows, and how often each thing is shown."""

from ..scenes.scene import World
from .concepts import CONCEPTS

GLOSSY = World(
    objects=tuple(CONCEPTS),
    backgrounds={
        "plain": 0.16, "gradient": 0.12, "room": 0.06, "table": 0.06, "meadow": 0.07, "sunset": 0.06, "night": 0.07,
        "sea": 0.06, "snow": 0.06, "forest": 0.05, "mountains": 0.05, "beach": 0.05, "desert": 0.04, "moon": 0.05,
        "underwater": 0.04, "sky": 0.05,
    },
    styles={"glossy": 0.74, "night": 0.04, "watercolour": 0.06, "sketch": 0.06, "pixel": 0.06, "silhouette": 0.04},
    kinds={"empty": 0.02, "one": 0.56, "some": 0.12, "pair": 0.3},
    asides=0.25,
    look="glossy",
    most=4,
    painted=frozenset(kind for kind, concept in CONCEPTS.items() if concept.paint),
    natural=0.4,
    relations={"": 0.46, "above": 0.18, "on": 0.18, "front": 0.18},
)  # fmt: skip
