"""Put sprites onto backdrops: `paint_scene` is a pure function of the scene (its seed included) and the size."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from ..render.backdrops import Brush
from ..render.canvas import Canvas
from ..render.objects import INK
from ..render.shapes import Array, f32
from ..scenes.scene import Scene, Thing
from .backdrops import GLOSSY_BACKDROPS, GROUND
from .concepts import CONCEPTS
from .filters import FILTERS
from .sprites import SIDE, book

FLOORLESS = ("sky", "underwater")  # nothing stands on a ground there
BARE = ("plain", "gradient")
SHADOW = 0.34


class Spot(NamedTuple):
    """Where a thing's middle is and how long its longer side is, in units of the picture's shorter side."""

    thing: Thing
    x: float
    y: float
    size: float
    stands: bool  # on something: it casts a contact shadow


def paint_scene(scene: Scene, width: int, height: int) -> Array:
    """The picture: uint8 [height, width, 3]."""
    rng = np.random.default_rng(scene.seed)
    canvas = Canvas(width, height)
    GLOSSY_BACKDROPS[scene.background](Brush(canvas, rng), scene)
    pixels = np.ascontiguousarray(canvas.pixels.transpose(1, 2, 0))
    np.clip(pixels, 0, 1, out=pixels)
    for spot in arrange(scene, canvas, rng):
        paste(pixels, spot, scene.style, rng)
    if scene.style in FILTERS:
        pixels = FILTERS[scene.style](pixels, rng)
    return (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)


def arrange(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> list[Spot]:
    """The things in the order in which they are painted, the farthest first."""
    if scene.count == 0:
        return []
    if scene.count == 1:
        low, high = {"small": (0.3, 0.38), "": (0.54, 0.68), "big": (0.78, 0.9)}[scene.size]
        size, x = rng.uniform(low, high), canvas.width / 2 + rng.normal(0, 0.025)
        if scene.side:
            size = min(size, 0.46)
            x = canvas.width * (0.25 if scene.side == "left" else 0.75) + rng.normal(0, 0.015)
        return [stand(scene, scene.things[0], x, size, canvas, rng)]
    if scene.relation:
        return RELATED[scene.relation](scene, canvas, rng)
    return rows(scene, canvas, rng)


def rows(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> list[Spot]:
    """Side by side; four of a kind stand two behind two where the picture is not wide."""
    count = scene.count
    columns = 2 if count == 4 and canvas.width < 1.3 else count
    size = rng.uniform(*{2: (0.4, 0.46), 3: (0.29, 0.33), 4: (0.22, 0.25)}[columns])
    if canvas.width > 1 and columns == count:
        size = min(size * 1.25, 0.6)
    spots = []
    for i in range(count):
        row, column = divmod(i, columns)
        x = canvas.width * ((column + 0.5) / columns * 0.96 + 0.02) + rng.normal(0, 0.008)
        thing = scene.things[i % len(scene.things)]
        spot = stand(scene, thing, x, size * rng.uniform(0.95, 1.04), canvas, rng)
        if columns < count:
            spot = spot._replace(y=canvas.height * (0.28, 0.74)[row] + rng.normal(0, 0.01), stands=False)
        spots.append(spot)
    return spots


def above(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> list[Spot]:
    first, second = scene.things
    size, x = rng.uniform(0.38, 0.44), canvas.width / 2
    lower = stand(scene, second, x + rng.normal(0, 0.03), size, canvas, rng)
    lower = lower._replace(y=max(lower.y, canvas.height * 0.72))
    upper = Spot(first, x + rng.normal(0, 0.03), canvas.height * 0.25 + rng.normal(0, 0.01), size, stands=False)
    return [lower, upper]


def on(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> list[Spot]:
    """The first rests on the second's top, a little sunk into it."""
    first, second = scene.things
    x, large, small = canvas.width / 2 + rng.normal(0, 0.03), rng.uniform(0.46, 0.52), rng.uniform(0.34, 0.4)
    lower = stand(scene, second, x, large, canvas, rng)
    lower = lower._replace(y=max(lower.y, canvas.height * 0.88 - tall(second) * large / 2))
    top = lower.y - tall(second) * large / 2 + 0.04
    upper = Spot(first, x + rng.normal(0, 0.02), top - tall(first) * small / 2, small, stands=False)
    return [lower, upper]


