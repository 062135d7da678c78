"""A textual inversion of one subject: `python -m training.tryouts.inversion --preset small`.

Writes <work>/tryouts/velvet-fox.safetensors: two vectors, found from pictures of one purple fox in all places
through the frozen text encoder and UNet, that stand where its name would stand ("a velvet-fox at night").
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from ..run import checkpoints
from ..run.parallel import Gradients, Ranks
from ..run.presets import Options, options, parser
from ..run.problem import run
from ..run.session import Session
from ..run.steps import Batch, Steps, adamw
from ..scenes.captions import Words
from ..scenes.scene import Scene, Thing
from ..tokenizer import load_tokenizer
from ..unet import LEVELS, Batches
from .base import encode_scenes, folder_for, frozen_base

SUBJECT = Thing("fox", "purple", named=False)
# Two tokens that no caption has otherwise; their embeddings are what is learnt, from these words on.
MARKS, STARTS = ("~", "^"), ("white", "fox")
RATE = 5e-3
PICTURES = 2400


class Inverted(nn.Module):
    """A frozen text encoder that reads `vectors` where the marks stand."""

    def __init__(self, encoder: nn.Module, places: list[int], starts: list[int]) -> None:
        super().__init__()
        self.places = places
        embedding = getattr(encoder, "text_model", encoder).embeddings.token_embedding
        self.vectors = nn.Parameter(embedding.weight[starts].detach().clone())
        embedding.register_forward_hook(self.read)
        # Not a part of this module: its weights are neither learnt nor saved.
        self.encoders = [encoder]

    def read(self, _layer: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        for place, vector in zip(self.places, self.vectors):
            output = torch.where((inputs[0] == place)[..., None], vector.to(output.dtype), output)
        return output

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.encoders[0](ids).last_hidden_state


def with_subject(scene: Scene, _: np.random.Generator) -> tuple[Scene, Scene]:
    """The subject alone, twice or with another thing, wherever the scene is."""
    others = [thing for thing in scene.things[1:] if thing.kind != SUBJECT.kind]
    things = (SUBJECT, *others)
    scene = replace(scene, things=things, count=len(things) if len(things) > 1 else max(1, min(scene.count, 2)))
    return scene, scene


def marked(words: Words) -> Words:
    """The words with the marks in place of the subject's name."""
    name = " ".join(MARKS)
    return replace(words, objects=words.objects | {SUBJECT.kind: (name,)}, plurals=words.plurals | {name: name})


def main() -> None:
    train(options(parser("Find a textual inversion of a purple fox for the embedded model.").parse_args()))


def train(chosen: Options) -> None:
    ranks = Ranks(chosen.device, 1)
    base, tokenizer = frozen_base(chosen, ranks), load_tokenizer(chosen.tokenizer)
    places, starts = ([first_id(tokenizer, word) for word in words] for words in (MARKS, STARTS))
    inverted = Inverted(base.text, places, starts).to(ranks.device)
    path = chosen.work / "inversion.pt"
    state = checkpoints.load_if_there(path, "inversion")
    if state:
        checkpoints.fit(inverted, state["weights"], path)
    session = Session("inversion", chosen, ranks, state)
    batches = Batches(encode_scenes(chosen, base, marked(chosen.words), PICTURES, 43, with_subject), chosen, ranks)
    optimizer = adamw([inverted.vectors], RATE, ranks, decay=0.0)
    torch.manual_seed(43 + session.step)

    def loss_of(batch: Batch) -> torch.Tensor:
        with ranks.autocast():
            states = inverted(batch["states"][::LEVELS]).repeat_interleave(LEVELS, 0)
        return batches.loss(base.unet, batch | {"states": states})

    steps = Steps(loss_of, optimizer, Gradients([inverted.vectors], ranks), 1.0)
    unread: Any = lambda ids: SimpleNamespace(last_hidden_state=ids)
    while session.going():
        session.set_rate(optimizer, RATE)
        loss = steps.take(batches.pick(unread, late=True))
        session.stepped(loss, LEVELS * batches.size)
        session.maybe_save(lambda: {"weights": inverted.state_dict()})
    session.finish({"weights": inverted.state_dict()})
    target = folder_for(chosen) / "velvet-fox.safetensors"
    save_file({"emb_params": inverted.vectors.detach().float().contiguous()}, target)
    print(f"inversion: {target}, {target.stat().st_size} bytes")


def first_id(tokenizer: Any, word: str) -> int:
    begin, token, end, *_ = tokenizer.encode(word).ids
    if end != tokenizer.encode("").ids[1] or begin == token:
        raise RuntimeError(f"{word!r} must be one token")
    return int(token)


if __name__ == "__main__":
    run(main)
