"""The things of the glossy world: which emoji each one is, and where it stands."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Stand = Literal["ground", "air", "water"]


@dataclass(frozen=True)
class Concept:
    """`emoji`: its name in unicode-emoji-json. `paint`: it comes in every colour, not only in its own.
    `crop`: the share of its height to cut off below, where the emoji brings water along.
    """

    emoji: str
    stands: Stand
    paint: bool
    crop: float = 0.0


def read_concepts() -> dict[str, Concept]:
    entries = json.loads(Path(__file__).with_name("concepts.json").read_text(encoding="utf8"))
    return {kind: Concept(**entry) for kind, entry in entries.items()}


CONCEPTS = read_concepts()
