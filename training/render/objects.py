"""How each object looks: layers of outlines and colours, painted in order."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .shapes import (
    Array,
    Sdf,
    both,
    box,
    ellipse,
    half_plane,
    heart_points,
    polygon,
    star_points,
    stroke,
    union,
    without,
)

WHITE = np.ones(3, np.float32)
INK = np.array([0.12, 0.11, 0.15], np.float32)
FLOATING = {"star", "heart", "balloon", "butterfly", "rocket", "umbrella", "moon", "fish"}
# A fish or a cat that faced either way came out facing both: two heads, or a head at neither end.
MIRRORED = {"car", "boat", "moon"}
SIDES = (-1, 1)


class Layer(NamedTuple):
    """`outline`: drawn with an ink line. `glow`: a soft light of radius `glow` instead of a fill."""

    sdf: Sdf
    colour: Array
    outline: bool = True
    glow: float = 0.0


def rgb(red: float, green: float, blue: float) -> Array:
    return np.array([red, green, blue], np.float32)


def mix(first: Array, second: Array, share: float) -> Array:
    return (first * (1 - share) + second * share).astype(np.float32)


def fill(sdf: Sdf, colour: Array) -> Layer:
    return Layer(sdf, colour, outline=False)


def eyes(xs: tuple[float, ...], y: float, radius: float, colour: Array = INK) -> list[Layer]:
    pupils = [fill(ellipse(x, y, radius, radius * 1.15), colour) for x in xs]
    shine = [fill(ellipse(x - radius * 0.3, y - radius * 0.4, radius * 0.36), WHITE) for x in xs]
    return pupils + shine


def is_dark(colour: Array) -> bool:
    return bool(colour.mean() < 0.3)


def is_pale(colour: Array, limit: float = 0.85) -> bool:
    return bool(colour.mean() >= limit)


def brown(rng: np.random.Generator) -> Array:
    return rgb(0.47, 0.31, 0.2) + np.float32(rng.normal(0, 0.02))


def star(colour: Array, rng: np.random.Generator) -> list[Layer]:
    body = [Layer(polygon(star_points(0.46, 0.215), 0.03), colour)]
    face = WHITE * 0.92 if is_dark(colour) else INK
    return body + eyes((-0.1, 0.1), 0.0, 0.035, face) if rng.random() < 0.35 else body


def heart(colour: Array, _: np.random.Generator) -> list[Layer]:
    shine = fill(ellipse(-0.21, -0.2, 0.085, 0.055, -0.6), mix(colour, WHITE, 0.6))
    return [Layer(polygon(heart_points()), colour), shine]


def flower(colour: Array, rng: np.random.Generator) -> list[Layer]:
    green, count = rgb(0.25, 0.6, 0.28), 5 if rng.random() < 0.5 else 6
    turns = [2 * np.pi * i / count for i in range(count)]
    petals = [ellipse(0.19 * np.sin(a), -0.18 - 0.19 * np.cos(a), 0.125) for a in turns]
    yellowish = abs(colour[0] - 0.98) + abs(colour[2] - 0.26) <= 0.35
    return [
        Layer(stroke(0, -0.1, 0.02, 0.48, 0.025), green),
        Layer(ellipse(0.13, 0.3, 0.12, 0.055, -0.5), green),
        Layer(ellipse(-0.12, 0.36, 0.11, 0.05, 0.5), green),
        Layer(union(*petals), colour),
        Layer(ellipse(0, -0.18, 0.1), brown(rng) if yellowish else rgb(0.98, 0.8, 0.25)),
    ]


def mushroom(colour: Array, _: np.random.Generator) -> list[Layer]:
    spot = rgb(0.85, 0.35, 0.3) if is_pale(colour, 0.8) else WHITE * 0.97
    spots = ((-0.2, -0.12, 0.075, 0.065), (0.08, -0.25, 0.085, 0.07), (0.25, -0.04, 0.06, 0.06))
    return [
        Layer(box(0, 0.25, 0.14, 0.22, 0.09), rgb(0.96, 0.91, 0.8)),
        Layer(both(ellipse(0, 0.06, 0.46, 0.48), half_plane(0, 1, 0.1)), colour),
        *[fill(ellipse(*place), spot) for place in spots],
        *eyes((-0.06, 0.06), 0.24, 0.024),
    ]


def tree(colour: Array, rng: np.random.Generator) -> list[Layer]:
    bark = brown(rng)
    if rng.random() < 0.3:
        trunk = Layer(box(0, 0.38, 0.05, 0.13), bark)
        tiers = [((0, -0.5 + 0.2 * i), 0.22 + 0.07 * i, -0.12 + 0.21 * i) for i in (2, 1, 0)]
        return [trunk] + [Layer(polygon([top, (w, y), (-w, y)], 0.02), colour) for top, w, y in tiers]
    crown = union(
        ellipse(0, -0.24, 0.25), ellipse(-0.22, -0.1, 0.2), ellipse(0.22, -0.1, 0.2), ellipse(0, -0.02, 0.2)
    )
    layers = [
        Layer(polygon([(-0.045, 0), (0.045, 0), (0.085, 0.5), (-0.085, 0.5)]), bark),
        Layer(crown, colour),
    ]
    pinkish = abs(colour[0] - 0.96) + abs(colour[1] - 0.55) < 0.25
    if not pinkish and rng.random() >= 0.2:
        return layers + [fill(ellipse(-0.08, -0.28, 0.1, 0.07, -0.4), mix(colour, WHITE, 0.22))]
    places = ((-0.2, -0.15), (0.02, -0.33), (0.2, -0.12), (-0.04, -0.08), (0.1, -0.2), (-0.3, -0.06))
    return layers + [fill(ellipse(x, y, 0.03), mix(colour, WHITE, 0.65)) for x, y in places]


def house(colour: Array, rng: np.random.Generator) -> list[Layer]:
    roof = rgb(0.75, 0.3, 0.25) if is_pale(colour, 0.75) else mix(colour, INK, 0.35)
    window = rgb(1, 0.88, 0.45)
    return [
        Layer(box(0.22, -0.3, 0.055, 0.13), mix(roof, INK, 0.25)),
        Layer(box(0, 0.2, 0.36, 0.28), colour),
        Layer(polygon([(0, -0.46), (0.47, -0.04), (-0.47, -0.04)], 0.015), roof),
        Layer(box(0, 0.33, 0.08, 0.15, 0.02), brown(rng)),
        *[Layer(box(side * 0.21, 0.16, 0.07, 0.07, 0.01), window) for side in SIDES],
    ]


def boat(colour: Array, rng: np.random.Generator) -> list[Layer]:
    sail = rgb(0.9, 0.4, 0.35) if is_pale(colour) else WHITE * 0.97
    jib = mix(sail, colour, 0.35)
    return [
        Layer(stroke(0, 0.2, 0, -0.46, 0.018), brown(rng)),
        Layer(polygon([(0.04, -0.42), (0.36, 0.12), (0.04, 0.12)], 0.01), sail),
        Layer(polygon([(-0.04, -0.3), (-0.28, 0.12), (-0.04, 0.12)], 0.01), jib),
        Layer(polygon([(-0.47, 0.18), (0.47, 0.18), (0.3, 0.42), (-0.3, 0.42)], 0.015), colour),
        fill(box(0, 0.25, 0.34, 0.018), mix(colour, WHITE, 0.7)),
    ]


def fish(colour: Array, _: np.random.Generator) -> list[Layer]:
    fins, inner = mix(colour, INK, 0.35), ellipse(-0.07, 0, 0.34, 0.21)
    return [
        Layer(polygon([(0.2, 0), (0.47, -0.2), (0.42, 0), (0.47, 0.2)], 0.02), fins),
        Layer(polygon([(-0.08, -0.18), (0.14, -0.3), (0.12, -0.12)], 0.02), fins),
        Layer(ellipse(-0.07, 0, 0.36, 0.23), colour),
        fill(both(inner, half_plane(-1, 0, -0.06)), mix(colour, WHITE, 0.22)),
        fill(both(inner, half_plane(-1, 0, -0.17)), colour),
        *eyes((-0.26,), -0.05, 0.045),
    ]


def cat(colour: Array, _: np.random.Generator) -> list[Layer]:
    inner, dark = rgb(0.98, 0.66, 0.7), is_dark(colour)
    ears = [polygon([(s * 0.29, -0.47), (s * 0.3, -0.18), (s * 0.06, -0.3)], 0.015) for s in SIDES]
    insides = [polygon([(s * 0.26, -0.4), (s * 0.265, -0.25), (s * 0.13, -0.31)]) for s in SIDES]
    whiskers = [stroke(s * 0.12, -0.02, s * 0.36, -0.05 + 0.05 * i, 0.007) for s in SIDES for i in (0, 1)]
    return [
        Layer(stroke(0.22, 0.4, 0.4, 0.12, 0.05), colour),
        Layer(ellipse(0, 0.25, 0.26, 0.25), colour),
        fill(ellipse(0, 0.32, 0.14, 0.16), mix(colour, WHITE, 0.45)),
        *[Layer(ear, colour) for ear in ears],
        *[fill(inside, inner) for inside in insides],
        Layer(ellipse(0, -0.12, 0.31, 0.25), colour),
        *eyes((-0.13, 0.13), -0.13, 0.046, rgb(0.98, 0.85, 0.3) if dark else INK),
        fill(ellipse(0, -0.05, 0.028, 0.02), inner * 0.9),
        *[fill(whisker, WHITE * 0.92 if dark else INK) for whisker in whiskers],
    ]


def fox(colour: Array, _: np.random.Generator) -> list[Layer]:
    white = WHITE * (0.8 if is_pale(colour) else 0.97)
    ears = [polygon([(s * 0.4, -0.45), (s * 0.42, -0.02), (s * 0.08, -0.2)], 0.02) for s in SIDES]
    insides = [polygon([(s * 0.365, -0.36), (s * 0.37, -0.12), (s * 0.2, -0.2)]) for s in SIDES]
    head = [(-0.4, -0.02), (-0.18, -0.24), (0.18, -0.24), (0.4, -0.02), (0.06, 0.42), (-0.06, 0.42)]
    cheeks = [[(s * 0.41, 0), (s * 0.17, 0.04), (s * 0.04, 0.3), (s * 0.07, 0.42)] for s in SIDES]
    return [
        *[Layer(ear, colour) for ear in ears],
        *[fill(inside, INK) for inside in insides],
        Layer(polygon(head, 0.03), colour),
        *[fill(polygon(cheek, 0.005), white) for cheek in cheeks],
        *eyes((-0.17, 0.17), 0.0, 0.042, rgb(0.98, 0.85, 0.3) if is_dark(colour) else INK),
        fill(ellipse(0, 0.4, 0.05, 0.04), INK),
    ]


def owl(colour: Array, _: np.random.Generator) -> list[Layer]:
    beak = rgb(0.98, 0.68, 0.2)
    ears = [polygon([(s * 0.3, -0.46), (s * 0.32, -0.2), (s * 0.08, -0.34)], 0.02) for s in SIDES]
    return [
        *[Layer(stroke(s * 0.1, 0.42, s * 0.1, 0.46, 0.035), beak) for s in SIDES],
        *[Layer(ear, colour) for ear in ears],
        Layer(ellipse(0, 0.04, 0.34, 0.42), colour),
        fill(ellipse(0, 0.2, 0.19, 0.2), mix(colour, WHITE, 0.55)),
        *[Layer(ellipse(s * 0.3, 0.12, 0.1, 0.24, s * 0.2), mix(colour, INK, 0.35)) for s in SIDES],
        *[Layer(ellipse(s * 0.14, -0.14, 0.14), WHITE * 0.97) for s in SIDES],
        *[fill(ellipse(s * 0.13, -0.14, 0.07), INK) for s in SIDES],
        *[fill(ellipse(s * 0.13 - 0.02, -0.17, 0.024), WHITE) for s in SIDES],
        Layer(polygon([(-0.055, -0.06), (0.055, -0.06), (0, 0.06)], 0.008), beak),
    ]


def balloon(colour: Array, _: np.random.Generator) -> list[Layer]:
    return [
        fill(stroke(0, 0.2, 0.04, 0.34, 0.01), INK * 2.5),
        fill(stroke(0.04, 0.34, -0.02, 0.5, 0.01), INK * 2.5),
        Layer(polygon([(-0.05, 0.24), (0.05, 0.24), (0, 0.16)], 0.008), mix(colour, INK, 0.35)),
        Layer(ellipse(0, -0.14, 0.3, 0.34), colour),
        fill(ellipse(-0.12, -0.27, 0.055, 0.1, 0.5), mix(colour, WHITE, 0.65)),
    ]


def car(colour: Array, _: np.random.Generator) -> list[Layer]:
    glass = rgb(0.75, 0.9, 0.98)
    return [
        Layer(polygon([(-0.22, -0.22), (0.12, -0.22), (0.26, 0.02), (-0.3, 0.02)], 0.04), colour),
        fill(polygon([(-0.19, -0.18), (-0.04, -0.18), (-0.04, -0.02), (-0.25, -0.02)]), glass),
        fill(polygon([(0.02, -0.18), (0.1, -0.18), (0.19, -0.02), (0.02, -0.02)]), glass),
        Layer(box(0, 0.11, 0.46, 0.12, 0.06), colour),
        fill(ellipse(0.41, 0.08, 0.035), rgb(1, 0.92, 0.5)),
        *[Layer(ellipse(s * 0.26, 0.23, 0.115), INK * 1.4) for s in SIDES],
        *[fill(ellipse(s * 0.26, 0.23, 0.05), WHITE * 0.8) for s in SIDES],
    ]


def rocket(colour: Array, _: np.random.Generator) -> list[Layer]:
    trim = rgb(0.85, 0.3, 0.28) if is_pale(colour) else WHITE * 0.95
    wings = [polygon([(s * 0.14, 0.02), (s * 0.32, 0.3), (s * 0.12, 0.3)], 0.02) for s in SIDES]
    return [
        Layer(polygon([(-0.1, 0.3), (0.1, 0.3), (0, 0.52)], 0.02), rgb(1, 0.6, 0.15)),
        fill(polygon([(-0.05, 0.3), (0.05, 0.3), (0, 0.42)], 0.01), rgb(1, 0.9, 0.4)),
        *[Layer(wing, mix(colour, INK, 0.25)) for wing in wings],
        Layer(ellipse(0, -0.06, 0.19, 0.42), colour),
        fill(both(ellipse(0, -0.06, 0.17, 0.40), half_plane(0, 1, -0.27)), trim),
        Layer(ellipse(0, -0.1, 0.085), rgb(0.7, 0.88, 0.98)),
        Layer(box(0, 0.28, 0.1, 0.03, 0.01), trim),
    ]


def umbrella(colour: Array, rng: np.random.Generator) -> list[Layer]:
    wood, scallops = brown(rng), union(*[ellipse(x, 0.06, 0.155, 0.1) for x in (-0.31, 0, 0.31)])
    outer = both(ellipse(0, 0.04, 0.465, 0.47), half_plane(0, 1, 0.06))
    inner = both(ellipse(0, 0.04, 0.16, 0.45), half_plane(0, 1, 0.06))
    return [
        Layer(stroke(0, -0.1, 0, 0.4, 0.02), wood),
        Layer(stroke(0, 0.42, 0.1, 0.4, 0.025), wood),
        Layer(without(outer, scallops), colour),
        fill(without(inner, scallops), mix(colour, WHITE, 0.45)),
        Layer(stroke(0, -0.43, 0, -0.48, 0.018), wood),
    ]


def butterfly(colour: Array, _: np.random.Generator) -> list[Layer]:
    spot, layers = mix(colour, WHITE, 0.65), []
    for s in SIDES:
        layers += [
            Layer(ellipse(s * 0.22, 0.19, 0.17, 0.15, s * 0.5), mix(colour, WHITE, 0.2)),
            Layer(ellipse(s * 0.25, -0.14, 0.23, 0.2, -s * 0.5), colour),
            fill(ellipse(s * 0.28, -0.16, 0.09), spot),
            fill(ellipse(s * 0.22, 0.2, 0.06), spot),
        ]
    feelers = [fill(stroke(s * 0.02, -0.22, s * 0.11, -0.4, 0.012), INK * 1.6) for s in SIDES]
    return layers + [fill(stroke(0, -0.2, 0, 0.24, 0.04), INK * 1.6), *feelers]


def lamp(colour: Array, _: np.random.Generator) -> list[Layer]:
    light = rgb(1, 0.9, 0.5)
    return [
        Layer(ellipse(0, -0.3, 0.01), light, outline=False, glow=0.34),
        Layer(box(0, 0.46, 0.12, 0.04, 0.015), colour),
        Layer(stroke(0, -0.12, 0, 0.46, 0.028), colour),
        Layer(polygon([(-0.15, -0.4), (0.15, -0.4), (0.1, -0.12), (-0.1, -0.12)], 0.01), light),
        Layer(polygon([(0, -0.5), (0.19, -0.4), (-0.19, -0.4)], 0.01), colour),
        Layer(box(0, -0.12, 0.11, 0.025), colour),
    ]


def moon(colour: Array, rng: np.random.Generator) -> list[Layer]:
    if rng.random() < 0.55:
        return [Layer(without(ellipse(-0.02, 0, 0.44), ellipse(0.19, -0.08, 0.36)), colour)]
    craters = ((-0.13, -0.12, 0.1), (0.17, 0.05, 0.07), (-0.05, 0.2, 0.06))
    shade = mix(colour, INK, 0.13)
    return [Layer(ellipse(0, 0, 0.43), colour), *[fill(ellipse(*place), shade) for place in craters]]


DRAWINGS: dict[str, Callable[[Array, np.random.Generator], list[Layer]]] = {
    drawing.__name__: drawing
    for drawing in (
        star, heart, flower, mushroom, tree, house, boat, fish, cat, fox, owl, balloon,
        car, rocket, umbrella, butterfly, lamp, moon,
    )
}  # fmt: skip
