"""Rendered pictures and captions in bulk, drawn by as many processes as there are cores."""

import multiprocessing
import os
from collections.abc import Iterator
from functools import partial

import numpy as np

from ..glossy.sprites import book
from ..scenes.captions import Narrator, Words
from ..scenes.scene import Scene, World, sample_scene
from .render import render
from .shapes import Array

CHUNK = 50
CAPTIONS_EACH = 8


def draw_chunk(seed: int, world: World, shape: tuple[int, int]) -> tuple[list[Scene], Array]:
    """Scenes and pictures uint8 [CHUNK, height, width, 3] of that seed; `shape` is (width, height)."""
    rng = np.random.default_rng(seed)
    scenes = [sample_scene(rng, world) for _ in range(CHUNK)]
    return scenes, np.stack([render(scene, *shape) for scene in scenes])


def draw(
    world: World, shape: int | tuple[int, int], count: int, seed: int, processes: int | None = None
) -> Iterator[tuple[list[Scene], Array]]:
    """At least `count` pictures in chunks, square for one number; the same seed gives the same pictures."""
    shape = (shape, shape) if isinstance(shape, int) else shape
    if world.look == "glossy":
        # Once, before there are workers who would each make it.
        book()
    seeds = range(seed * 1_000_000, seed * 1_000_000 + -(-count // CHUNK))
    work = partial(draw_chunk, world=world, shape=shape)
    processes = processes or os.cpu_count() or 1
    if processes == 1:
        yield from map(work, seeds)
        return
    # Forked workers touch nothing but numpy; spawned ones would each import torch first.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with multiprocessing.get_context(method).Pool(processes) as pool:
        yield from pool.imap(work, seeds)


def describe(scenes: list[Scene], words: Words, seed: int, each: int = CAPTIONS_EACH) -> list[list[str]]:
    """`each` different ways to say every scene."""
    narrator = Narrator(words, np.random.default_rng(seed))
    return [[narrator.caption(scene) for _ in range(each)] for scene in scenes]
