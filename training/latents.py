"""Draw the training pictures and encode them: `python -m training.latents`.

Writes <work>/latents/00000.npz …: latents float16 [n, 4, h, w], token ids int16 [n, 8, 77] of eight
captions a picture, and the labels. A shard has one shape of pictures; some are wide or tall, so that
other sizes than the square do not show everything twice. Existing shards are kept, so an interrupted
run goes on.
"""

import json
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from .networks.models import TOKENS, build_vae
from .render.pictures import CAPTIONS_EACH, describe, draw
from .run import checkpoints
from .run.parallel import Ranks
from .run.presets import Options, Preset, options, parser
from .run.problem import Problem, run
from .scenes.labels import Labels, labels
from .tokenizer import load_tokenizer

SHARD = 2000


def main() -> None:
    encode(options(parser("Draw and encode the training pictures.").parse_args()))


def encode(chosen: Options) -> None:
    """Every rank makes every n-th shard."""
    preset, ranks = chosen.preset, Ranks(chosen.device, chosen.ranks)
    folder = chosen.work / "latents"
    shards = -(-preset.pictures // shard_size(preset))
    checkpoints.need_space(folder, preset.pictures * (8 * preset.latent_size**2 + 2 * TOKENS * CAPTIONS_EACH))
    state = checkpoints.load(chosen.work / "vae.pt", "vae")
    vae = build_vae(preset)
    checkpoints.fit(vae, state["average"], chosen.work / "vae.pt")
    vae.to(ranks.device, memory_format=torch.channels_last).eval()
    start, made = time.monotonic(), 0
    for shard in range(ranks.rank, shards, ranks.count):
        path = folder / f"{shard:05d}.npz"
        if path.exists():
            continue
        write_shard(path, shard, chosen, vae, ranks)
        made += shard_size(preset) * ranks.count
        if ranks.first:
            speed = made / (time.monotonic() - start)
            print(f"latents: shard {shard + 1} of {shards}, {speed:.0f} pictures/s", flush=True)
    ranks.leave()
    if ranks.first:
        stored = read_latents(folder)
        write_scale(folder, stored.scale)
        print(f"latents: {len(stored.ids)} pictures, scaling factor {stored.scale:.5f}")


def shard_size(preset: Preset) -> int:
    """Small enough that each shape gets a shard."""
    return min(SHARD, preset.pictures // len(preset.shapes))


@torch.no_grad()
def write_shard(path: Path, shard: int, chosen: Options, vae: torch.nn.Module, ranks: Ranks) -> None:
    preset, scenes, encoded = chosen.preset, [], []
    processes = 1 if ranks.device.type == "cpu" else None
    shape = preset.shapes[shard % len(preset.shapes)]
    for chunk_scenes, pictures in draw(preset.lessons, shape, shard_size(preset), 100 + shard, processes):
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(ranks.device).float() / 127.5 - 1
        with ranks.autocast():
            mean = vae.encode(images.contiguous(memory_format=torch.channels_last)).latent_dist.mean
        encoded.append(mean.float().half().cpu().numpy())
        scenes += chunk_scenes
    tokenizer = load_tokenizer(chosen.tokenizer)
    captions = describe(scenes, chosen.words, 100 + shard)
    ids = [[code.ids for code in tokenizer.encode_batch(row)] for row in captions]
    told = {f"label_{name}": values.numpy() for name, values in labels(scenes, preset.world, spoken=True).items()}
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, latents=np.concatenate(encoded), ids=np.array(ids, np.int16), **told)
    partial.rename(path)


def write_scale(folder: Path, scale: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scale.json").write_text(json.dumps({"scaling_factor": scale}) + "\n")


@dataclass(frozen=True)
class Latents:
    """The rows of `ids` and `labels` are those of the first shape, then of the second …"""

    shapes: list[torch.Tensor]  # for each shape float32 [n, 4, h, w], scaled to a standard deviation of about 1
    ids: torch.Tensor  # int16 [n, 8, 77]
    labels: Labels
    scale: float


def read_latents(folder: Path) -> Latents:
    paths = sorted(path for path in folder.glob("*.npz") if "partial" not in path.name)
    if not paths:
        raise Problem(f"{folder} holds no latents; run `python -m training.latents` first.")
    try:
        shards = [dict(np.load(path)) for path in paths]
    except Exception as error:
        raise Problem(f"a shard in {folder} is damaged ({error}); delete it and run training.latents again.") from error
    shards.sort(key=lambda shard: shard["latents"].shape[2:])
    groups = [list(group) for _, group in groupby(shards, key=lambda shard: shard["latents"].shape[2:])]
    shapes = [torch.from_numpy(np.concatenate([shard.pop("latents") for shard in group])).float() for group in groups]
    rest = {name: torch.from_numpy(np.concatenate([shard[name] for shard in shards])) for name in shards[0]}
    stored = folder / "scale.json"
    scale = json.loads(stored.read_text())["scaling_factor"] if stored.exists() else 1 / shapes[0].std().item()
    told = {name.removeprefix("label_"): values for name, values in rest.items() if name.startswith("label_")}
    return Latents([latents * scale for latents in shapes], rest["ids"], told, scale)


if __name__ == "__main__":
    run(main)
