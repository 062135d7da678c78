"""Fit the factors that turn latents straight into a small picture, for previews while sampling."""

import numpy as np
import torch
from diffusers import AutoencoderKL

from ..render.pictures import draw
from ..run.presets import Preset

FIT_SEED = 902
COUNT = 200


@torch.no_grad()
def fit_preview(vae: AutoencoderKL, preset: Preset, scale: float) -> dict[str, list]:
    """Least squares from scaled latents [4] to the mean colour of their 8x8 pixels, RGB in [-1, 1].

    `latent_rgb_factors`: 4 rows (latent channels) of 3; `bias`: 3.
    """
    inputs, targets = [], []
    for _, pictures in draw(preset.world, preset.image_size, COUNT, FIT_SEED, processes=1):
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        latents = vae.encode(images).latent_dist.mean * scale
        small = torch.nn.functional.avg_pool2d(images, 8)
        inputs.append(latents.permute(0, 2, 3, 1).reshape(-1, 4).numpy())
        targets.append(small.permute(0, 2, 3, 1).reshape(-1, 3).numpy())
    design = np.concatenate(inputs)
    design = np.concatenate([design, np.ones((len(design), 1), design.dtype)], 1)
    solution, *_ = np.linalg.lstsq(design, np.concatenate(targets), rcond=None)
    rounded = np.round(solution.astype(float), 5).tolist()
    return {"latent_rgb_factors": rounded[:4], "bias": rounded[4]}
