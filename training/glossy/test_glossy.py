"""`python -m unittest training.glossy.test_glossy`: the glossy world, with sprites drawn here instead of fetched."""

import os
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np

from ..render.render import render
from ..run.problem import Problem
from ..scenes.captions import GLOSSY_WORDS, RELATED, Narrator, read_words
from ..scenes.exam import Examiner
from ..scenes.labels import Heads, labels
from ..scenes.scene import COLOUR_NAMES, RELATIONS, Scene, Thing, sample_scene
from . import fetch, sprites
from .concepts import CONCEPTS
from .filters import FILTERS
from .recolour import paint_mask, recolour
from .sprites import SIDE, Book, cut, premultiplied
from .world import GLOSSY


def disc(colour: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A shaded ball with a dark eye: RGB and alpha."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE - 0.5
    light = 0.65 + 0.35 * np.clip(1 - 2 * np.hypot(x + 0.15, y + 0.15), 0, 1)
    rgb = np.array(colour)[None, None] * light[..., None]
    rgb[np.hypot(x, y) < 0.06] = 0.02
    return rgb.astype(np.float32), (np.hypot(x, y) < 0.49).astype(np.float32)


def small_book() -> Book:
    """Every concept is a ball: of its own colour grey-green, or of the asked colour."""
    rgb, alpha = disc((0.3, 0.75, 0.4))
    mask, light = paint_mask(rgb, alpha)
    pages = [premultiplied(rgb, alpha)]
    pages += [premultiplied(recolour(rgb, mask, light, colour), alpha) for colour in COLOUR_NAMES]
    rows = {f"{kind}/{colour}": 1 + i for kind in CONCEPTS for i, colour in enumerate(COLOUR_NAMES)}
    return Book(np.stack(pages), rows | dict.fromkeys(CONCEPTS, 0), dict.fromkeys(CONCEPTS, (1.0, 1.0)))


BOOK = small_book()


@mock.patch("training.glossy.compose.book", lambda: BOOK)
class Pictures(unittest.TestCase):
    def scene(self, *things: Thing, **more: object) -> Scene:
        known = {"count": len(things), "style": "glossy", "look": "glossy"} | more
        return Scene(7, things=things, **known)

    def middle(self, picture: np.ndarray, channel: int) -> tuple[float, float]:
        """Where that channel stands out, as shares of height and width."""
        others = np.delete(picture.astype(float), channel, 2).max(2)
        rows, columns = np.nonzero(picture[..., channel] - others > 60)
        return float(rows.mean() / picture.shape[0]), float(columns.mean() / picture.shape[1])

    def test_a_seed_gives_the_same_picture_in_every_style_and_shape(self) -> None:
        rng, seen = np.random.default_rng(1), Counter()
        for _ in range(150):
            scene = sample_scene(rng, GLOSSY)
            seen[scene.style] += 1
            for width, height in ((64, 64), (96, 64), (64, 96)):
                picture = render(scene, width, height)
                self.assertEqual((picture.shape, picture.dtype), ((height, width, 3), np.uint8))
            np.testing.assert_array_equal(render(scene, 64, 96), picture)
        self.assertEqual(set(seen), {"glossy", *FILTERS, "silhouette"})

    def test_relations_are_where_their_words_say(self) -> None:
        red, blue = Thing("apple", "red"), Thing("car", "blue")
        for relation in RELATIONS:
            picture = render(self.scene(red, blue, relation=relation))
            (red_y, red_x), (blue_y, blue_x) = self.middle(picture, 0), self.middle(picture, 2)
            if relation == "":
                self.assertLess(red_x, blue_x - 0.2)
            else:
                self.assertLess(red_y, blue_y - 0.2) if relation != "front" else self.assertGreater(red_y, blue_y)

    def test_what_stands_in_front_covers_the_other(self) -> None:
        things = Thing("apple", "red"), Thing("car", "blue")
        front, beside = (render(self.scene(*things, relation=relation)) for relation in ("front", ""))
        is_blue = [(picture[..., 2].astype(int) - picture[..., 0] > 60).sum() for picture in (front, beside)]
        is_red = [(picture[..., 0].astype(int) - picture[..., 2] > 60).sum() for picture in (front, beside)]
        # Larger behind, and still less of it to be seen than its own size says.
        self.assertGreater(is_blue[0] / is_red[0], 1.2 * is_blue[1] / is_red[1])

    def test_a_side_is_kept(self) -> None:
        for side, low, high in (("left", 0.1, 0.4), ("right", 0.6, 0.9)):
            x = self.middle(render(self.scene(Thing("apple", "red"), side=side)), 0)[1]
            self.assertTrue(low < x < high, (side, x))

    def test_a_silhouette_shows_no_colour(self) -> None:
        picture = render(self.scene(Thing("apple", "red"), style="silhouette")).astype(int)
        self.assertLess(picture[60:68, 60:68].max(), 60)


class Paint(unittest.TestCase):
    def test_the_paint_changes_and_the_eye_stays(self) -> None:
        rgb, alpha = disc((0.9, 0.5, 0.1))
        mask, light = paint_mask(rgb, alpha)
        blue = recolour(rgb, mask, light, "blue")
        body = np.s_[30:40, 80:90]
        self.assertGreater(float((blue[body][..., 2] - blue[body][..., 0]).mean()), 0.3)
        np.testing.assert_allclose(blue[SIDE // 2, SIDE // 2], rgb[SIDE // 2, SIDE // 2], atol=0.12)

    def test_shading_survives(self) -> None:
        rgb, alpha = disc((0.9, 0.5, 0.1))
        mask, light = paint_mask(rgb, alpha)
        green = recolour(rgb, mask, light, "green").mean(2)
        self.assertGreater(float(green[60, 60]), float(green[140, 140]) + 0.05)


class Words(unittest.TestCase):
    def setUp(self) -> None:
        self.rng = np.random.default_rng(0)
        self.narrator = Narrator(read_words(GLOSSY_WORDS, GLOSSY), self.rng)

    def test_about_two_hundred_concepts_with_a_word_of_their_own(self) -> None:
        self.assertGreaterEqual(len(CONCEPTS), 190)
        words = Counter(word for choices in self.narrator.words.objects.values() for word in set(choices))
        self.assertEqual([word for word, count in words.items() if count > 1], [])

    def test_the_words_of_the_earlier_editions_are_there(self) -> None:
        known = "star heart flower mushroom tree house boat fish cat fox owl balloon".split()
        self.assertEqual([word for word in known if word not in GLOSSY.objects or not GLOSSY.paints(word)], [])

    def test_a_relation_is_told(self) -> None:
        things = Thing("fox", "", named=False), Thing("drum", "", named=False)
        for relation in RELATIONS[1:]:
            scene = Scene(1, things=things, count=2, relation=relation, look="glossy", style="glossy")
            links = [phrase.format(a="", b="").strip() for phrase in RELATED[relation]]
            told = [self.narrator.subject(scene) for _ in range(50)]
            self.assertTrue(all(any(link in text for link in links) for text in told), told[:3])

    def test_captions_are_clean(self) -> None:
        for _ in range(2000):
            text = self.narrator.caption(sample_scene(self.rng, GLOSSY))
            self.assertNotRegex(text, r"[{}]|\ba [aeio]|  |\b(a|an|one) (fries|popcorn|grapes)\b")

    def test_what_the_world_has_is_labelled(self) -> None:
        scenes = [sample_scene(self.rng, GLOSSY) for _ in range(500)]
        told = labels(scenes, GLOSSY, spoken=True)
        for name, width in Heads.of(GLOSSY).widths().items():
            if name not in ("objects", "colours"):
                self.assertTrue(-1 <= int(told[name].min()) and int(told[name].max()) < width, name)
        self.assertEqual(int(told["count"].max()), 4)
        self.assertEqual(set(told["relation"].tolist()), {-1, 0, 1, 2, 3})

    def test_the_exam_asks_about_everything(self) -> None:
        cases = Examiner(GLOSSY, self.narrator, self.rng).all_cases(240)
        self.assertEqual({case.group for case in cases}, {"single", "count", "position", "pair", "relation", "style"})
        self.assertEqual({case.scene.background for case in cases}, set(GLOSSY.backgrounds))
        self.assertEqual({case.scene.relation for case in cases}, set(RELATIONS))
        for case in cases:
            self.assertTrue(all(not thing.colour or GLOSSY.paints(thing.kind) for thing in case.scene.things))


class Fetching(unittest.TestCase):
    def test_the_cache_lies_where_it_is_told(self) -> None:
        with mock.patch.dict(os.environ, {"DARKROOM_TRAINING_CACHE": "/somewhere/else"}):
            self.assertEqual(fetch.cache_folder(), Path("/somewhere/else"))

    def test_without_npm_a_sentence_says_so_and_nothing_is_written(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch("shutil.which", return_value=None):
            with self.assertRaisesRegex(Problem, "npm is needed once to fetch some-pictures@1.0.0"):
                fetch.fetch("some-pictures@1.0.0", Path(folder) / "pictures")
            self.assertEqual(os.listdir(folder), [])

    def test_a_failed_fetch_leaves_nothing_behind(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            failed = mock.Mock(returncode=1, stderr="no such version", stdout="")
            with mock.patch("shutil.which", return_value="npm"), mock.patch("subprocess.run", return_value=failed):
                with self.assertRaisesRegex(Problem, "could not fetch pictures@9: no such version"):
                    fetch.fetch("pictures@9", Path(folder) / "pictures")
            self.assertEqual(os.listdir(folder), [])

    def test_a_damaged_book_is_named(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pixels, index = Path(folder) / "book.npy", Path(folder) / "book.json"
            pixels.write_bytes(b"no numbers")
            index.write_text("{}")
            sprites.book.cache_clear()
            with mock.patch.object(sprites, "paths", lambda: (pixels, index)):
                with self.assertRaisesRegex(Problem, "the sprites .*book.npy are damaged"):
                    sprites.book()
            self.assertEqual(pixels.read_bytes(), b"no numbers")

    def test_a_picture_is_cut_to_what_is_visible(self) -> None:
        from PIL import Image

        picture = Image.new("RGBA", (256, 256))
        picture.paste((255, 0, 0, 255), (100, 40, 140, 200))
        _, alpha, extents = cut(picture, crop=0.5)
        self.assertEqual(extents, (0.5, 1.0))
        self.assertGreater(float(alpha.mean()), 0.45)


if __name__ == "__main__":
    unittest.main()
