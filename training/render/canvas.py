"""A float32 picture and the anti-aliased strokes that fill it.

Coordinates: the shorter side is 1 unit long, x to the right, y down. Colours are RGB in [0, 1].
An outline's coverage of a pixel is clip(1/2 - distance / pixel), a box filter along the normal.
"""

from collections.abc import Sequence

import numpy as np

from .objects import INK, WHITE, Layer
from .shapes import Array, Sdf, box, ellipse, f32, rotate, union

Colour = Array | Sequence[float]


class Canvas:
    def __init__(self, width: int, height: int) -> None:
        self.unit = min(width, height)
        self.pixel = f32(1 / self.unit)
        # Colour planes first: numpy is three times as fast on long rows as on triples.
        self.pixels = np.zeros((3, height, width), f32)
        self.xs = (np.arange(width, dtype=f32) + 0.5) / self.unit
        self.ys = (np.arange(height, dtype=f32) + 0.5) / self.unit
        self.width, self.height = width / self.unit, height / self.unit

    def gradient(self, top: Colour, bottom: Colour, end: float = 1.0) -> None:
        """Fill all: `top` at the upper edge, `bottom` from the share `end` of the height on."""
        share = np.clip(self.ys / (end * self.height), 0, 1)[:, None]
        self.pixels[:] = planes(top) * (1 - share) + planes(bottom) * share

    def below(self, edge: Array, colour: Colour, foot: Colour | None = None) -> None:
        """Fill what lies below the curve `edge` (one y a column), shading down to `foot`."""
        highest = max(0, int(float(edge.min()) * self.unit) - 1)
        ys, view = self.ys[highest:, None], self.pixels[:, highest:]
        shade = planes(colour)
        if foot is not None:
            share = np.clip((ys - edge.min()) / (self.ys[-1] - edge.min() + 1e-3), 0, 1)
            shade = (shade * (1 - share) + planes(foot) * share).astype(f32)
        paint(view, shade, np.clip((ys - edge) / self.pixel + 0.5, 0, 1).astype(f32))

    def wave(self, y: float, height: float, frequency: float, phase: float) -> Array:
        return (y + height * np.sin(self.xs * frequency + phase)).astype(f32)

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """The rows and columns within `reach` of (x, y); empty when none is on the canvas."""
        rows, columns = self.pixels.shape[1:]
        left, right = max(0, int((x - reach) * self.unit)), int((x + reach) * self.unit) + 2
        top, bottom = max(0, int((y - reach) * self.unit)), int((y + reach) * self.unit) + 2
        return slice(top, max(top, min(rows, bottom))), slice(left, max(left, min(columns, right)))

    def blob(
        self, x: float, y: float, reach: float, sdf: Sdf, colour: Colour, alpha: float = 1, soft: float = 1
    ) -> None:
        """Fill `sdf`, whose origin is put at (x, y), with an edge `soft` pixels wide."""
        rows, columns = self.window(x, y, reach)
        distance = sdf(self.xs[columns][None] - f32(x), self.ys[rows][:, None] - f32(y))
        coverage = np.clip(0.5 - distance / (self.pixel * f32(soft)), 0, 1) * f32(alpha)
        paint(self.pixels[:, rows, columns], colour, coverage)

    def glow(self, x: float, y: float, reach: float, colour: Colour, alpha: float) -> None:
        rows, columns = self.window(x, y, reach)
        dx, dy = self.xs[columns][None] - f32(x), self.ys[rows][:, None] - f32(y)
        strength = np.clip(1 - np.sqrt(dx * dx + dy * dy) / f32(reach), 0, 1) ** 2
        paint(self.pixels[:, rows, columns], colour, strength * f32(alpha))

    def cloud(self, x: float, y: float, size: float, colour: Colour, alpha: float = 0.95) -> None:
        places = ((0, 0, 0.42), (-0.42, 0.1, 0.3), (0.42, 0.1, 0.3))
        puffs = [ellipse(dx * size, dy * size, r * size) for dx, dy, r in places]
        base = box(0, 0.25 * size, 0.62 * size, 0.16 * size, 0.15 * size)
        self.blob(x, y, size * 1.3, union(*puffs, base), colour, alpha)

    def draw(
        self,
        layers: list[Layer],
        x: float,
        y: float,
        size: float,
        *,
        style: str = "flat",
        mirrored: bool = False,
        turn: float = 0.0,
        line: float = 0.016,
    ) -> None:
        """Draw an object of `size` units at (x, y), with ink lines `line` units wide."""
        rows, columns = self.window(x, y, size * 0.64 + 0.03)
        view = self.pixels[:, rows, columns]
        u = np.broadcast_to((self.xs[columns][None] - f32(x)) / f32(size), view.shape[1:])
        v = np.broadcast_to((self.ys[rows][:, None] - f32(y)) / f32(size), view.shape[1:])
        if turn:
            u, v = rotate(u, v, turn)
        if mirrored:
            u = -u
        sharpness, half_line = f32(size) / self.pixel, f32(line / size / 2)
        distances = [layer.sdf(u, v) for layer in layers]
        if style == "sticker":
            solid = np.minimum.reduce([d for d, layer in zip(distances, layers) if not layer.glow])
            rim = solid - f32(0.042 / size)
            paint(view, INK, np.clip(0.5 - (rim - f32(0.008 / size)) * sharpness / 3, 0, 1) * f32(0.3))
            paint(view, WHITE, np.clip(0.5 - rim * sharpness, 0, 1))
        light = (1.08 - 0.22 * np.clip(v + 0.5, 0, 1)).astype(f32)
        for layer, distance in zip(layers, distances):
            if layer.glow:
                if style in ("flat", "pixel"):
                    paint(view, layer.colour, np.clip(1 - distance / f32(layer.glow), 0, 1) ** 1.5 * f32(0.6))
                continue
            filling, ink = colours(layer, style, light)
            edge = f32(0)
            if layer.outline or style == "sketch":
                outer = distance - (half_line if layer.outline else 0)
                paint(view, ink, np.clip(0.5 - outer * sharpness, 0, 1))
                edge = half_line if layer.outline else half_line * f32(1.2)
            paint(view, filling, np.clip(0.5 - (distance + edge) * sharpness, 0, 1))


def planes(colour: Colour) -> Array:
    """RGB as [3, 1, 1]; what has planes already stays."""
    array = np.asarray(colour, f32)
    return array[:, None, None] if array.ndim == 1 else array


def paint(view: Array, colour: Colour, coverage: Array) -> None:
    """Blend `colour` into `view` [3, h, w] in place, only where there is coverage [h, w]."""
    rows = np.flatnonzero(coverage.any(1))
    if not len(rows):
        return
    columns = np.flatnonzero(coverage.any(0))
    inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    part, shade = view[:, *inner], planes(colour)
    if shade.shape[2] > 1:
        shade = shade[:, *inner]
    elif shade.shape[1] > 1:
        shade = shade[:, inner[0]]
    part += (shade - part) * coverage[inner]


def colours(layer: Layer, style: str, light: Array) -> tuple[Array, Array]:
    """Filling and ink of one layer; a sketch keeps paper white but for small dark marks."""
    if style == "sketch":
        is_paper = layer.outline or layer.colour.mean() > 0.35
        return (WHITE * 0.97 if is_paper else INK * 1.3), INK * 1.2
    return np.minimum(planes(layer.colour) * light, 1), layer.colour * f32(0.42)
