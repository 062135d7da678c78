"""Signed distance functions (SDFs): the outlines that every picture is drawn from.

An SDF maps coordinate arrays x (right) and y (down) to the distance from the outline, negative
inside. One object's own coordinates span [-0.5, 0.5] in both directions. Formulae after
Inigo Quilez, "2D distance functions".
"""

from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray
Sdf = Callable[[Array, Array], Array]
f32 = np.float32


def ellipse(cx: float, cy: float, rx: float, ry: float | None = None, turn: float = 0.0) -> Sdf:
    """Ellipse about (cx, cy), turned by `turn` radians; a circle when `ry` is left out."""
    ry = ry or rx

    def distance(x: Array, y: Array) -> Array:
        x, y = x - f32(cx), y - f32(cy)
        if turn:
            x, y = rotate(x, y, turn)
        if rx == ry:
            return np.sqrt(x * x + y * y) - f32(rx)
        a, b = x / f32(rx), y / f32(ry)
        inside = np.sqrt(a * a + b * b)
        a, b = a / f32(rx), b / f32(ry)
        return inside * (inside - 1) / (np.sqrt(a * a + b * b) + f32(1e-6))

    return distance


def box(cx: float, cy: float, half_width: float, half_height: float, round_: float = 0.0) -> Sdf:
    """Axis-parallel box about (cx, cy) with corners rounded by the radius `round_`."""

    def distance(x: Array, y: Array) -> Array:
        a = np.abs(x - f32(cx)) - f32(half_width - round_)
        b = np.abs(y - f32(cy)) - f32(half_height - round_)
        outside = np.sqrt(np.maximum(a, 0) ** 2 + np.maximum(b, 0) ** 2)
        return outside + np.minimum(np.maximum(a, b), 0) - f32(round_)

    return distance


def stroke(ax: float, ay: float, bx: float, by: float, radius: float) -> Sdf:
    """Line from a to b, drawn with a round pen of that radius."""
    dx, dy = bx - ax, by - ay
    scale = f32(1 / (dx * dx + dy * dy + 1e-9))
    dx, dy = f32(dx), f32(dy)

    def distance(x: Array, y: Array) -> Array:
        px, py = x - f32(ax), y - f32(ay)
        along = np.clip((px * dx + py * dy) * scale, 0, 1)
        px, py = px - dx * along, py - dy * along
        return np.sqrt(px * px + py * py) - f32(radius)

    return distance


def polygon(points: Sequence[tuple[float, float]], round_: float = 0.0) -> Sdf:
    """Closed polygon through `points`, grown by `round_`, which also rounds its corners."""
    corners = np.asarray(points, f32)

    def distance(x: Array, y: Array) -> Array:
        x, y = np.broadcast_arrays(x, y)
        nearest = np.full(x.shape, np.inf, f32)
        outside = np.ones(x.shape, bool)
        for i, (ax, ay) in enumerate(corners):
            bx, by = corners[i - 1]
            ex, ey, wx, wy = bx - ax, by - ay, x - ax, y - ay
            along = np.clip((wx * ex + wy * ey) * f32(1 / (ex * ex + ey * ey + 1e-9)), 0, 1)
            qx, qy = wx - ex * along, wy - ey * along
            np.minimum(nearest, qx * qx + qy * qy, out=nearest)
            above, below, left = wy >= 0, y < by, ex * wy > ey * wx
            outside ^= (above & below & left) | ~(above | below | left)
        return np.where(outside, 1, -1).astype(f32) * np.sqrt(nearest) - f32(round_)

    return distance


def half_plane(a: float, b: float, k: float) -> Sdf:
    """All points with a·x + b·y <= k; (a, b) of length 1."""
    return lambda x, y: f32(a) * x + f32(b) * y - f32(k)


def both(first: Sdf, second: Sdf) -> Sdf:
    return lambda x, y: np.maximum(first(x, y), second(x, y))


def without(first: Sdf, second: Sdf) -> Sdf:
    return lambda x, y: np.maximum(first(x, y), -second(x, y))


def union(*parts: Sdf) -> Sdf:
    return lambda x, y: np.minimum.reduce([part(x, y) for part in parts])


def rotate(x: Array, y: Array, turn: float) -> tuple[Array, Array]:
    cosine, sine = f32(np.cos(turn)), f32(np.sin(turn))
    return x * cosine + y * sine, y * cosine - x * sine


def star_points(outer: float, inner: float, tips: int = 5) -> list[tuple[float, float]]:
    """Corners of a star that stands on two tips, clockwise from the top."""
    angles = [(np.pi * i / tips, inner if i % 2 else outer) for i in range(2 * tips)]
    return [(float(np.sin(a) * r), float(-np.cos(a) * r)) for a, r in angles]


def heart_points(corners: int = 24) -> list[tuple[float, float]]:
    """The trigonometric heart curve, about one unit wide."""
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    height = 13 * np.cos(turns) - 5 * np.cos(2 * turns) - 2 * np.cos(3 * turns) - np.cos(4 * turns)
    return [(float(0.448 * np.sin(t) ** 3), float(-0.028 * h - 0.04)) for t, h in zip(turns, height)]
