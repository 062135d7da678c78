"""The models that can be trained, and where a training keeps its files."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from ..exported.compact import Storage
from ..glossy.world import GLOSSY
from ..scenes.captions import DEFAULT_WORDS, GLOSSY_WORDS, Words, read_words
from ..scenes.scene import FULL, SMALL, World
from .problem import Problem

ROOT = Path(__file__).resolve().parents[2]
SHIPPED_TOKENIZER = ROOT / "models" / "demo" / "tokenizer"


@dataclass(frozen=True)
class Preset:
    """`vae_batch` and `unet_batch` count pictures a step and process; the minutes are a sensible time for each stage."""

    name: str
    world: World
    image_size: int
    vae_channels: tuple[int, ...]
    vae_groups: int
    text_width: int
    text_layers: int
    unet_channels: tuple[int, ...]
    unet_groups: int
    unet_layers: int
    vae_batch: int
    unet_batch: int
    gpu_batches: int  # how many of these batches, of every stage, a GPU takes in one step
    lessons: World  # what the UNet and its text encoder learn from
    pictures: int
    shapes: tuple[tuple[int, int], ...]  # of the shards of pictures in turn: width and height in pixels
    learning_rate: float
    storage: Storage  # of the exported UNet and text encoder
    minutes: dict[str, float]
    gpu_minutes: dict[str, float]
    default_words: Path = DEFAULT_WORDS
    shipped_tokenizer: Path | None = None  # else the stage `tokenizer` learns one

    @property
    def vocabulary(self) -> World:
        """What the words of its captions speak of: those of the shipped model know more than it draws."""
        return FULL if self.world is SMALL else self.world

    @property
    def latent_size(self) -> int:
        return self.image_size // 8

    def batch(self, count: int, device: str) -> int:
        """Of `count` samples a step on a CPU, those on `device`."""
        return count if device == "cpu" else count * self.gpu_batches


# More pairs than a world has by itself: each must be learnt in every order and colour.
LESSONS = {"empty": 0.03, "one": 0.45, "some": 0.11, "pair": 0.41}

SMALL_PRESET = Preset(
    name="small",
    world=SMALL,
    image_size=128,
    vae_channels=(16, 32, 48, 64),
    vae_groups=2,
    text_width=128,
    text_layers=2,
    unet_channels=(64, 96),
    unet_groups=8,
    unet_layers=1,
    vae_batch=14,
    unet_batch=16,
    gpu_batches=16,
    lessons=replace(SMALL, kinds=LESSONS, asides=0.3),
    pictures=16_000,
    shapes=((128, 128), (128, 128), (128, 128), (192, 128), (128, 128), (128, 128), (128, 128), (128, 192)),
    learning_rate=8e-4,
    storage="fp16",
    minutes={"vae": 30, "text": 2, "unet": 120, "judge": 8, "lora": 12, "inversion": 6, "upscaler": 10},
    gpu_minutes={"vae": 3, "text": 1.5, "unet": 10, "judge": 1.5, "lora": 1, "inversion": 1, "upscaler": 1},
    shipped_tokenizer=SHIPPED_TOKENIZER,
)
GLOSSY_KINDS = {"empty": 0.02, "one": 0.46, "some": 0.12, "pair": 0.4}
# The third edition for a machine without a GPU: the networks are what two cores can teach in hours.
GLOSSY_PRESET = Preset(
    name="glossy",
    world=GLOSSY,
    image_size=128,
    vae_channels=(16, 32, 48, 64),
    vae_groups=2,
    text_width=192,
    text_layers=3,
    unet_channels=(64, 96, 128),
    unet_groups=8,
    unet_layers=1,
    vae_batch=14,
    unet_batch=16,
    gpu_batches=16,
    lessons=replace(GLOSSY, kinds=GLOSSY_KINDS, asides=0.3),
    pictures=32_000,
    shapes=((128, 128), (128, 128), (128, 128), (192, 128), (128, 128), (128, 128), (128, 128), (128, 192)),
    learning_rate=8e-4,
    storage="fp16",
    minutes={"vae": 40, "text": 12, "unet": 600, "judge": 30},
    gpu_minutes={"vae": 3, "text": 2, "unet": 12, "judge": 2},
    default_words=GLOSSY_WORDS,
)
GLOSSY_LARGE_PRESET = replace(
    GLOSSY_PRESET,
    name="glossy-large",
    image_size=256,
    vae_channels=(16, 32, 64, 96),
    vae_groups=8,
    # 20 guided steps and the decoder are 180 GFLOP: about two seconds on two cores.
    unet_channels=(80, 144, 208),
    unet_groups=16,
    vae_batch=96,
    unet_batch=256,
    gpu_batches=1,
    pictures=60_000,
    shapes=((256, 256), (256, 256), (256, 256), (384, 256), (256, 256), (256, 384)),
    learning_rate=6e-4,
    storage="int8",
    minutes={"vae": 240, "text": 12, "unet": 6000, "judge": 30},
    gpu_minutes={"vae": 6, "text": 2, "unet": 20, "judge": 2},
)
# A few minutes for all stages: to see that everything works before hours are spent.
TRIAL_PRESET = replace(
    GLOSSY_PRESET,
    name="trial",
    image_size=64,
    pictures=400,
    shapes=((64, 64), (96, 64)),
    minutes={"vae": 0.5, "text": 0.3, "unet": 0.5, "judge": 0.3},
    gpu_minutes={"vae": 0.7, "text": 0.3, "unet": 0.7, "judge": 0.3},
)
PRESETS = {preset.name: preset for preset in (GLOSSY_PRESET, GLOSSY_LARGE_PRESET, SMALL_PRESET, TRIAL_PRESET)}


@dataclass(frozen=True)
class Options:
    """What every stage is told on its command line."""

    preset: Preset
    work: Path
    device: str
    ranks: int
    minutes: float | None
    words: Words
    tokenizer: Path

    def budget(self, stage: str) -> float:
        """Seconds of training for that stage, counted over all its runs."""
        usual = self.preset.minutes if self.device == "cpu" else self.preset.gpu_minutes
        return 60 * (self.minutes if self.minutes is not None else usual[stage])


def parser(description: str) -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=description)
    names = ("auto", *PRESETS)
    result.add_argument("--preset", choices=names, default="auto", help="auto: glossy-large on CUDA, else glossy")
    result.add_argument("--work", type=Path, default=ROOT / "out" / "training", help="checkpoints, sheets, logs")
    result.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    result.add_argument("--ranks", type=int, default=2, help="one-thread processes when on the CPU")
    result.add_argument("--minutes", type=float, help="training time of the stage, all its runs together")
    result.add_argument("--captions", type=Path, help="words of the captions (JSON); the preset's own when left out")
    result.add_argument("--tokenizer", type=Path, help="tokenizer to use; the preset's own when left out")
    return result


def options(parsed: argparse.Namespace) -> Options:
    import torch

    has_cuda = torch.cuda.is_available()
    if parsed.device == "cuda" and not has_cuda:
        raise Problem("--device cuda was asked for, but PyTorch sees no CUDA device; use --device cpu.")
    device = ("cuda" if has_cuda else "cpu") if parsed.device == "auto" else parsed.device
    name = parsed.preset if parsed.preset != "auto" else "glossy-large" if device == "cuda" else "glossy"
    preset, work = PRESETS[name], parsed.work.resolve()
    return Options(
        preset=preset,
        work=work,
        device=device,
        ranks=max(1, parsed.ranks) if device == "cpu" else 1,
        minutes=parsed.minutes,
        words=read_words(parsed.captions or preset.default_words, preset.vocabulary),
        tokenizer=parsed.tokenizer or preset.shipped_tokenizer or work / "tokenizer",
    )
