"""Draw a scene: a pure function of the scene (its seed included) and the size."""

import numpy as np
from PIL import Image

from ..glossy.compose import paint_scene
from ..scenes.scene import Scene, Thing
from .backdrops import BACKDROPS, Brush, tint
from .canvas import Canvas
from .objects import DRAWINGS, FLOATING, INK, MIRRORED
from .shapes import Array, ellipse

LANDSCAPES = ("meadow", "night", "sunset", "snow", "forest", "mountains")


def render(scene: Scene, width: int = 128, height: int = 128) -> Array:
    """The picture: uint8 [height, width, 3]."""
    if scene.look == "glossy":
        return paint_scene(scene, width, height)
    rng = np.random.default_rng(scene.seed)
    canvas = Canvas(width, height)
    BACKDROPS[scene.background](Brush(canvas, rng), scene)
    for thing, x, size in arrange(scene, canvas, rng):
        place(scene, canvas, rng, thing, x, size)
    pixels = np.clip(canvas.pixels.transpose(1, 2, 0), 0, 1)
    if scene.style == "pixel":
        pixels = pixelate(pixels, max(1, canvas.unit // 32))
    return np.ascontiguousarray((pixels * 255 + 0.5).astype(np.uint8))


def arrange(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> list[tuple[Thing, float, float]]:
    """Each thing with its x and its size, in units of the shorter side."""
    if scene.count == 1:
        low, high = {"small": (0.3, 0.38), "": (0.54, 0.68), "big": (0.76, 0.86)}[scene.size]
        size, x = rng.uniform(low, high), canvas.width / 2 + rng.normal(0, 0.025)
        if scene.side:
            size = min(size, 0.48)
            x = canvas.width * (0.25 if scene.side == "left" else 0.75) + rng.normal(0, 0.015)
        return [(scene.things[0], x, size)]
    size = rng.uniform(0.44, 0.5) if scene.count == 2 else rng.uniform(0.31, 0.35)
    if canvas.width > 1:
        size = min(size * 1.25, 0.6)
    places = []
    for i in range(scene.count):
        x = canvas.width * ((i + 0.5) / scene.count * 0.96 + 0.02) + rng.normal(0, 0.008)
        places.append((scene.things[i % len(scene.things)], x, size * rng.uniform(0.95, 1.04)))
    return places


def place(
    scene: Scene, canvas: Canvas, rng: np.random.Generator, thing: Thing, x: float, size: float
) -> None:
    """Put one thing where it belongs: on the ground, in the air, on the water."""
    floats = thing.kind in FLOATING
    if scene.background == "plain":
        y = canvas.height * 0.5 + rng.normal(0, 0.02)
    elif floats:
        y = min(canvas.height * 0.45 + rng.normal(0, 0.03), canvas.height - size * 0.5)
    elif thing.kind == "boat" and scene.background == "sea":
        y = canvas.height * 0.7 - size * 0.38 + 0.05
    else:
        y = canvas.height * 0.88 - size * 0.47 + rng.normal(0, 0.012)
    y = max(y, size * 0.5 + 0.005)
    turn = rng.normal(0, 0.07) if floats else 0.0
    if thing.kind == "rocket":
        turn = rng.uniform(-0.1, 0.5)
    colour = tint(thing.colour, rng)
    if scene.background in LANDSCAPES and not floats:
        shadow = ellipse(0, 0, size * 0.4, size * 0.06)
        canvas.blob(x, y + size * 0.47, size * 0.6, shadow, INK, 0.22, 3)
    layers = DRAWINGS[thing.kind](colour, rng)
    mirrored = thing.kind in MIRRORED and rng.random() < 0.5
    line = 0.0184 if scene.style == "sketch" else 0.016
    canvas.draw(layers, x, y, size, style=scene.style, mirrored=mirrored, turn=float(turn), line=line)


def pixelate(pixels: Array, block: int) -> Array:
    """Square blocks and few colours, as old games had them; the size must be whole blocks."""
    height, width, _ = pixels.shape
    coarse = pixels.reshape(height // block, block, width // block, block, 3).mean((1, 3))
    return (np.round(coarse * 12) / 12).repeat(block, 0).repeat(block, 1)


def sheet(pictures: list[Array], columns: int) -> Image.Image:
    """Equal pictures side by side, row by row."""
    height, width, _ = pictures[0].shape
    rows = -(-len(pictures) // columns)
    whole = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        whole[row * height : (row + 1) * height, column * width : (column + 1) * width] = picture
    return Image.fromarray(whole)
