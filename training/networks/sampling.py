"""Deterministic DDIM sampling (Song et al. 2021, η = 0) with classifier-free guidance."""

from collections.abc import Callable

import torch

from .models import alphas_cumprod

# (latents, timestep, text states) -> v, all of one batch
Predict = Callable[[torch.Tensor, int, torch.Tensor], torch.Tensor]


def ddim(
    predict: Predict,
    noise: torch.Tensor,
    states: torch.Tensor,
    empty: torch.Tensor,
    *,
    steps: int = 20,
    guidance: float = 5.0,
) -> torch.Tensor:
    """Scaled latents [n, 4, h, w] for `states` [n, 77, d]; `empty` [1, 77, d] is the empty prompt's."""
    alphas = alphas_cumprod().to(noise.device)
    timesteps = torch.linspace(len(alphas) - 1, 0, steps + 1).long().tolist()
    both = torch.cat([states, empty.expand_as(states)])
    x = noise
    for step, t in enumerate(timesteps[:-1]):
        alpha = alphas[t]
        after = alphas[timesteps[step + 1]] if step < steps - 1 else torch.ones_like(alpha)
        wanted, unguided = predict(torch.cat([x, x]), t, both).float().chunk(2)
        v = unguided + guidance * (wanted - unguided)
        clean = alpha.sqrt() * x - (1 - alpha).sqrt() * v
        epsilon = alpha.sqrt() * v + (1 - alpha).sqrt() * x
        x = after.sqrt() * clean + (1 - after).sqrt() * epsilon
    return x


def noise(seeds: list[int], side: int) -> torch.Tensor:
    """One seed a picture, so that a picture does not depend on its neighbours in the batch."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return torch.stack([torch.randn(4, side, side, generator=generator) for generator in generators])


def to_pictures(decoded: torch.Tensor) -> torch.Tensor:
    """Decoder output [n, 3, h, w] in [-1, 1] -> uint8 [n, h, w, 3]."""
    return ((decoded.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu()
