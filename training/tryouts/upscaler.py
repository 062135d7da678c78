"""A tiny x2 upscaler: `python -m training.tryouts.upscaler --preset small`. Writes <work>/tryouts/demo-x2.onnx.

One input "input" [n, 3, h, w] and one output "output" [n, 3, 2h, 2w], RGB in 0 … 1, as ESRGAN's exports have
them; the layout is Real-ESRGAN's compact one (3x3 convolutions with PReLU, a pixel shuffle, the enlarged input
added). It learns from renders at twice the model's size: what it is given is the small render, shrunk or drawn
small, half of them through the model's own VAE.
"""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from torch import nn

from ..export import OPSET, quieten
from ..exported.compact import compact
from ..glossy.world import GLOSSY
from ..render.pictures import draw
from ..render.render import render, sheet
from ..run import checkpoints
from ..run.parallel import Gradients, Ranks
from ..run.presets import Options, options, parser
from ..run.problem import Problem, run
from ..run.session import Session
from ..run.steps import Batch, Steps, adamw
from ..scenes.scene import SMALL, Scene, World, sample_scene
from ..unet import trained_vae
from .base import folder_for

WIDTH, LAYERS = 32, 6
RATE = 2e-3
# The model's own flat pictures, and some glossy ones, so that it is of use for other models too.
PICTURES = ((SMALL, 500), (GLOSSY, 300))
CROP, BATCH = 48, 8
HELD_OUT_SEED, HELD_OUT = 909, 48
TOLERANCE = 2e-2


class Upscaler(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, 1, 1), nn.PReLU(WIDTH)]
        for _ in range(LAYERS):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, 1, 1), nn.PReLU(WIDTH)]
        last = nn.Conv2d(WIDTH, 12, 3, 1, 1)
        # With the library's own start the input has faded after three layers, and nothing is learnt.
        for layer in (*layers, last):
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.25)
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            last.weight.mul_(0.01)
        self.body = nn.Sequential(*layers, last, nn.PixelShuffle(2))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(images - 0.5) + F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)


def main() -> None:
    train(options(parser("Train a tiny upscaler.").parse_args()))


def train(chosen: Options) -> None:
    ranks, net = Ranks(chosen.device, 1), Upscaler()
    path = chosen.work / "upscaler.pt"
    state = checkpoints.load_if_there(path, "upscaler")
    if state:
        checkpoints.fit(net, state["weights"], path)
    net.to(ranks.device, memory_format=torch.channels_last)
    session = Session("upscaler", chosen, ranks, state)
    small, large = examples(chosen, ranks)
    optimizer = adamw(net.parameters(), RATE, ranks, decay=0.0)
    torch.manual_seed(47 + session.step)

    def loss_of(batch: Batch) -> torch.Tensor:
        difference = net(batch["small"]) - batch["large"]
        edges = difference.diff(dim=3).abs().mean() + difference.diff(dim=2).abs().mean()
        return difference.abs().mean() + 0.5 * edges

    steps = Steps(loss_of, optimizer, Gradients(net.parameters(), ranks), 1.0)
    while session.going():
        session.set_rate(optimizer, RATE)
        session.stepped(steps.take(crops(small, large)), BATCH)
        session.maybe_save(lambda: {"weights": net.state_dict()})
    session.finish({"weights": net.state_dict()})
    export(net.cpu().eval(), chosen)


