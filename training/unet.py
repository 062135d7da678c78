"""Train the UNet: `python -m training.unet`. Writes <work>/unet.pt and a sheet every few minutes.

v-prediction (Salimans & Ho 2022) on Stable Diffusion's noise schedule. Timesteps are stratified
over the batch. The loss weight is flat up to a signal-to-noise ratio of 3 and falls gently after:
min-SNR-5 starved the noisy steps, which decide layout and colour.
"""

import copy
import time
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

from .latents import Latents, read_latents
from .networks.models import TIMESTEPS, Average, alphas_cumprod, build_text_encoder, build_unet, build_vae
from .networks.refit import is_same, refit
from .networks.sampling import ddim, noise, to_pictures
from .render.render import sheet
from .run import checkpoints
from .run.parallel import Gradients, Ranks
from .run.presets import Options, options, parser
from .run.problem import run
from .run.session import Session
from .run.steps import Batch, Steps, adamw, take_up
from .scenes.labels import Labels
from .tokenizer import load_tokenizer

DECAY = 0.9993
# Each caption's text states serve this many noise levels of its picture.
LEVELS = 2
DROPPED_CAPTIONS = 0.1
# Below 1 more timesteps are drawn from the noisy end, which decides layout, kinds and colours.
LEAN = 0.75
# How often pairs are drawn, beside other pictures, at the level rate and while it falls: fewer at the
# end, so that one object stays one.
EARLY_PAIRS, LATE_PAIRS = 4.0, 1.0
REFIT_CAPTIONS = 1500
SHEET_SECONDS = 900.0
SHEET_PROMPTS = (
    "a red heart on a white background", "a blue cat at night", "an orange fox in the snow",
    "a green tree in a meadow", "a yellow star on a purple background", "a red boat on the sea",
    "a pink flower in a meadow", "a white owl at night", "a purple house at sunset",
    "a yellow fish on the sea", "three red balloons on a blue background", "a black cat on a yellow background",
    "a red star and a blue heart", "a black cat in the snow", "a red mushroom in the meadow",
    "a cat and a fox in the snow",
)  # fmt: skip


def main() -> None:
    arguments = parser("Train the UNet.")
    arguments.add_argument("--rate", type=float, default=1.0, help="share of the learning rate; less for good weights")
    parsed = arguments.parse_args()
    train(options(parsed), parsed.rate)


def train(chosen: Options, rate: float = 1.0) -> None:
    preset, ranks = chosen.preset, Ranks(chosen.device, chosen.ranks)
    data = read_latents(chosen.work / "latents")
    text = frozen_text_encoder(chosen)
    unet = build_unet(preset)
    path = chosen.work / "unet.pt"
    state = checkpoints.load_if_there(path, "unet")
    if state:
        follow_text_encoder(state, text, data, path)
        checkpoints.fit(unet, state["weights"], path)
    text.to(ranks.device)
    unet.to(ranks.device, memory_format=torch.channels_last)
    session = Session("unet", chosen, ranks, state)
    average = Average(unet, DECAY, state["average"] if state else None)
    optimizer = build_optimizer(unet, preset.learning_rate, ranks)
    if state and state.get("optimizer"):
        take_up(optimizer, state["optimizer"])
    gradients = Gradients(unet.parameters(), ranks)
    torch.manual_seed(1000 + 7919 * session.step + ranks.rank)
    batches = Batches(data, chosen, ranks)
    steps = Steps(lambda batch: batches.loss(unet, batch), optimizer, gradients, 1.0)
    sheets = Sheets(chosen, text, data.scale, ranks)

    def snapshot() -> dict[str, Any]:
        running = {"weights": unet.state_dict(), "average": average.weights, "optimizer": optimizer.state_dict()}
        return running | {"scale": data.scale, "text": text.state_dict()}

    while session.going():
        session.set_rate(optimizer, rate * preset.learning_rate)
        loss = steps.take(batches.pick(text, late=session.cooling()))
        if ranks.first:
            average.update(unet, session.step)
            sheets.maybe(unet, average, session.step)
        session.stepped(loss, batches.size * LEVELS * ranks.count)
        session.maybe_save(snapshot)
    # Whoever stops it wants it stopped, not a sheet first.
    if ranks.first and not session.stopped:
        sheets.draw(unet, average, session.step)
    session.finish(snapshot())


def frozen_text_encoder(chosen: Options) -> nn.Module:
    path = chosen.work / "text.pt"
    state = checkpoints.load(path, "text")
    encoder = build_text_encoder(chosen.preset, state["vocabulary"])
    checkpoints.fit(encoder, state["average"], path)
    return encoder.eval().requires_grad_(False)


def follow_text_encoder(state: dict[str, Any], text: nn.Module, data: Latents, path: Path) -> None:
    """Fit the weights of a checkpoint to `text`, when it learnt with another text encoder."""
    if is_same(state["text"], text.state_dict()):
        return
    old = copy.deepcopy(text)
    checkpoints.fit(old, state["text"], path)
    captions = data.ids[torch.linspace(0, len(data.ids) - 1, REFIT_CAPTIONS).long(), 0]
    left = refit([state["weights"], state["average"]], old, text, captions)
    print(f"unet: follows another text encoder, {left:.1%} of the old one's states unexplained", flush=True)


