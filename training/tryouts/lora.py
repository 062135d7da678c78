"""A LoRA that turns every prompt into a line drawing: `python -m training.tryouts.lora --preset small`.

Writes <work>/tryouts/lineart.safetensors: kohya's names, fp16, for attention layers and the convolutions of
the residual blocks (LoCon). Its pictures are the renderer's own sketches on white paper; its captions tell the
scene as if it were in colour, so that the style needs no word.
"""

from dataclasses import replace
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
from ..run.steps import Steps, adamw
from ..scenes.scene import Scene
from ..unet import Batches
from .base import encode_scenes, folder_for, frozen_base

RANK = 8
RATE = 2e-3
PICTURES = 2400


class Branches(nn.ModuleDict):
    """Low-rank branches beside the layers of a frozen UNet: W·x + up(down(x))."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        for path, layer in unet.named_modules():
            if isinstance(layer, nn.Linear) and "attentions" in path:
                down = nn.Linear(layer.in_features, RANK, bias=False)
                up: nn.Module = nn.Linear(RANK, layer.out_features, bias=False)
            elif isinstance(layer, nn.Conv2d) and path.endswith((".conv1", ".conv2")):
                down = nn.Conv2d(layer.in_channels, RANK, 3, layer.stride, 1, bias=False)
                up = nn.Conv2d(RANK, layer.out_channels, 1, bias=False)
            else:
                continue
            nn.init.zeros_(up.weight)
            self[path.replace(".", "_")] = nn.Sequential(down, up)
            layer.register_forward_hook(self.beside(path.replace(".", "_")))

    def beside(self, name: str) -> Any:
        return lambda _layer, inputs, output: output + self[name](inputs[0])

    def tensors(self) -> dict[str, torch.Tensor]:
        """By the names that kohya's trainer gives them."""
        result = {}
        for name, pair in self.items():
            result[f"lora_unet_{name}.lora_down.weight"] = pair[0].weight.detach().half().contiguous()
            result[f"lora_unet_{name}.lora_up.weight"] = pair[1].weight.detach().half().contiguous()
            result[f"lora_unet_{name}.alpha"] = torch.tensor(float(RANK), dtype=torch.float16)
        return result


def as_sketch(scene: Scene, _: np.random.Generator) -> tuple[Scene, Scene]:
    sketch = replace(scene, style="sketch", background="plain", background_colour="white")
    return sketch, scene


def on_white(pictures: np.ndarray) -> np.ndarray:
    """Grey, the paper white: the renderer tints it a little, and guidance would make much of that."""
    grey = pictures.astype(np.float32).mean(3, keepdims=True)
    paper = np.percentile(grey, 75, axis=(1, 2, 3), keepdims=True)
    return np.clip(grey / paper * 255, 0, 255).round().astype(np.uint8).repeat(3, 3)


def main() -> None:
    train(options(parser("Train a LoRA of line drawings for the embedded model.").parse_args()))


def train(chosen: Options) -> None:
    ranks = Ranks(chosen.device, 1)
    base = frozen_base(chosen, ranks)
    branches = Branches(base.unet).to(ranks.device)
    path = chosen.work / "lora.pt"
    state = checkpoints.load_if_there(path, "lora")
    if state:
        checkpoints.fit(branches, state["weights"], path)
    session = Session("lora", chosen, ranks, state)
    data = encode_scenes(chosen, base, chosen.words, PICTURES, 41, as_sketch, on_white)
    batches = Batches(data, chosen, ranks)
    optimizer = adamw(branches.parameters(), RATE, ranks, decay=0.0)
    torch.manual_seed(41 + session.step)
    gradients = Gradients(branches.parameters(), ranks)
    steps = Steps(lambda batch: batches.loss(base.unet, batch), optimizer, gradients, 1.0)
    while session.going():
        session.set_rate(optimizer, RATE)
        loss = steps.take(batches.pick(base.text, late=True))
        session.stepped(loss, 2 * batches.size)
        session.maybe_save(lambda: {"weights": branches.state_dict()})
    session.finish({"weights": branches.state_dict()})
    target = folder_for(chosen) / "lineart.safetensors"
    save_file(branches.tensors(), target, {"ss_output_name": "lineart", "ss_network_dim": str(RANK)})
    print(f"lora: {target}, {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    run(main)
