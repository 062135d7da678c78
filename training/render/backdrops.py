"""The backgrounds: a plain wash and landscapes, each with its own weather."""

from collections.abc import Callable

import numpy as np

from ..scenes.scene import COLOURS, Scene
from .canvas import Canvas, Colour
from .objects import INK, WHITE, mix
from .shapes import Array, ellipse, polygon, union, without


def tint(name: str, rng: np.random.Generator | None = None, spread: float = 10) -> Array:
    """A colour by its name in [0, 1]; with a generator it varies a little, as paint does."""
    colour = np.array(COLOURS[name], np.float32)
    if rng is not None:
        colour = np.clip(colour + rng.normal(0, spread * 0.6, 3) + rng.normal(0, spread * 0.5), 0, 255)
    return (colour / 255).astype(np.float32)


Paint = Callable[[], Colour]


class Brush:
    """A canvas with the random hand of one picture."""

    def __init__(self, canvas: Canvas, rng: np.random.Generator) -> None:
        self.canvas, self.rng = canvas, rng
        self.phase = self.between(0, 2 * np.pi)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def shade(self, *colour: float) -> Array:
        wobble = self.rng.normal(0, 0.018, 3).astype(np.float32)
        return np.clip(np.array(colour, np.float32) + wobble, 0, 1)

    def hill(
        self, y: tuple[float, float], height: float, colour: Array, foot: Array | None = None, shift: float = 0
    ) -> None:
        canvas = self.canvas
        edge = canvas.wave(canvas.height * self.between(*y), height, self.between(3, 6), self.phase + shift)
        canvas.below(edge, colour, foot)

    def sky(self, kind: str) -> None:
        canvas = self.canvas
        inset = self.between(0.12, 0.3)
        x, y = inset if self.rng.random() < 0.5 else canvas.width - inset, self.between(0.11, 0.2)
        if kind == "sun":
            canvas.glow(x, y, 0.3, (1, 0.95, 0.6), 0.7)
            canvas.blob(x, y, 0.2, ellipse(0, 0, 0.09), (1, 0.87, 0.3))
        elif kind == "moon":
            canvas.glow(x, y, 0.28, (0.9, 0.92, 1), 0.4)
            crescent = without(ellipse(0, 0, 0.085), ellipse(0.045, -0.015, 0.07))
            shape = crescent if self.rng.random() < 0.5 else ellipse(0, 0, 0.08)
            canvas.blob(x, y, 0.2, shape, (1, 0.96, 0.78))
        elif kind == "clouds":
            self.clouds((0.98, 0.98, 1))

    def clouds(self, colour: tuple[float, float, float], alpha: float = 0.95) -> None:
        for i in range(2):
            x = self.between(0.05, 0.4) + i * self.canvas.width * 0.5
            self.canvas.cloud(x, self.between(0.08, 0.27), self.between(0.11, 0.19), self.shade(*colour), alpha)

    def dots(
        self, count: int, y: tuple[float, float], radius: tuple[float, float], colour: Paint, alpha: float = 1
    ) -> None:
        for _ in range(count):
            place = self.between(0, self.canvas.width), self.canvas.height * self.between(*y)
            self.canvas.blob(*place, 0.03, ellipse(0, 0, self.between(*radius)), colour(), alpha)

    def pine(self, x: float, foot: float, h: float, colour: Array) -> None:
        tiers = ((-0.5, -0.1, 0.17), (-0.25, 0.2, 0.23), (0.0, 0.5, 0.29))
        parts = [polygon([(0, top * h), (w * h, y * h), (-w * h, y * h)]) for top, y, w in tiers]
        self.canvas.blob(x, foot - h * 0.5, h * 0.75, union(*parts), colour)


def plain(brush: Brush, scene: Scene) -> None:
    colour = tint(scene.background_colour, brush.rng)
    if scene.background_colour not in ("white", "black"):
        colour = mix(colour, WHITE, 0.52)
    brush.canvas.gradient(mix(colour, WHITE, 0.12), mix(colour, INK, 0.04))


def meadow(brush: Brush, scene: Scene) -> None:
    shade, rng = brush.shade, brush.rng
    brush.canvas.gradient(shade(0.45, 0.74, 0.96), shade(0.83, 0.94, 0.99), 0.7)
    brush.sky(scene.sky)
    brush.hill((0.6, 0.66), 0.04, shade(0.6, 0.82, 0.45))
    brush.hill((0.7, 0.76), 0.025, shade(0.47, 0.75, 0.36), shade(0.36, 0.64, 0.3), shift=2)
    petals = ("white", "yellow", "pink", "red")
    brush.dots(int(rng.integers(3, 9)), (0.8, 0.98), (0.013, 0.0131), lambda: tint(petals[int(rng.integers(4))]))


