"""Lets a UNet read another text encoder than the one it was trained with.

The states of the old encoder are, as far as they are, a linear map of the new one's: S_old ≈ S_new·M by
least squares over many captions, with a little pull towards M = 1. Keys and values S·Wᵀ of every
cross-attention stay nearly what they were when W becomes W·Mᵀ.
"""

from typing import Any

import torch
from torch import nn

PULL = 1e-3
READS_TEXT = ("attn2.to_k.weight", "attn2.to_v.weight")


def is_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@torch.no_grad()
def refit(weights: list[dict[str, torch.Tensor]], old: nn.Module, new: nn.Module, ids: torch.Tensor) -> float:
    """Change each of the UNet's state dicts in place for captions `ids` [n, 77].

    The share of the old states' variance that the map does not explain, 0 … 1.
    """
    before, after = states(old, ids), states(new, ids)
    square, width = after.T @ after, after.shape[1]
    pull = PULL * square.diagonal().mean() * torch.eye(width, dtype=square.dtype)
    mapping = torch.linalg.solve(square + pull, after.T @ before + pull)
    for state in weights:
        for name in [name for name in state if name.endswith(READS_TEXT)]:
            state[name] = (state[name].double() @ mapping.T).to(state[name].dtype)
    left = (after @ mapping - before).square().mean() / (before - before.mean(0)).square().mean()
    return float(left)


def states(encoder: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    parts: list[Any] = [encoder(part.long()).last_hidden_state.flatten(0, 1) for part in ids.split(100)]
    return torch.cat(parts).double()
