"""The book of sprites: `python -m training.glossy.sprites` fetches the emoji and paints them.

<cache>/book-<n>.npy holds every concept in its own colours and, where it may be painted, in all nine:
uint8 [n, SIDE, SIDE, 4], RGB multiplied by alpha, cut to what is visible and scaled so that the longer
side fills the square. <cache>/book-<n>.json says where each one lies and how wide and tall it is.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from ..render.shapes import Array, f32
from ..run.checkpoints import need_space
from ..run.problem import Problem, run
from ..scenes.scene import COLOUR_NAMES
from .concepts import CONCEPTS
from .fetch import NAMES, PICTURES, cache_folder, package_folder
from .recolour import paint_mask, recolour

SIDE = 176
VISIBLE = 12


@dataclass(frozen=True)
class Book:
    pixels: Array
    rows: dict[str, int]  # "fox" and "fox/blue"
    extents: dict[str, tuple[float, float]]  # width and height of a concept, the longer one is 1

    def sprite(self, kind: str, colour: str = "") -> Image.Image:
        """RGBa of SIDE x SIDE; the concept's own colours when `colour` is ''."""
        row = self.rows[f"{kind}/{colour}" if colour else kind]
        return Image.frombytes("RGBa", (SIDE, SIDE), self.pixels[row].tobytes())


@cache
def book() -> Book:
    """The book in the cache; made when it is missing or belongs to other concepts."""
    pixels, index = paths()
    if not index.exists():
        make(pixels, index)
    try:
        data = json.loads(index.read_text(encoding="utf8"))
        extents = {kind: (size[0], size[1]) for kind, size in data["extents"].items()}
        return Book(np.load(pixels, mmap_mode="r"), data["rows"], extents)
    except (OSError, ValueError, KeyError) as error:
        raise Problem(f"the sprites {pixels} are damaged ({error}); delete them and start again.") from error


def paths() -> tuple[Path, Path]:
    """A new list of concepts or another painter gets a new book."""
    here = Path(__file__)
    parts = [here.with_name(name).read_bytes() for name in ("concepts.json", "recolour.py", "sprites.py")]
    key = hashlib.sha256(b"".join(parts)).hexdigest()[:12]
    return cache_folder() / f"book-{key}.npy", cache_folder() / f"book-{key}.json"


def make(pixels: Path, index: Path) -> None:
    count = sum(1 + len(COLOUR_NAMES) * concept.paint for concept in CONCEPTS.values())
    need_space(pixels.parent, count * SIDE * SIDE * 4)
    emojis = json.loads((package_folder(NAMES) / "data-by-emoji.json").read_text(encoding="utf8"))
    emoji_of = {entry["name"]: emoji for emoji, entry in emojis.items()}
    pages, rows, extents = [], {}, {}
    for kind, concept in CONCEPTS.items():
        if concept.emoji not in emoji_of:
            raise Problem(f'no emoji is called "{concept.emoji}" (concept "{kind}"); see unicode-emoji-json.')
        rgb, alpha, extents[kind] = cut(picture_of(emoji_of[concept.emoji]), concept.crop)
        rows[kind] = len(pages)
        pages.append(premultiplied(rgb, alpha))
        if concept.paint:
            mask, light = paint_mask(rgb, alpha)
            for colour in COLOUR_NAMES:
                rows[f"{kind}/{colour}"] = len(pages)
                pages.append(premultiplied(recolour(rgb, mask, light, colour), alpha))
    # Whole files under names of their own, then in place: two processes may do this at once. The index comes last.
    partial = pixels.with_name(f"{os.getpid()}.partial.npy")
    np.save(partial, np.stack(pages))
    partial.rename(pixels)
    partial.write_text(json.dumps({"rows": rows, "extents": extents}), encoding="utf8")
    partial.rename(index)


def picture_of(emoji: str) -> Image.Image:
    """The file is named by code points; variation selectors are written in some names only."""
    assets = package_folder(PICTURES) / "assets"
    whole = "-".join(f"{ord(letter):x}" for letter in emoji)
    for name in (whole, whole.replace("-fe0f", ""), f"{whole}-fe0f"):
        if (path := assets / f"{name}.webp").exists():
            return Image.open(path).convert("RGBA")
    raise Problem(f"{assets} has no picture of {emoji} ({whole}); delete the cache to fetch it anew.")


def cut(picture: Image.Image, crop: float) -> tuple[Array, Array, tuple[float, float]]:
    """RGB [SIDE, SIDE, 3] and alpha in [0, 1], trimmed and centred; the share of the square it fills."""
    box = picture.getchannel("A").point(lambda value: 255 if value > VISIBLE else 0).getbbox()
    if box is None:
        raise Problem("an emoji's picture is empty; delete the cache to fetch it anew.")
    left, top, right, bottom = box
    part = picture.crop((left, top, right, round(bottom - crop * (bottom - top))))
    scale = SIDE / max(part.size)
    size = max(1, round(part.width * scale)), max(1, round(part.height * scale))
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(part.resize(size, Image.Resampling.LANCZOS), ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    pixels = np.asarray(square, f32) / 255
    return pixels[..., :3], pixels[..., 3], (size[0] / SIDE, size[1] / SIDE)


def premultiplied(rgb: Array, alpha: Array) -> Array:
    whole = np.concatenate([np.clip(rgb, 0, 1) * alpha[..., None], alpha[..., None]], -1)
    return (whole * 255 + 0.5).astype(np.uint8)


def main() -> None:
    made = book()
    print(f"sprites: {len(made.rows)} of {len(made.extents)} concepts in {paths()[0]}")


if __name__ == "__main__":
    run(main)
