"""A scene gives one picture, in any size and shape."""

import unittest

import numpy as np

from ..run.presets import SMALL_PRESET
from ..scenes.scene import FULL, OBJECTS, Scene, Thing, sample_scene
from .pictures import draw
from .render import render


class Renderer(unittest.TestCase):
    def test_a_seed_gives_the_same_picture(self) -> None:
        scene = sample_scene(np.random.default_rng(4), FULL)
        np.testing.assert_array_equal(render(scene), render(scene))

    def test_every_object_shows_its_colour(self) -> None:
        for kind in OBJECTS:
            red, blue = (
                render(Scene(1, things=(Thing(kind, colour),), count=1)).astype(float) for colour in ("red", "blue")
            )
            changed = np.abs(red - blue).max(2) > 40
            self.assertGreater(changed.mean(), 0.01, kind)
            self.assertGreater(red[changed][:, 0].mean(), blue[changed][:, 0].mean() + 20, kind)

    def test_other_sizes_and_shapes(self) -> None:
        scene = Scene(1, background="forest", things=(Thing("cat", "red"), Thing("owl", "blue")), count=2)
        self.assertEqual(render(scene, 192, 128).shape, (128, 192, 3))

    def test_pictures_are_drawn_in_any_shape(self) -> None:
        (scenes, pictures), *others = draw(SMALL_PRESET.lessons, (96, 64), 50, 3, processes=1)
        self.assertEqual((len(scenes), pictures.shape, others), (50, (50, 64, 96, 3), []))


if __name__ == "__main__":
    unittest.main()
