"""What a scene shows, as numbers: the target of the text encoder and of the judge.

Each label is an index, -1 where the question makes no sense for the scene.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .scene import BACKGROUNDS, COLOUR_NAMES, OBJECTS, STYLES, Scene

SIDES = ("", "left", "right")
COUNTS = 4
Labels = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Heads:
    """How many answers each question has; a network's last layer has their sum as its width."""

    objects: int = len(OBJECTS)
    colours: int = len(OBJECTS) * len(COLOUR_NAMES)
    background: int = len(BACKGROUNDS)
    background_colour: int = len(COLOUR_NAMES)
    style: int = len(STYLES)
    count: int = COUNTS
    side: int = len(SIDES)
    leftmost: int = len(OBJECTS)

    def widths(self) -> dict[str, int]:
        return dict(vars(self))

    def split(self, output: torch.Tensor) -> dict[str, torch.Tensor]:
        widths = self.widths()
        parts = dict(zip(widths, output.split(list(widths.values()), 1)))
        parts["colours"] = parts["colours"].unflatten(1, (len(OBJECTS), len(COLOUR_NAMES)))
        return parts


HEADS = Heads()
WIDTH = sum(HEADS.widths().values())


def labels(scenes: list[Scene], *, spoken: bool) -> Labels:
    """`spoken`: only what the captions tell; else all that the pictures show."""
    count = len(scenes)
    result = {name: torch.full((count,), -1, dtype=torch.long) for name in HEADS.widths()}
    result["objects"] = torch.zeros(count, len(OBJECTS))
    result["colours"] = torch.full((count, len(OBJECTS)), -1, dtype=torch.long)
    for i, scene in enumerate(scenes):
        sketch = scene.style == "sketch"
        for thing in scene.things:
            kind = OBJECTS.index(thing.kind)
            result["objects"][i, kind] = 1
            if not sketch and (thing.named or not spoken):
                result["colours"][i, kind] = COLOUR_NAMES.index(thing.colour)
        result["background"][i] = BACKGROUNDS.index(scene.background)
        result["style"][i] = STYLES.index(scene.style)
        result["count"][i] = scene.count
        result["side"][i] = SIDES.index(scene.side)
        if scene.background == "plain" and not sketch:
            result["background_colour"][i] = COLOUR_NAMES.index(scene.background_colour)
        if len(scene.things) == 2:
            result["leftmost"][i] = OBJECTS.index(scene.things[0].kind)
    return result


def loss(output: torch.Tensor, target: Labels) -> torch.Tensor:
    answers = HEADS.split(output.float())
    total = 6 * F.binary_cross_entropy_with_logits(answers["objects"], target["objects"])
    weights = {"background": 1.0, "background_colour": 1.0, "style": 1.0, "count": 0.5, "side": 0.5, "leftmost": 0.5}
    for name, weight in weights.items():
        total = total + weight * cross_entropy(answers[name], target[name])
    return total + cross_entropy(answers["colours"].flatten(0, 1), target["colours"].flatten())


def cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean over the answered questions; 0 when there are none (torch would say NaN)."""
    summed = F.cross_entropy(logits, target, ignore_index=-1, reduction="sum")
    return summed / (target >= 0).sum().clamp_min(1)


def pick_rows(target: Labels, rows: torch.Tensor) -> Labels:
    return {name: values[rows] for name, values in target.items()}
