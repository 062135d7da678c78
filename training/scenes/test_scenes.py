"""What is said of a scene is true of it, and what hides is not asked."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from ..run.problem import Problem
from ..score import verdict
from .captions import DEFAULT_WORDS, Narrator, read_words
from .exam import Examiner
from .labels import Heads, labels
from .scene import COLOUR_NAMES, FULL, OBJECTS, SMALL, Scene, Thing, sample_scene


class Worlds(unittest.TestCase):
    def test_a_world_keeps_to_its_words(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(500):
            scene = sample_scene(rng, SMALL)
            self.assertLessEqual({thing.kind for thing in scene.things}, set(SMALL.objects))
            self.assertIn(scene.background, SMALL.backgrounds)


class Captions(unittest.TestCase):
    def test_a_caption_names_what_it_must(self) -> None:
        narrator = Narrator(read_words(), np.random.default_rng(0))
        scene = Scene(1, background="night", things=(Thing("owl", "green"),), count=1)
        captions = [narrator.caption(scene).lower() for _ in range(200)]
        self.assertTrue(all("owl" in caption for caption in captions))
        self.assertGreater(sum("green" in caption for caption in captions), 170)
        self.assertGreater(len(set(captions)), 100)

    def test_an_unknown_object_is_named(self) -> None:
        words = json.loads(DEFAULT_WORDS.read_text())
        words["objects"]["dragon"] = ["dragon"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "words.json"
            path.write_text(json.dumps(words))
            with self.assertRaisesRegex(Problem, '"dragon" in "objects" is unknown; the renderer draws star, '):
                read_words(path)


class Told(unittest.TestCase):
    def test_spoken_labels_hide_what_captions_hide(self) -> None:
        scene = Scene(1, things=(Thing("cat", "red", named=False),), count=1)
        cat = OBJECTS.index("cat")
        self.assertEqual(labels([scene], FULL, spoken=True)["colours"][0, cat], -1)
        self.assertEqual(labels([scene], FULL, spoken=False)["colours"][0, cat], 0)


class Exam(unittest.TestCase):
    def setUp(self) -> None:
        rng = np.random.default_rng(5)
        self.cases = Examiner(SMALL, Narrator(read_words(), rng), rng).all_cases(24)

    def test_the_shipped_world_is_asked_what_it_knows(self) -> None:
        self.assertEqual({case.group for case in self.cases}, {"single", "count", "position", "pair"})
        for case in self.cases:
            for thing in case.scene.things:
                self.assertIn(thing.colour, case.prompt)

    def test_a_right_answer_passes_and_another_prompt_s_does_not(self) -> None:
        heads = Heads.of(SMALL)
        for case, other in zip(self.cases, self.cases[1:] + self.cases[:1]):
            told = labels([case.scene], SMALL, spoken=False)
            widths = {name: width for name, width in heads.widths().items() if name not in ("objects", "colours")}
            answer = {name: one_hot(told[name][0], width) for name, width in widths.items()}
            answer["objects"] = told["objects"][0]
            answer["colours"] = torch.stack([one_hot(colour, len(COLOUR_NAMES)) for colour in told["colours"][0]])
            self.assertTrue(all(verdict(answer, case, SMALL).values()), case)
            if case.group == other.group:
                self.assertFalse(all(verdict(answer, other, SMALL).values()), (case, other))


def one_hot(value: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(value.clamp_min(0), width).float()


if __name__ == "__main__":
    unittest.main()
