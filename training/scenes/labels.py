"""What a scene shows, as numbers: the target of the text encoder and of the judge.

Each label is an index, -1 where the question makes no sense for the scene.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .scene import COLOUR_NAMES, COLOURLESS, TINTED, Scene, World

SIDES = ("", "left", "right")
Labels = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Heads:
    """How many answers each question has; a network's last layer has their sum as its width."""

    objects: int
    colours: int
    background: int
    background_colour: int
    style: int
    count: int
    side: int
    leftmost: int  # of a pair the one that is named first: on the left, above, or in front
    relation: int

    @staticmethod
    def of(world: World) -> "Heads":
        kinds = len(world.objects)
        return Heads(
            objects=kinds,
            colours=kinds * len(COLOUR_NAMES),
            background=len(world.backgrounds),
            background_colour=len(COLOUR_NAMES),
            style=len(world.styles),
            count=world.most + 1,
            side=len(SIDES),
            leftmost=kinds,
            relation=len(world.relations),
        )

    def widths(self) -> dict[str, int]:
        return dict(vars(self))

    @property
    def width(self) -> int:
        return sum(self.widths().values())

    def split(self, output: torch.Tensor) -> dict[str, torch.Tensor]:
        widths = self.widths()
        parts = dict(zip(widths, output.split(list(widths.values()), 1)))
        parts["colours"] = parts["colours"].unflatten(1, (self.objects, len(COLOUR_NAMES)))
        return parts


def labels(scenes: list[Scene], world: World, *, spoken: bool) -> Labels:
    """`spoken`: only what the captions tell; else all that the pictures show."""
    count, heads = len(scenes), Heads.of(world)
    result = {name: torch.full((count,), -1, dtype=torch.long) for name in heads.widths()}
    result["objects"] = torch.zeros(count, heads.objects)
    result["colours"] = torch.full((count, heads.objects), -1, dtype=torch.long)
    backgrounds, styles, relations = tuple(world.backgrounds), tuple(world.styles), tuple(world.relations)
    for i, scene in enumerate(scenes):
        for thing in scene.things:
            kind = world.object_index[thing.kind]
            result["objects"][i, kind] = 1
            if thing.colour and scene.style not in COLOURLESS and (thing.named or not spoken):
                result["colours"][i, kind] = COLOUR_NAMES.index(thing.colour)
        result["background"][i] = backgrounds.index(scene.background)
        result["style"][i] = styles.index(scene.style)
        result["count"][i] = scene.count
        result["side"][i] = SIDES.index(scene.side)
        if scene.background in TINTED and scene.style != "sketch":
            result["background_colour"][i] = COLOUR_NAMES.index(scene.background_colour)
        if len(scene.things) == 2:
            result["leftmost"][i] = world.object_index[scene.things[0].kind]
            result["relation"][i] = relations.index(scene.relation)
    return result


def loss(heads: Heads, output: torch.Tensor, target: Labels) -> torch.Tensor:
    answers = heads.split(output.float())
    total = 6 * F.binary_cross_entropy_with_logits(answers["objects"], target["objects"])
    weights = {"background": 1.0, "background_colour": 1.0, "style": 1.0, "count": 0.5, "side": 0.5, "leftmost": 0.5}
    weights["relation"] = 0.5
    for name, weight in weights.items():
        total = total + weight * cross_entropy(answers[name], target[name])
    return total + cross_entropy(answers["colours"].flatten(0, 1), target["colours"].flatten())


def cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean over the answered questions; 0 when there are none (torch would say NaN)."""
    summed = F.cross_entropy(logits, target, ignore_index=-1, reduction="sum")
    return summed / (target >= 0).sum().clamp_min(1)


def pick_rows(target: Labels, rows: torch.Tensor) -> Labels:
    return {name: values[rows] for name, values in target.items()}
