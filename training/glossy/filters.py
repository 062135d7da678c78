"""Styles as filters over a finished picture; each is a function of the pixels and a generator."""

import numpy as np
from PIL import Image, ImageFilter

from ..render.shapes import Array, f32

LUMA = np.array([0.299, 0.587, 0.114], f32)


def night(pixels: Array, _: np.random.Generator) -> Array:
    """Moonlight: dark, blue, a little less coloured, lights kept."""
    grey = (pixels @ LUMA)[..., None]
    dim = (pixels * f32(0.75) + grey * f32(0.25)) * np.array([0.36, 0.44, 0.66], f32)
    return dim + f32(0.25) * np.clip(pixels - f32(0.8), 0, 1)


def watercolour(pixels: Array, rng: np.random.Generator) -> Array:
    """Pale washes with dark rims and bleeding edges on grainy paper."""
    height, width, _ = pixels.shape
    image = to_image(pixels).filter(ImageFilter.MedianFilter(5 if min(height, width) < 200 else 7))
    wash = from_image(image)
    levels = f32(9)
    flat = np.round(wash * levels) / levels
    wash = f32(0.55) * wash + f32(0.45) * flat
    soft = from_image(to_image(wash).filter(ImageFilter.GaussianBlur(min(height, width) / 64)))
    rims = np.abs(wash - soft).max(2, keepdims=True)
    wash = f32(1) - (f32(1) - wash) * f32(0.8) - rims * f32(0.9)
    grain = blotches(rng, height, width, 5) * f32(0.07) + blotches(rng, height, width, 28) * f32(0.035)
    return np.clip(wash + grain[..., None], 0, 1) * np.array([1, 0.99, 0.965], f32)


def sketch(pixels: Array, _: np.random.Generator) -> Array:
    """Dark lines on white paper where the light changes."""
    unit = min(pixels.shape[:2]) / 128
    grey = to_image(np.repeat((pixels @ LUMA)[..., None], 3, 2))
    fine, wide = (from_image(grey.filter(ImageFilter.GaussianBlur(r * unit))) for r in (0.55, 1.5))
    ink = np.clip((wide - fine)[..., :1] * f32(16) - f32(0.12), 0, 1)
    paper, line = np.array([0.985, 0.985, 0.97], f32), np.array([0.16, 0.15, 0.2], f32)
    return paper + (line - paper) * ink


def pixel(pixels: Array, _: np.random.Generator) -> Array:
    """Square blocks and few colours, as old games had them; the size must be whole blocks."""
    height, width, _ = pixels.shape
    block = max(1, min(height, width) // 32)
    coarse = pixels.reshape(height // block, block, width // block, block, 3).mean((1, 3))
    return (np.round(coarse * 9) / 9).repeat(block, 0).repeat(block, 1).astype(f32)


FILTERS = {"night": night, "watercolour": watercolour, "sketch": sketch, "pixel": pixel}


def blotches(rng: np.random.Generator, height: int, width: int, cells: int) -> Array:
    """Smooth noise about 0, [height, width], with `cells` bumps along the shorter side."""
    unit = min(height, width) / cells
    coarse = rng.integers(0, 256, (max(2, round(height / unit)), max(2, round(width / unit))), np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, f32) / 255 - f32(0.5)


def to_image(pixels: Array) -> Image.Image:
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def from_image(image: Image.Image) -> Array:
    return np.asarray(image, f32) / 255
