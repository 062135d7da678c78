"""The backgrounds that only the glossy world has, beside those of the drawn one."""

from collections.abc import Callable

import numpy as np

from ..render.backdrops import BACKDROPS, Brush, tint
from ..render.objects import INK, WHITE, mix
from ..render.shapes import box, ellipse, polygon
from ..scenes.scene import Scene

# Where the floor begins and where things stand on it, as shares of the height.
GROUND = 0.88


def gradient(brush: Brush, scene: Scene) -> None:
    """One colour from pale to deep, from a random side."""
    colour, canvas = tint(scene.background_colour, brush.rng), brush.canvas
    pale, deep = mix(colour, WHITE, brush.between(0.55, 0.75)), mix(colour, INK, brush.between(0, 0.2))
    if brush.rng.random() < 0.5:
        pale, deep = deep, pale
    canvas.gradient(pale, deep)
    if brush.rng.random() < 0.4:
        canvas.glow(canvas.width / 2, canvas.height * 0.45, 0.75, WHITE, brush.between(0.2, 0.5))


def room(brush: Brush, scene: Scene) -> None:
    """A painted wall with a window or a picture, a skirting board and a wooden floor."""
    canvas, wall = brush.canvas, mix(tint(scene.background_colour, brush.rng), WHITE, 0.45)
    canvas.gradient(mix(wall, WHITE, 0.15), mix(wall, INK, 0.08))
    floor = canvas.height * brush.between(0.7, 0.76)
    frame, x = brush.rng.random(), brush.between(0.18, 0.34)
    x = x if brush.rng.random() < 0.5 else canvas.width - x
    if frame < 0.75:
        pane = brush.shade(0.7, 0.88, 0.98) if frame < 0.5 else brush.shade(0.9, 0.75, 0.5)
        canvas.blob(x, 0.24, 0.3, box(0, 0, 0.14, 0.15, 0.01), mix(WHITE, INK, 0.06))
        canvas.blob(x, 0.24, 0.3, box(0, 0, 0.12, 0.13, 0.005), pane)
        if frame < 0.5:
            canvas.blob(x, 0.24, 0.3, box(0, 0, 0.008, 0.13), mix(WHITE, INK, 0.06))
            canvas.blob(x, 0.24, 0.3, box(0, 0, 0.12, 0.008), mix(WHITE, INK, 0.06))
    wood = brush.shade(0.72, 0.5, 0.32)
    edge = canvas.wave(floor, 0, 1, 0)
    canvas.below(edge - np.float32(0.025), mix(WHITE, INK, 0.08))
    canvas.below(edge, wood, mix(wood, WHITE, 0.15))


def table(brush: Brush, _: Scene) -> None:
    """A table top of wood before a dim wall."""
    canvas, wall = brush.canvas, brush.shade(0.88, 0.84, 0.78)
    canvas.gradient(mix(wall, INK, 0.12), wall, 0.7)
    canvas.glow(canvas.width * brush.between(0.2, 0.8), 0.2, 0.6, WHITE, 0.35)
    wood, level = brush.shade(0.68, 0.45, 0.27), canvas.height * brush.between(0.62, 0.7)
    canvas.below(canvas.wave(level, 0, 1, 0), mix(wood, WHITE, 0.22), mix(wood, INK, 0.08))
    for _ in range(5):
        line = canvas.height * brush.between(0.7, 1)
        canvas.blob(canvas.width / 2, line, canvas.width, box(0, 0, canvas.width, 0.003), mix(wood, INK, 0.2), 0.35)
    canvas.blob(canvas.width / 2, level, canvas.width, box(0, 0, canvas.width, 0.006), mix(wood, WHITE, 0.45), 0.8)


def beach(brush: Brush, _: Scene) -> None:
    canvas, shade = brush.canvas, brush.shade
    canvas.gradient(shade(0.45, 0.75, 0.97), shade(0.85, 0.95, 0.99), 0.5)
    brush.sky(("sun", "clouds", "")[int(brush.rng.integers(3))])
    horizon = canvas.wave(canvas.height * brush.between(0.46, 0.52), 0, 1, 0)
    canvas.below(horizon, shade(0.16, 0.6, 0.78), shade(0.3, 0.8, 0.85))
    brush.hill((0.64, 0.69), 0.018, shade(0.97, 0.98, 0.97))
    brush.hill((0.66, 0.71), 0.018, shade(0.95, 0.85, 0.62), shade(0.88, 0.74, 0.5))


