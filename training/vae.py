"""Train the autoencoder: `python -m training.vae`. Writes <work>/vae.pt.

Loss: L1 + 2·L2 + gradient and low-pass terms, and a KL term so weak that it only keeps the
latents bounded. Small crops first (32 px, then 64 px): the network is convolutional, so it learns
nearly the same from crops and sees many more pictures. Nearly: group normalisation looks at the
whole picture, and what is left to gain lies in thin lines. `--finish` therefore goes on from good
weights with whole pictures and more weight on L2.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from .networks.models import Average, build_vae
from .render.pictures import draw
from .render.render import sheet
from .run import checkpoints
from .run.parallel import Gradients, Ranks
from .run.presets import Options, Preset, options, parser
from .run.problem import run
from .run.session import Session
from .run.steps import Batch, Steps, adamw, take_up

KL_WEIGHT = 3e-5
FULL_RATE = 2.5e-3
FINISH_RATE = 2.5e-4
PICTURES = 3000
HELD_OUT_SEED = 900


def main() -> None:
    arguments = parser("Train the autoencoder.")
    arguments.add_argument(
        "--decoder-only", action="store_true", help="keep the latents, and so a UNet trained on them, valid"
    )
    arguments.add_argument("--finish", action="store_true", help="whole pictures, for weights that are good already")
    parsed = arguments.parse_args()
    train(options(parsed), decoder_only=parsed.decoder_only, finish=parsed.finish)


def train(chosen: Options, *, decoder_only: bool = False, finish: bool = False) -> None:
    preset, ranks = chosen.preset, Ranks(chosen.device, chosen.ranks)
    vae = build_vae(preset)
    path = chosen.work / "vae.pt"
    state = checkpoints.load_if_there(path, "vae")
    if state:
        checkpoints.fit(vae, state["weights"], path)
    vae.to(ranks.device, memory_format=torch.channels_last)
    session = Session("vae", chosen, ranks, state)
    average = Average(vae, 0.998, state["average"] if state else None)
    if decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    learning = [parameter for parameter in vae.parameters() if parameter.requires_grad]
    optimizer = adamw(learning, FULL_RATE, ranks, decay=1e-4)
    resume_optimizer(optimizer, state)
    gradients = Gradients(learning, ranks)
    torch.manual_seed(1000 * session.step + ranks.rank)
    pictures = load_pictures(preset, ranks)

    def loss_of(batch: Batch) -> torch.Tensor:
        with ranks.autocast():
            return reconstruction_loss(vae, batch["images"], squares=10 if finish else 2)

    steps, whole = Steps(loss_of, optimizer, gradients, 2.0), preset.batch(preset.vae_batch, chosen.device)

    def snapshot() -> dict[str, Any]:
        weights, running = vae.state_dict(), optimizer.state_dict()
        return {"weights": weights, "average": average.weights, "optimizer": running}

    while session.going():
        late = decoder_only or session.spent > 0.45 * session.budget
        crop, batch = (64, max(1, whole * 2 // 7)) if late else (32, whole)
        if finish:
            crop, batch = preset.image_size, max(1, whole // 7)
        session.set_rate(optimizer, FINISH_RATE if finish or decoder_only else FULL_RATE)
        loss = steps.take({"images": crops(pictures, crop, batch)})
        average.update(vae, session.step)
        session.stepped(loss, batch * ranks.count)
        session.maybe_save(snapshot)
    session.finish(snapshot())
    if ranks.first:
        vae.load_state_dict(average.weights)
        print(f"vae: {psnr(vae, preset, chosen.work / 'vae.sheet.png'):.2f} dB on new pictures")


def resume_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any] | None) -> None:
    """Take up the moments again, unless other parameters are learning now."""
    if not state or not state.get("optimizer"):
        return
    saved = [len(group["params"]) for group in state["optimizer"]["param_groups"]]
    if saved == [len(group["params"]) for group in optimizer.param_groups]:
        take_up(optimizer, state["optimizer"])


def load_pictures(preset: Preset, ranks: Ranks) -> torch.Tensor:
    """uint8 [n, 3, size, size] on the device; each rank draws its own."""
    processes = 1 if ranks.device.type == "cpu" else None
    chunks = draw(preset.world, preset.image_size, PICTURES // ranks.count, 1 + ranks.rank, processes)
    pictures = np.concatenate([chunk for _, chunk in chunks])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous().to(ranks.device)


def crops(pictures: torch.Tensor, size: int, count: int) -> torch.Tensor:
    """Random crops in [-1, 1], aligned to the latent grid; half of the batches of parts are mirrored."""
    whole, device = pictures.shape[-1], pictures.device
    rows = torch.randint(0, len(pictures), (count, 1, 1, 1), device=device)
    corners = torch.randint(0, (whole - size) // 8 + 1, (2, count, 1), device=device) * 8
    y, x = corners + torch.arange(size, device=device)
    planes = torch.arange(3, device=device)[:, None, None]
    images = pictures[rows, planes, y[:, None, :, None], x[:, None, None, :]].float() / 127.5 - 1
    if size < whole and torch.rand(1) < 0.5:
        images = images.flip(3)
    return images.contiguous(memory_format=torch.channels_last)


def reconstruction_loss(vae: AutoencoderKL, images: torch.Tensor, squares: float) -> torch.Tensor:
    mean, log_variance = vae.quant_conv(vae.encoder(images)).float().chunk(2, 1)
    log_variance = log_variance.clamp(-20, 6)
    latents = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    difference = vae.decoder(vae.post_quant_conv(latents)).float() - images
    return pixel_loss(difference, squares) + KL_WEIGHT * kl


def pixel_loss(difference: torch.Tensor, squares: float) -> torch.Tensor:
    across, down = difference.diff(dim=3).abs().mean(), difference.diff(dim=2).abs().mean()
    low_pass = F.avg_pool2d(difference, 4).abs().mean()
    return difference.abs().mean() + squares * difference.square().mean() + 0.25 * (across + down + low_pass)


@torch.no_grad()
def psnr(vae: AutoencoderKL, preset: Preset, out: Any = None, count: int = 100) -> float:
    """Peak signal-to-noise ratio in dB over pictures of a held-out seed."""
    vae.eval()
    device = next(vae.parameters()).device
    total, seen, rows = 0.0, 0, []
    for _, chunk in draw(preset.world, preset.image_size, count, HELD_OUT_SEED, processes=1):
        images = torch.from_numpy(chunk).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1
        latents = vae.encode(images).latent_dist.mean
        result = vae.decode(latents).sample.clamp(-1, 1)
        total, seen = total + (result - images).square().mean().item(), seen + 1
        painted = ((result + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        rows += [*chunk[:8], *painted[:8]]
    if out is not None:
        sheet(rows, 8).save(out)
    return 10 * float(np.log10(4 / (total / seen)))


if __name__ == "__main__":
    run(main)