def front(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> list[Spot]:
    """The first covers a part of the larger second."""
    first, second = scene.things
    large, small = rng.uniform(0.58, 0.66), rng.uniform(0.36, 0.42)
    shift = rng.uniform(0.1, 0.17) * (1 if rng.random() < 0.5 else -1)
    behind = stand(scene, second, canvas.width / 2 - shift, large, canvas, rng)
    behind = behind._replace(y=behind.y - 0.05)
    low = canvas.height * 0.95 - tall(first) * small / 2
    return [behind, Spot(first, canvas.width / 2 + shift, low, small, stands=True)]


RELATED = {"above": above, "on": on, "front": front}


def stand(
    scene: Scene, thing: Thing, x: float, size: float, canvas: Canvas, rng: np.random.Generator
) -> Spot:
    """Where a thing belongs on that backdrop: on the ground, in the air, in the water."""
    stands, half = CONCEPTS[thing.kind].stands, tall(thing) * size / 2
    is_floating = stands == "air" or scene.background in FLOORLESS
    if scene.background in BARE:
        y = canvas.height * 0.5 + rng.normal(0, 0.02)
    elif is_floating:
        y = canvas.height * 0.46 + rng.normal(0, 0.03)
    elif stands == "water" and scene.background == "sea":
        y = canvas.height * 0.74 - half + 0.02 + rng.normal(0, 0.012)
    else:
        y = canvas.height * GROUND - half + rng.normal(0, 0.012)
    y = min(max(y, half + 0.01), canvas.height - half - 0.01)
    return Spot(thing, x, y, size, stands=not is_floating and scene.background != "sea")


def tall(thing: Thing) -> float:
    """The height of a thing whose longer side is 1."""
    return book().extents[thing.kind][1]


def paste(pixels: Array, spot: Spot, style: str, rng: np.random.Generator) -> None:
    """Blend a sprite into `pixels` [h, w, 3] in place, over its shadow."""
    unit = min(pixels.shape[:2])
    colourless = style in ("silhouette", "sketch")
    sprite = book().sprite(spot.thing.kind, "" if colourless else spot.thing.colour)
    side = max(2, round(spot.size * unit))
    if not spot.stands and CONCEPTS[spot.thing.kind].stands == "air":
        sprite = sprite.rotate(float(rng.normal(0, 4)), Image.Resampling.BILINEAR)
    smooth = Image.Resampling.BILINEAR if side < SIDE else Image.Resampling.BICUBIC
    part = np.asarray(sprite.resize((side, side), smooth))
    if spot.stands and style != "sketch":
        foot = spot.y + tall(spot.thing) * spot.size / 2 - 0.008
        wide = book().extents[spot.thing.kind][0] * spot.size
        shade(pixels, spot.x * unit, foot * unit, wide * 0.52 * unit, max(1.5, 0.055 * spot.size * unit))
    left, top = round(spot.x * unit - side / 2), round(spot.y * unit - side / 2)
    rows = slice(max(0, top), max(0, min(pixels.shape[0], top + side)))
    columns = slice(max(0, left), max(0, min(pixels.shape[1], left + side)))
    cover = part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left].astype(f32) / 255
    view = pixels[rows, columns]
    colour = cover[..., :3] * f32(rng.uniform(0.95, 1.05))
    if style == "silhouette":
        colour = cover[..., 3:] * INK * f32(0.8)
    view *= 1 - cover[..., 3:]
    view += colour


def shade(pixels: Array, x: float, y: float, wide: float, high: float) -> None:
    """A soft dark ellipse about (x, y), in pixels."""
    rows = slice(max(0, int(y - high)), max(0, int(y + high) + 2))
    columns = slice(max(0, int(x - wide)), max(0, int(x + wide) + 2))
    view = pixels[rows, columns]
    if not view.size:
        return
    dx = (np.arange(columns.start, columns.start + view.shape[1], dtype=f32) + f32(0.5 - x)) / f32(wide)
    dy = (np.arange(rows.start, rows.start + view.shape[0], dtype=f32) + f32(0.5 - y)) / f32(high)
    strength = np.clip(1 - dx[None] ** 2 - dy[:, None] ** 2, 0, 1)
    view *= 1 - (f32(SHADOW) * strength)[..., None]
