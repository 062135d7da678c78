"""Files that survive a crash: written whole beside the old one, then put in its place."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch

from .problem import Problem

MARGIN = 64 << 20


def need_space(folder: Path, size: int) -> None:
    """Refuse, before anything is written, when `size` bytes would not fit."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size + MARGIN:
        raise Problem(
            f"{folder} has {free >> 20} MiB free, but {(size + MARGIN) >> 20} MiB are needed; "
            "nothing was written. Free some space or choose another folder with --work."
        )


def size_of(state: Any) -> int:
    """Bytes of all tensors in nested dicts, lists and tuples."""
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(size_of(value) for value in state.values())
    if isinstance(state, list | tuple):
        return sum(size_of(value) for value in state)
    return 0


def save(path: Path, state: dict[str, Any]) -> None:
    need_space(path.parent, size_of(state))
    partial = path.with_suffix(".partial")
    try:
        torch.save(state, partial)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Problem(f"{path} could not be written ({error.strerror}); the old one is untouched.") from error


def load(path: Path, stage: str) -> dict[str, Any]:
    """Read a checkpoint of that stage; a `Problem` when it is missing, damaged or another's."""
    if not path.exists():
        raise Problem(f"{path} is missing; run `python -m training.{stage}` first.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise Problem(
            f"the checkpoint {path} is damaged ({type(error).__name__}). Nothing was overwritten: "
            "put a good copy there, or move the file away to start that stage anew."
        ) from error
    if not isinstance(state, dict) or state.get("stage") != stage:
        raise Problem(f"{path} is no checkpoint of the stage {stage}; move it away to start anew.")
    return state


def load_if_there(path: Path, stage: str) -> dict[str, Any] | None:
    return load(path, stage) if path.exists() else None


def fit(module: torch.nn.Module, weights: dict[str, torch.Tensor], path: Path) -> None:
    """Put weights into a module; a `Problem` when they belong to another shape of model."""
    try:
        module.load_state_dict(weights)
    except (RuntimeError, KeyError) as error:
        raise Problem(
            f"the weights in {path} do not fit this preset; use the --preset they were trained with."
        ) from error
