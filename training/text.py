"""Train the text encoder: `python -m training.text`. Writes <work>/text.pt.

It learns to answer, from a caption, what the scene shows (objects, their colours, place, count,
side …), and is then frozen. Trained jointly with the UNet from nothing it stayed blind to object
words for 130,000 samples; this way objects appear after 20,000.

A UNet reads the states of the encoder it was trained with. When there is one, the states stay near to
what they were while the encoder learns more.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from .networks.models import TOKENS, build_text_encoder
from .run import checkpoints
from .run.parallel import Gradients, Ranks
from .run.presets import Options, options, parser
from .run.problem import run
from .run.session import Session
from .scenes.captions import Narrator
from .scenes.labels import Heads, Labels, labels, loss, pick_rows
from .scenes.scene import sample_scene
from .tokenizer import load_tokenizer

FULL_RATE = 1e-3
# How much it counts that the states which a UNet knows stay, and how often all 77 places are looked at.
KEEPING = 3.0
WHOLE_EVERY = 4
BATCH = 64
SCENES = 60_000
HELD_OUT_SEED = 902
HELD_OUT = 2000
# Captions are short; most of the 77 places are padding, which costs time and teaches nothing.
LENGTH = 40


class Reader(nn.Module):
    """The text encoder with a linear head on the mean of its end and padding states."""

    def __init__(self, encoder: nn.Module, width: int, end: int, heads: Heads) -> None:
        super().__init__()
        self.heads, self.end = heads, end
        self.encoder, self.head = encoder, nn.Linear(width, heads.width)

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The answers, and the states they come from."""
        states = self.encoder(ids).last_hidden_state.float()
        ends = (ids == self.end).float()
        ends[:, -1] = 1
        ends = ends / ends.sum(1, keepdim=True)
        return self.head((states * ends[..., None]).sum(1)), states


@dataclass(frozen=True)
class Readings:
    """Captions as token ids int16 [n, 77] and what they tell."""

    ids: torch.Tensor
    told: Labels

    def on(self, device: torch.device) -> "Readings":
        return Readings(self.ids.to(device), {name: values.to(device) for name, values in self.told.items()})

    def sample(self, count: int, length: int) -> tuple[torch.Tensor, Labels]:
        rows = torch.randint(0, len(self.ids), (count,), device=self.ids.device)
        return self.ids[rows, :length].long(), pick_rows(self.told, rows)


def read_scenes(chosen: Options, seed: int, count: int) -> Readings:
    rng = np.random.default_rng(seed)
    scenes = [sample_scene(rng, chosen.preset.lessons) for _ in range(count)]
    narrator, tokenizer = Narrator(chosen.words, rng), load_tokenizer(chosen.tokenizer)
    codes = tokenizer.encode_batch([narrator.caption(scene) for scene in scenes])
    return Readings(
        torch.tensor([code.ids for code in codes], dtype=torch.int16), labels(scenes, chosen.preset.world, spoken=True)
    )


def main() -> None:
    train(options(parser("Train the text encoder.").parse_args()))


def train(chosen: Options) -> None:
    preset, ranks = chosen.preset, Ranks(chosen.device, chosen.ranks)
    size = load_tokenizer(chosen.tokenizer).get_vocab_size()
    path = chosen.work / "text.pt"
    state = checkpoints.load_if_there(path, "text")
    unet_state = checkpoints.load_if_there(chosen.work / "unet.pt", "unet")
    reader = Reader(build_text_encoder(preset, size), preset.text_width, size - 1, Heads.of(preset.world))
    if state:
        checkpoints.fit(reader.encoder, state["average"], path)
    # A restored encoder comes without the head.
    if state and "head" in state:
        checkpoints.fit(reader.head, state["head"], path)
    original = build_text_encoder(preset, size).eval().requires_grad_(False) if unet_state else None
    if original:
        checkpoints.fit(original, unet_state["text"], chosen.work / "unet.pt")
        original.to(ranks.device)
    reader.to(ranks.device)
    session = Session("text", chosen, ranks, state)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=FULL_RATE, betas=(0.9, 0.99))
    gradients = Gradients(reader.parameters(), ranks)
    torch.manual_seed(77 + ranks.rank + 1000 * session.step)
    readings = read_scenes(chosen, 300 + ranks.rank, SCENES // ranks.count).on(ranks.device)
    batch = preset.batch(BATCH, chosen.device)

    def snapshot() -> dict[str, Any]:
        return {"average": reader.encoder.state_dict(), "head": reader.head.state_dict(), "vocabulary": size}

    while session.going():
        ids, told = readings.sample(batch, TOKENS if original and session.step % WHOLE_EVERY == 0 else LENGTH)
        session.set_rate(optimizer, FULL_RATE)
        with ranks.autocast():
            answers, states = reader(ids)
            before = original(ids).last_hidden_state.float() if original else states
        value = loss(reader.heads, answers, told)
        value = value + KEEPING * (states - before).square().mean()
        value.backward()
        gradients.average(1.0)
        optimizer.step()
        gradients.clear()
        session.stepped(value, batch * ranks.count)
        session.maybe_save(snapshot)
    session.finish(snapshot())
    if ranks.first:
        for question, share in accuracy(reader, read_scenes(chosen, HELD_OUT_SEED, HELD_OUT), ranks).items():
            print(f"text: {question} {share:.1%} right from new captions")


@torch.no_grad()
def accuracy(reader: Reader, readings: Readings, ranks: Ranks) -> dict[str, float]:
    """The share of right answers to each question, where a caption answers it."""
    reader.eval()
    outputs = torch.cat([reader(ids.long().to(ranks.device))[0].cpu() for ids in readings.ids.split(200)])
    answers, told = reader.heads.split(outputs), readings.told
    right = {"objects": ((answers["objects"] > 0) == told["objects"].bool()).all(1)}
    asked = told["colours"] >= 0
    colours = ((answers["colours"].argmax(2) == told["colours"]) | ~asked).all(1)
    right |= {name: colours[asked.sum(1) == count] for name, count in (("colour", 1), ("both colours", 2))}
    for name in ("background", "background_colour", "count", "side", "leftmost", "relation"):
        right[name] = (answers[name].argmax(1) == told[name])[told[name] >= 0]
    return {name: values.float().mean().item() for name, values in right.items()}


if __name__ == "__main__":
    run(main)
