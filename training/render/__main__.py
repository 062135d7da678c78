"""Look at the data: `python -m training.render` writes a sheet of samples and tells the speed."""

import argparse
import time
from pathlib import Path

import numpy as np

from ..glossy.world import GLOSSY
from ..run.problem import run
from ..scenes.scene import FULL, SMALL, sample_scene
from .render import render, sheet

WORLDS = {"glossy": GLOSSY, "full": FULL, "small": SMALL}


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a sheet of training pictures.")
    parser.add_argument("--out", type=Path, default=Path("out/training/renders.png"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--world", choices=tuple(WORLDS), default="glossy")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    scenes = [sample_scene(rng, WORLDS[options.world]) for _ in range(64)]
    render(scenes[0])  # reads the sprites
    start = time.perf_counter()
    pictures = [render(scene, options.size, options.size) for scene in scenes]
    speed = len(scenes) / (time.perf_counter() - start)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet(pictures, 8).save(options.out)
    print(f"{options.out}: 64 pictures, {speed:.0f} pictures/s on one core")


if __name__ == "__main__":
    run(main)
