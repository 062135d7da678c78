"""Give a sprite another colour: its main colour changes, its shading, eyes and trimmings stay."""

import numpy as np

from ..render.shapes import Array, f32
from ..scenes.scene import COLOURS

# How far, in units of chroma, a pixel may be from the main colour to be painted whole, and to be painted at all.
NEAR, FAR = 26.0, 52.0
BINS = 24
# Lightness below which a grey pixel is an eye or a line rather than paint.
DARKEST = 22.0


def to_lab(rgb: Array) -> Array:
    """sRGB in [0, 1] [..., 3] -> CIE L*a*b* (D65)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    xyz = linear @ matrix.T / np.array([0.95047, 1.0, 1.08883])
    curve = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = curve[..., 0], curve[..., 1], curve[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def main_chroma(lab: Array, alpha: Array) -> Array:
    """The chroma (a, b) that most of the picture has."""
    weight = alpha * np.where(np.hypot(lab[..., 1], lab[..., 2]) > 12, 1.0, 0.45)
    edges = np.linspace(-110, 110, BINS + 1)
    counts, *_ = np.histogram2d(lab[..., 1].ravel(), lab[..., 2].ravel(), bins=[edges, edges], weights=weight.ravel())
    row, column = np.unravel_index(int(counts.argmax()), counts.shape)
    centre = np.array([edges[row] + edges[row + 1], edges[column] + edges[column + 1]]) / 2
    near = weight * (np.hypot(lab[..., 1] - centre[0], lab[..., 2] - centre[1]) < NEAR)
    return (lab[..., 1:] * near[..., None]).sum((0, 1)) / max(near.sum(), 1e-6)


def paint_mask(rgb: Array, alpha: Array) -> tuple[Array, Array]:
    """How much of each pixel is paint, 0 … 1, and its lightness about the paint's own, in units of L*."""
    lab = to_lab(rgb)
    chroma = main_chroma(lab, alpha)
    level = float(np.hypot(*chroma))
    own = np.hypot(lab[..., 1], lab[..., 2])
    # Shades of one hue differ in chroma as light falls on them: only the angle counts for a strong colour.
    along = (lab[..., 1] * chroma[0] + lab[..., 2] * chroma[1]) / max(level, 1e-6)
    aside = np.hypot(*(lab[..., 1 + i] - along * chroma[i] / max(level, 1e-6) for i in (0, 1)))
    if level > 20:
        distance = aside + np.clip(0.3 * level - along, 0, None) * 3.5
    else:
        distance = np.hypot(lab[..., 1] - chroma[0], lab[..., 2] - chroma[1]) * 1.5
        distance = distance + np.clip(DARKEST + 12 - lab[..., 0], 0, None) * 4
    mask = np.clip((FAR - distance) / (FAR - NEAR), 0, 1) * np.clip((own + 8) / 8, 0, 1)
    weight = mask * alpha
    middle = float((lab[..., 0] * weight).sum() / max(weight.sum(), 1e-6))
    return mask.astype(f32), (lab[..., 0] - middle).astype(f32)


def recolour(rgb: Array, mask: Array, light: Array, colour: str) -> Array:
    """`rgb` [h, w, 3] in [0, 1] with its paint in the named colour, shaded as `light` says."""
    base = np.array(COLOURS[colour], f32) / 255
    shadow, shine = base * f32(0.32), f32(0.25) * base + f32(0.75)
    down, up = np.clip(-light / 55, 0, 1)[..., None], np.clip(light / 50, 0, 1)[..., None]
    painted = base + (shadow - base) * down + (shine - base) * up
    return (rgb + (painted - rgb) * mask[..., None]).astype(f32)
