"""The shipped model, frozen, and the latents of new pictures with captions for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from ..latents import Latents
from ..networks.models import build_unet
from ..render.render import render
from ..run import checkpoints
from ..run.parallel import Ranks
from ..run.presets import Options
from ..run.problem import Problem
from ..scenes.captions import Narrator, Words
from ..scenes.scene import Scene, sample_scene
from ..tokenizer import load_tokenizer
from ..unet import frozen_text_encoder, trained_vae

CAPTIONS_EACH = 4
BATCH = 50


@dataclass(frozen=True)
class Base:
    unet: UNet2DConditionModel
    text: nn.Module
    vae: nn.Module
    scale: float


def frozen_base(chosen: Options, ranks: Ranks) -> Base:
    """The checkpoints in the work folder; `training.restore models/demo --preset small` puts them there."""
    path = chosen.work / "unet.pt"
    if not path.exists():
        raise Problem(f"{path} is missing; run `python -m training.restore models/demo --preset small` first.")
    state, unet = checkpoints.load(path, "unet"), build_unet(chosen.preset)
    checkpoints.fit(unet, state["average"], path)
    unet.to(ranks.device, memory_format=torch.channels_last).requires_grad_(False)
    text, vae = frozen_text_encoder(chosen).to(ranks.device), trained_vae(chosen).to(ranks.device)
    return Base(unet, text, vae.requires_grad_(False), float(state["scale"]))


@torch.no_grad()
def encode_scenes(
    chosen: Options,
    base: Base,
    words: Words,
    count: int,
    seed: int,
    change: Callable[[Scene, np.random.Generator], tuple[Scene, Scene]],
    finish: Callable[[np.ndarray], np.ndarray] = lambda pictures: pictures,
) -> Latents:
    """New pictures as latents. `change` gives, of a random scene, the one to draw and the one to tell; `finish`
    takes the pictures, uint8 [n, h, w, 3], as they are drawn.
    """
    rng, device = np.random.default_rng(seed), next(base.vae.parameters()).device
    narrator, tokenizer, size = Narrator(words, rng), load_tokenizer(chosen.tokenizer), chosen.preset.image_size
    drawn, told = [], []
    for _ in range(count):
        picture, caption = change(sample_scene(rng, chosen.preset.world), rng)
        drawn.append(picture)
        told.append(caption)
    latents = []
    for start in range(0, count, BATCH):
        pictures = np.stack([render(scene, size, size) for scene in drawn[start : start + BATCH]])
        images = torch.from_numpy(finish(pictures)).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1
        latents.append(base.vae.encode(images).latent_dist.mean.cpu() * base.scale)
    captions = [[narrator.caption(scene) for _ in range(CAPTIONS_EACH)] for scene in told]
    ids = [[code.ids for code in tokenizer.encode_batch(row)] for row in captions]
    # All that drawing batches asks of labels: which pictures are pairs.
    pairs = torch.tensor([0 if len(scene.things) == 2 else -1 for scene in told])
    return Latents([torch.cat(latents)], torch.tensor(ids, dtype=torch.int16), {"leftmost": pairs}, base.scale)


def folder_for(chosen: Options) -> Path:
    folder = chosen.work / "tryouts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
