"""Train the text encoder: `python -m training.text`. Writes <work>/text.pt.

It learns to answer, from a caption, what the scene shows (objects, their colours, place, count,
side …), and is then frozen. Trained jointly with the UNet from nothing it stayed blind to object
words for 130,000 samples; this way objects appear after 20,000.
"""

from typing import Any

import torch
from torch import nn

from . import checkpoints
from .labels import HEADS, WIDTH, loss, pick_rows
from .latents import Latents, read_latents
from .models import build_text_encoder
from .parallel import Gradients, Ranks
from .presets import Options, options, parser
from .problem import run
from .session import Session
from .tokenizer import load_tokenizer

FULL_RATE = 1e-3
BATCH = 64
# Captions are short; most of the 77 places are padding, which costs time and teaches nothing.
LENGTH = 40


class Reader(nn.Module):
    """The text encoder with a linear head on the mean of its end and padding states."""

    def __init__(self, encoder: nn.Module, width: int, end: int) -> None:
        super().__init__()
        self.encoder, self.head, self.end = encoder, nn.Linear(width, WIDTH), end

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        states = self.encoder(ids).last_hidden_state.float()
        ends = (ids == self.end).float()
        ends[:, -1] = 1
        ends = ends / ends.sum(1, keepdim=True)
        return self.head((states * ends[..., None]).sum(1))


def main() -> None:
    train(options(parser("Train the text encoder.").parse_args()))


def train(chosen: Options) -> None:
    preset, ranks = chosen.preset, Ranks(chosen.device, chosen.ranks)
    data = read_latents(chosen.work / "latents")
    size = load_tokenizer(chosen.tokenizer).get_vocab_size()
    reader = Reader(build_text_encoder(preset, size), preset.text_width, size - 1)
    path = chosen.work / "text.pt"
    state = checkpoints.load_if_there(path, "text")
    if state:
        checkpoints.fit(reader.encoder, state["average"], path)
        checkpoints.fit(reader.head, state["head"], path)
    reader.to(ranks.device)
    session = Session("text", chosen, ranks, state)
    learning = [parameter for parameter in reader.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=FULL_RATE, betas=(0.9, 0.99))
    gradients = Gradients(learning, ranks)
    torch.manual_seed(77 + ranks.rank + 1000 * session.step)

    def snapshot() -> dict[str, Any]:
        return {"average": reader.encoder.state_dict(), "head": reader.head.state_dict(), "vocabulary": size}

    while session.going():
        rows, ids = sample(data, BATCH)
        session.set_rate(optimizer, FULL_RATE)
        target = {name: values.to(ranks.device) for name, values in pick_rows(data.labels, rows).items()}
        with ranks.autocast():
            output = reader(ids.to(ranks.device))
        value = loss(output, target)
        value.backward()
        gradients.average(1.0)
        optimizer.step()
        gradients.clear()
        session.stepped(value, BATCH * ranks.count)
        session.maybe_save(snapshot)
    session.finish(snapshot())
    if ranks.first:
        print(f"text: right object words in {accuracy(reader, data, ranks):.1%} of 1,000 captions")


def sample(data: Latents, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows = torch.randint(0, len(data.ids), (count,))
    return rows, data.ids[rows, torch.randint(0, data.ids.shape[1], (count,))].long()[:, :LENGTH]


@torch.no_grad()
def accuracy(reader: Reader, data: Latents, ranks: Ranks) -> float:
    reader.eval()
    rows, ids = sample(data, 1000)
    objects = HEADS.split(reader(ids.to(ranks.device)))["objects"].cpu() > 0
    return (objects == data.labels["objects"][rows].bool()).all(1).float().mean().item()


if __name__ == "__main__":
    run(main)