def build_optimizer(unet: nn.Module, rate: float, ranks: Ranks) -> torch.optim.Optimizer:
    """AdamW; norms and biases do not decay."""
    matrices = [parameter for parameter in unet.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in unet.parameters() if parameter.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    return adamw(groups, rate, ranks, decay=0.0)


class Batches:
    """Latents, what their captions say and the loss on them. Everything lies on the device."""

    def __init__(self, data: Latents, chosen: Options, ranks: Ranks) -> None:
        self.ranks, self.size = ranks, chosen.preset.batch(chosen.preset.unet_batch, chosen.device)
        self.shapes, self.ids = [latents.to(ranks.device) for latents in data.shapes], data.ids.to(ranks.device)
        self.empty = torch.tensor(load_tokenizer(chosen.tokenizer).encode("").ids, device=ranks.device)
        self.alphas = alphas_cumprod().to(ranks.device)
        counts = [len(latents) for latents in data.shapes]
        self.early, self.late = (how_often(data.labels, pairs).split(counts) for pairs in (EARLY_PAIRS, LATE_PAIRS))
        self.firsts = [sum(counts[:i]) for i in range(len(counts))]

    @torch.no_grad()
    def pick(self, text: nn.Module, *, late: bool) -> Batch:
        """Clean latents, each at `LEVELS` timesteps, with the states of one of their captions or of none."""
        device, count = self.ranks.device, self.size * LEVELS
        # All pictures of a batch have one shape.
        shares = self.late if late else self.early
        shape = int(torch.multinomial(torch.stack([part.sum() for part in shares]), 1))
        rows = torch.multinomial(shares[shape], self.size, replacement=True).to(device)
        clean = self.shapes[shape][rows].repeat_interleave(LEVELS, 0)
        rows = rows + self.firsts[shape]
        ways = torch.randint(0, self.ids.shape[1], (self.size,), device=device)
        ids = self.ids[rows, ways].long()
        dropped = torch.rand(self.size, 1, device=device) < DROPPED_CAPTIONS
        ids = torch.where(dropped, self.empty, ids)
        strata = (torch.randperm(count, device=device) + torch.rand(count, device=device)) / count
        timesteps = (strata**LEAN * TIMESTEPS).long().clamp_max(TIMESTEPS - 1)
        with self.ranks.autocast():
            states = text(ids).last_hidden_state.repeat_interleave(LEVELS, 0)
        return {"clean": clean, "timesteps": timesteps, "states": states}

    def loss(self, unet: UNet2DConditionModel, batch: Batch) -> torch.Tensor:
        clean, timesteps = batch["clean"], batch["timesteps"]
        alpha = self.alphas[timesteps][:, None, None, None]
        epsilon = torch.randn_like(clean)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * epsilon
        target = alpha.sqrt() * epsilon - (1 - alpha).sqrt() * clean
        with self.ranks.autocast():
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            v = unet(noisy, timesteps, encoder_hidden_states=batch["states"], return_dict=False)[0]
        # 1 - ᾱ = 1 / (snr + 1)
        weight = (4 * (1 - alpha.flatten())).clamp(0.4, 1)
        return ((v.float() - target).square().mean((1, 2, 3)) * weight).mean()


def how_often(told: Labels, pairs: float) -> torch.Tensor:
    """How often each picture is drawn, pairs `pairs` times as often as others."""
    return torch.where(told["leftmost"] >= 0, pairs, 1.0)


class Sheets:
    """Sixteen pictures of fixed prompts and seeds, drawn with the averaged weights."""

    def __init__(self, chosen: Options, text: nn.Module, scale: float, ranks: Ranks) -> None:
        self.chosen, self.text, self.scale, self.ranks = chosen, text, scale, ranks
        self.last = time.monotonic()

    def maybe(self, unet: UNet2DConditionModel, average: Average, step: int) -> None:
        if time.monotonic() - self.last > SHEET_SECONDS:
            self.draw(unet, average, step)
            self.last = time.monotonic()

    @torch.no_grad()
    def draw(self, unet: UNet2DConditionModel, average: Average, step: int) -> None:
        learning = {name: value.clone() for name, value in unet.state_dict().items()}
        unet.load_state_dict(average.weights)
        device, vae = self.ranks.device, trained_vae(self.chosen).to(self.ranks.device)
        tokenizer = load_tokenizer(self.chosen.tokenizer)
        ids = torch.tensor([code.ids for code in tokenizer.encode_batch([*SHEET_PROMPTS, ""])], device=device)
        start = noise([1 + i for i in range(len(SHEET_PROMPTS))], self.chosen.preset.latent_size).to(device)
        with self.ranks.autocast():
            states = self.text(ids).last_hidden_state

            def predict(x: torch.Tensor, t: int, c: torch.Tensor) -> torch.Tensor:
                return unet(x, t, encoder_hidden_states=c, return_dict=False)[0]

            x = ddim(predict, start, states[:-1], states[-1:])
            decoded = vae.decode(x / self.scale).sample
        folder = self.chosen.work / "sheets"
        folder.mkdir(exist_ok=True)
        sheet(list(to_pictures(decoded).numpy()), 8).save(folder / f"unet-{step:07d}.png")
        unet.load_state_dict(learning)


def trained_vae(chosen: Options) -> AutoencoderKL:
    path = chosen.work / "vae.pt"
    state, vae = checkpoints.load(path, "vae"), build_vae(chosen.preset)
    checkpoints.fit(vae, state["average"], path)
    return vae.eval()


if __name__ == "__main__":
    run(main)