def sunset(brush: Brush, scene: Scene) -> None:
    canvas, shade = brush.canvas, brush.shade
    canvas.gradient(shade(0.42, 0.25, 0.5), shade(1, 0.66, 0.35), 0.72)
    x, y = canvas.width * brush.between(0.2, 0.8), canvas.height * brush.between(0.5, 0.62)
    canvas.glow(x, y, 0.45, (1, 0.85, 0.5), 0.8)
    canvas.blob(x, y, 0.2, ellipse(0, 0, 0.13), (1, 0.86, 0.5))
    if scene.sky == "clouds":
        brush.clouds((0.95, 0.6, 0.55), 0.8)
    brush.hill((0.66, 0.7), 0.03, shade(0.45, 0.22, 0.38))
    brush.hill((0.76, 0.8), 0.02, shade(0.28, 0.14, 0.28), shift=2)


def night(brush: Brush, scene: Scene) -> None:
    canvas, shade, rng = brush.canvas, brush.shade, brush.rng
    canvas.gradient(shade(0.05, 0.07, 0.2), shade(0.18, 0.22, 0.45), 0.85)
    for _ in range(int(rng.integers(14, 30))):
        brush.dots(1, (0, 0.7), (0.006, 0.013), lambda: (1, 0.97, 0.82), brush.between(0.6, 1))
    brush.sky(scene.sky)
    brush.hill((0.74, 0.8), 0.03, shade(0.09, 0.14, 0.25), shade(0.05, 0.09, 0.17))


def sea(brush: Brush, scene: Scene) -> None:
    canvas, shade = brush.canvas, brush.shade
    canvas.gradient(shade(0.5, 0.78, 0.96), shade(0.86, 0.95, 0.99), 0.55)
    brush.sky(scene.sky)
    rows = ((0.55, (0.3, 0.62, 0.86)), (0.66, (0.22, 0.53, 0.8)), (0.78, (0.16, 0.44, 0.73)), (0.9, (0.12, 0.36, 0.65)))
    for y, colour in rows:
        level = canvas.height * (y + brush.between(-0.015, 0.015))
        canvas.below(canvas.wave(level, 0.012, brush.between(16, 24), brush.between(0, 6)), shade(*colour))


def snow(brush: Brush, scene: Scene) -> None:
    canvas, shade, rng = brush.canvas, brush.shade, brush.rng
    canvas.gradient(shade(0.62, 0.75, 0.88), shade(0.88, 0.93, 0.97), 0.65)
    for _ in range(int(rng.integers(0, 3))):
        x, height = brush.between(0, canvas.width), brush.between(0.2, 0.34)
        brush.pine(x, canvas.height * 0.72, height, shade(0.5, 0.63, 0.7))
    brush.hill((0.64, 0.7), 0.035, shade(0.92, 0.95, 0.99))
    brush.hill((0.76, 0.8), 0.02, shade(0.99, 0.99, 1), shade(0.9, 0.94, 0.98), shift=2)
    brush.dots(int(rng.integers(12, 26)), (0, 1), (0.008, 0.015), lambda: WHITE, 0.95)


def forest(brush: Brush, scene: Scene) -> None:
    canvas, shade = brush.canvas, brush.shade
    canvas.gradient(shade(0.72, 0.87, 0.8), shade(0.86, 0.94, 0.84), 0.7)
    rows = ((0.72, (0.4, 0.62), (0.13, 0.2), (0.42, 0.62, 0.52)), (0.8, (0.28, 0.44), (0.17, 0.3), (0.2, 0.44, 0.34)))
    for foot, height, gap, colour in rows:
        x = brush.between(-0.05, 0.05)
        while x < canvas.width + 0.1:
            brush.pine(x, canvas.height * foot, brush.between(*height), shade(*colour))
            x += brush.between(*gap)
    brush.hill((0.74, 0.78), 0.02, shade(0.35, 0.5, 0.27), shade(0.25, 0.4, 0.22))


def mountains(brush: Brush, scene: Scene) -> None:
    canvas, shade = brush.canvas, brush.shade
    canvas.gradient(shade(0.55, 0.75, 0.94), shade(0.9, 0.92, 0.95), 0.7)
    brush.sky(scene.sky)
    x = brush.between(-0.1, 0.1)
    while x < canvas.width + 0.15:
        h = brush.between(0.34, 0.52)
        y = canvas.height * 0.74 - h * 0.5
        rock = [(0, -0.5), (0.62, 0.5), (-0.62, 0.5)]
        cap = [(0, -0.5), (0.2, -0.18), (0.07, -0.24), (-0.05, -0.14), (-0.2, -0.18)]
        for points, colour in ((rock, shade(0.5, 0.54, 0.66)), (cap, WHITE * 0.97)):
            canvas.blob(x, y, h * 1.1, polygon([(a * h, b * h) for a, b in points]), colour)
        x += brush.between(0.26, 0.4)
    brush.hill((0.7, 0.75), 0.02, shade(0.45, 0.65, 0.42), shade(0.33, 0.55, 0.33))


BACKDROPS: dict[str, Callable[[Brush, Scene], None]] = {
    backdrop.__name__: backdrop
    for backdrop in (plain, meadow, sunset, night, sea, snow, forest, mountains)
}