@torch.no_grad()
def examples(chosen: Options, ranks: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 [n, 3, s, s] and [n, 3, 2s, 2s]."""
    vae, size, small, large = trained_vae(chosen).to(ranks.device), chosen.preset.image_size, [], []
    for seed, (world, count) in enumerate(PICTURES):
        for scenes, pictures in draw(world, 2 * size, count, 50 + seed, processes=1):
            wide = torch.from_numpy(pictures).permute(0, 3, 1, 2)
            shrunk = F.avg_pool2d(wide.float(), 2).round().byte()
            drawn = torch.from_numpy(np.stack([render(scene, size, size) for scene in scenes])).permute(0, 3, 1, 2)
            narrow = torch.where((torch.arange(len(scenes)) % 2 == 0)[:, None, None, None], shrunk, drawn)
            # The VAE knows flat pictures; what it makes of others teaches nothing.
            through = slice(0, len(scenes) // 2 if world is SMALL else 0)
            narrow[through] = through_vae(vae, narrow[through])
            small.append(narrow)
            large.append(wide)
    return torch.cat(small).to(ranks.device), torch.cat(large).to(ranks.device)


def through_vae(vae: Any, pictures: torch.Tensor) -> torch.Tensor:
    if len(pictures) == 0:
        return pictures
    device = next(vae.parameters()).device
    decoded = vae.decode(vae.encode(pictures.to(device).float() / 127.5 - 1).latent_dist.mean).sample
    return ((decoded.clamp(-1, 1) + 1) * 127.5).round().byte().cpu()


def crops(small: torch.Tensor, large: torch.Tensor) -> Batch:
    rows = torch.randint(0, len(small), (BATCH,)).tolist()
    corners = torch.randint(0, small.shape[-1] - CROP + 1, (BATCH, 2)).tolist()
    narrow = [small[row, :, y : y + CROP, x : x + CROP] for row, (y, x) in zip(rows, corners)]
    wide = [
        large[row, :, 2 * y : 2 * (y + CROP), 2 * x : 2 * (x + CROP)] for row, (y, x) in zip(rows, corners)
    ]
    turned = bool(torch.rand(1) < 0.5)
    batch = {"small": torch.stack(narrow).float() / 255, "large": torch.stack(wide).float() / 255}
    flipped = {name: images.flip(3) if turned else images for name, images in batch.items()}
    return {name: images.contiguous(memory_format=torch.channels_last) for name, images in flipped.items()}


@torch.no_grad()
def export(net: Upscaler, chosen: Options) -> None:
    quieten()
    target = folder_for(chosen) / "demo-x2.onnx"
    axes = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        net,
        (torch.rand(1, 3, 64, 64),),
        str(target),
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": axes, "output": axes},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(target)
    compact(model, "fp16")
    onnx.checker.check_model(model)
    onnx.save(model, target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    worst = 0.0
    for shape in ((1, 3, 40, 56), (2, 3, 33, 17)):
        images = torch.rand(shape)
        found = session.run(None, {"input": images.numpy()})[0]
        worst = max(worst, float(np.abs(found - net(images).numpy()).max()))
    if worst > TOLERANCE:
        raise Problem(f"the exported upscaler differs from PyTorch by {worst:.3g}; something is wrong with the graph.")
    for name, world in (("flat", SMALL), ("glossy", GLOSSY)):
        report(net, chosen, name, world)
    print(f"upscaler: {target}, {target.stat().st_size / 1e6:.2f} MB, at most {worst:.1e} from PyTorch")


def report(net: Upscaler, chosen: Options, name: str, world: World) -> None:
    """dB on new pictures beside bicubic enlargement, and a sheet: bicubic, ours, the truth."""
    size, rng = chosen.preset.image_size, np.random.default_rng(HELD_OUT_SEED)
    scenes: list[Scene] = [sample_scene(rng, world) for _ in range(HELD_OUT)]
    narrow = torch.from_numpy(np.stack([render(scene, size, size) for scene in scenes])).permute(0, 3, 1, 2)
    if world is SMALL:
        narrow = through_vae(trained_vae(chosen), narrow)
    truth = torch.from_numpy(np.stack([render(scene, 2 * size, 2 * size) for scene in scenes])).permute(0, 3, 1, 2)
    images, wanted = narrow.float() / 255, truth.float() / 255
    cubic = F.interpolate(images, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)
    ours = net(images).clamp(0, 1)
    values = [10 * float(torch.log10(1 / (made - wanted).square().mean())) for made in (cubic, ours)]
    print(f"upscaler: {name} {values[1]:.2f} dB, bicubic {values[0]:.2f} dB, on new pictures")
    rows = [picture for made in (cubic, ours, wanted) for picture in made[:6]]
    pictures = [(picture.permute(1, 2, 0) * 255).round().byte().numpy() for picture in rows]
    sheet(pictures, 6).save(folder_for(chosen) / f"upscaler-{name}.png")


if __name__ == "__main__":
    run(main)