def desert(brush: Brush, _: Scene) -> None:
    canvas, shade = brush.canvas, brush.shade
    canvas.gradient(shade(0.98, 0.78, 0.5), shade(1, 0.93, 0.78), 0.65)
    x = canvas.width * brush.between(0.15, 0.85)
    canvas.glow(x, 0.2, 0.35, (1, 0.95, 0.75), 0.8)
    canvas.blob(x, 0.2, 0.2, ellipse(0, 0, 0.08), (1, 0.96, 0.85))
    brush.hill((0.54, 0.62), 0.07, shade(0.9, 0.64, 0.38), shade(0.84, 0.55, 0.3))
    brush.hill((0.7, 0.76), 0.04, shade(0.93, 0.7, 0.42), shade(0.86, 0.58, 0.32), shift=2)


def moon(brush: Brush, _: Scene) -> None:
    """Grey ground with craters, black sky with stars and the earth."""
    canvas, shade, rng = brush.canvas, brush.shade, brush.rng
    canvas.gradient(shade(0.02, 0.02, 0.07), shade(0.08, 0.08, 0.16))
    brush.dots(int(rng.integers(18, 34)), (0, 0.68), (0.005, 0.011), lambda: WHITE, brush.between(0.6, 1))
    x = brush.between(0.15, 0.3) if rng.random() < 0.5 else canvas.width - brush.between(0.15, 0.3)
    y = brush.between(0.14, 0.22)
    canvas.glow(x, y, 0.2, (0.4, 0.65, 1), 0.5)
    canvas.blob(x, y, 0.2, ellipse(0, 0, 0.085), shade(0.2, 0.48, 0.9))
    canvas.blob(x - 0.02, y - 0.015, 0.1, ellipse(0, 0, 0.035, 0.03), shade(0.35, 0.7, 0.4))
    canvas.blob(x + 0.035, y + 0.03, 0.1, ellipse(0, 0, 0.022, 0.026), shade(0.35, 0.7, 0.4))
    brush.hill((0.68, 0.73), 0.015, shade(0.72, 0.72, 0.75), shade(0.5, 0.5, 0.54))
    for _ in range(int(rng.integers(4, 8))):
        place = brush.between(0, canvas.width), canvas.height * brush.between(0.79, 0.98)
        radius = brush.between(0.03, 0.075)
        canvas.blob(*place, 0.15, ellipse(0, 0, radius, radius * 0.36), shade(0.45, 0.45, 0.49))
        hollow = ellipse(0, 0.007, radius * 0.88, radius * 0.28)
        canvas.blob(*place, 0.15, hollow, shade(0.58, 0.58, 0.62))


def underwater(brush: Brush, _: Scene) -> None:
    canvas, shade, rng = brush.canvas, brush.shade, brush.rng
    canvas.gradient(shade(0.25, 0.72, 0.88), shade(0.03, 0.22, 0.5))
    for _ in range(int(rng.integers(2, 5))):
        x = canvas.width * brush.between(0, 1)
        ray = polygon([(-0.03, -0.5), (0.05, -0.5), (0.22, 0.6), (0.02, 0.6)])
        canvas.blob(x, 0.45, 0.8, ray, (0.75, 0.95, 1), 0.13, 12)
    for _ in range(int(rng.integers(5, 12))):
        place = canvas.width * brush.between(0, 1), canvas.height * brush.between(0, 0.8)
        radius = brush.between(0.008, 0.022)
        canvas.blob(*place, 0.05, ellipse(0, 0, radius), (0.85, 0.97, 1), 0.55)
        canvas.blob(*place, 0.05, ellipse(0, 0, radius * 0.65), (0.35, 0.75, 0.9), 0.55)
    brush.hill((0.86, 0.9), 0.015, shade(0.72, 0.68, 0.5), shade(0.5, 0.48, 0.38))


def sky(brush: Brush, _: Scene) -> None:
    canvas, shade = brush.canvas, brush.shade
    canvas.gradient(shade(0.3, 0.62, 0.95), shade(0.75, 0.9, 0.99))
    for _ in range(int(brush.rng.integers(3, 6))):
        place = canvas.width * brush.between(0, 1), canvas.height * brush.between(0.08, 0.95)
        canvas.cloud(*place, brush.between(0.12, 0.26), shade(0.98, 0.98, 1), 0.92)


OWN: tuple[Callable[[Brush, Scene], None], ...] = (gradient, room, table, beach, desert, moon, underwater, sky)
GLOSSY_BACKDROPS = BACKDROPS | {backdrop.__name__: backdrop for backdrop in OWN}
