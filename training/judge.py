"""Train the judge of pictures: `python -m training.judge`. Writes <work>/judge.pt.

A small convolutional network that answers what a picture shows. It sees nothing but the renderer's
pictures (blurred, noisy, shifted ones too) and is tested on renders of a held-out seed.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .render.pictures import draw
from .run import checkpoints
from .run.parallel import Gradients, Ranks
from .run.presets import Options, Preset, options, parser
from .run.problem import run
from .run.session import Session
from .scenes.labels import Heads, Labels, labels, loss, pick_rows

FULL_RATE = 2e-3
BATCH = 48
PICTURES = 32_000
HELD_OUT = 1200
HELD_OUT_SEED = 901
SIDE = 64


class Judge(nn.Module):
    """float [n, 3, 64, 64] in [-1, 1] -> the answers of `labels.Heads`, one row a picture.

    What colour an object has is asked where that object is: each kind of object looks at the picture
    with a map of its own. From the picture's mean and maxima alone, one pair of colours in seven went
    to the wrong objects, on renders too.
    """

    def __init__(self, heads: Heads) -> None:
        super().__init__()
        self.heads = heads

        def layer(inputs: int, outputs: int, stride: int) -> nn.Sequential:
            convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

        self.features = nn.Sequential(
            layer(3, 32, 2), layer(32, 64, 2), layer(64, 64, 1), layer(64, 96, 2), layer(96, 128, 1)
        )
        kinds, colours = heads.objects, heads.colours // heads.objects
        self.looks = nn.Conv2d(128, kinds, 1)
        self.kinds = nn.Parameter(torch.zeros(kinds, 64))
        self.seen = nn.Linear(128, 64)
        self.colour = nn.Linear(64, colours)
        # The left, middle and right thirds apart: sides and neighbours are questions too.
        self.head = nn.Sequential(nn.Linear(128 * 5, 256), nn.ReLU(), nn.Linear(256, heads.width - heads.colours))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.features(images)
        thirds = F.adaptive_max_pool2d(maps, (1, 3)).flatten(1)
        rest = self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3)), thirds], 1))
        where = self.looks(maps).flatten(2).softmax(2)
        looked = where @ maps.flatten(2).transpose(1, 2)
        colours = self.colour(F.relu(self.seen(looked) + self.kinds)).flatten(1)
        return torch.cat([rest[:, : self.heads.objects], colours, rest[:, self.heads.objects :]], 1)


def prepare(pictures: np.ndarray) -> torch.Tensor:
    """uint8 [n, h, w, 3] -> what the judge sees, float [n, 3, 64, 64] in [-1, 1]."""
    return brighten(shrink(pictures))


def shrink(pictures: np.ndarray) -> torch.Tensor:
    """uint8 [n, h, w, 3] -> uint8 [n, 3, 64, 64]: tens of thousands of them are kept at once."""
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    return F.adaptive_avg_pool2d(images, SIDE).round().byte()


def brighten(images: torch.Tensor) -> torch.Tensor:
    return images.float() / 127.5 - 1


def main() -> None:
    train(options(parser("Train the judge of pictures.").parse_args()))


def train(chosen: Options) -> Judge:
    preset, ranks = chosen.preset, Ranks(chosen.device, 1)
    path, judge = chosen.work / "judge.pt", Judge(Heads.of(preset.world))
    state = checkpoints.load_if_there(path, "judge")
    if state:
        checkpoints.fit(judge, state["weights"], path)
    judge.to(ranks.device, memory_format=torch.channels_last)
    session = Session("judge", chosen, ranks, state)
    images, target = renders(preset, min(PICTURES, 8 * preset.pictures), 2, ranks)
    images, target = images.to(ranks.device), {name: values.to(ranks.device) for name, values in target.items()}
    count = preset.batch(BATCH, chosen.device)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=FULL_RATE, weight_decay=0.01)
    gradients = Gradients(judge.parameters(), ranks)

    def snapshot() -> dict[str, Any]:
        return {"weights": judge.state_dict()}

    while session.going():
        rows = torch.randint(0, len(images), (count,), device=ranks.device)
        session.set_rate(optimizer, FULL_RATE)
        batch = spoil(brighten(images[rows])).contiguous(memory_format=torch.channels_last)
        told = pick_rows(target, rows)
        with ranks.autocast():
            answers = judge(batch)
        value = loss(judge.heads, answers, told)
        value.backward()
        gradients.average(5.0)
        optimizer.step()
        gradients.clear()
        session.stepped(value, count)
        session.maybe_save(snapshot)
    session.finish(snapshot())
    for question, share in honesty(judge, preset, ranks).items():
        print(f"judge: {question} {share:.1%} right on held-out renders")
    return judge.cpu().eval()


def renders(preset: Preset, count: int, seed: int, ranks: Ranks) -> tuple[torch.Tensor, Labels]:
    """New pictures, uint8 [n, 3, 64, 64], half of them pairs: those are hard to judge."""
    world = replace(preset.world, kinds={"empty": 0.02, "one": 0.3, "some": 0.18, "pair": 0.5})
    processes = 1 if ranks.device.type == "cpu" else None
    scenes, images = [], []
    for chunk, pictures in draw(world, preset.image_size, count, seed, processes):
        scenes += chunk
        images.append(shrink(pictures))
    return torch.cat(images), labels(scenes, world, spoken=False)


def spoil(images: torch.Tensor) -> torch.Tensor:
    """Blur, noise and small shifts: what generated pictures have and renders lack."""
    if torch.rand(1) < 0.5:
        blurred = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2, mode="bilinear")
        images = images.lerp(blurred, float(torch.rand(1)))
    shift = torch.randint(-3, 4, (2,)).tolist()
    images = F.pad(images, (3, 3, 3, 3), mode="replicate")
    images = images[:, :, 3 + shift[0] : 67 + shift[0], 3 + shift[1] : 67 + shift[1]]
    strength = 0.08 * torch.rand(len(images), 1, 1, 1, device=images.device)
    return images + strength * torch.randn_like(images)


@torch.no_grad()
def honesty(judge: Judge, preset: Preset, ranks: Ranks) -> dict[str, float]:
    """The share of right answers on renders that no training has seen."""
    judge.eval()
    images, told = renders(preset, HELD_OUT, HELD_OUT_SEED, ranks)
    answers = {name: part.cpu() for name, part in judge.heads.split(judge(brighten(images.to(ranks.device)))).items()}
    kinds = told["objects"].sum(1)
    asked = told["objects"].bool()
    right = {"object": ((answers["objects"] > 0) == asked).all(1)}
    colours = answers["colours"].argmax(2) == told["colours"]
    coloured = ((told["colours"] >= 0) | ~asked).all(1)
    for number, name in ((1, "colour"), (2, "both colours")):
        right[name] = (colours | ~asked).all(1)[coloured & (kinds == number)]
    for name in ("background", "background_colour", "style", "count", "side", "leftmost", "relation"):
        asked = told[name] >= 0
        right[name] = answers[name].argmax(1)[asked] == told[name][asked]
    return {name: values.float().mean().item() for name, values in right.items()}


def load_judge(chosen: Options) -> Judge:
    path = chosen.work / "judge.pt"
    state, judge = checkpoints.load(path, "judge"), Judge(Heads.of(chosen.preset.world))
    checkpoints.fit(judge, state["weights"], path)
    return judge.eval()


if __name__ == "__main__":
    run(main)
