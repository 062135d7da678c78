"""`python -m unittest training.test_training`: what must hold before an hour is spent on training."""

import contextlib
import copy
import io
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from . import checkpoints
from .captions import DEFAULT_WORDS, Narrator, read_words
from .compact import compact
from .exam import Examiner
from .labels import Heads, labels
from .latents import read_latents
from .models import Average, alphas_cumprod, build_text_encoder, build_unet, build_vae
from .parallel import Gradients, Ranks
from .pictures import draw
from .presets import PRESETS, ROOT, SHIPPED_TOKENIZER, SMALL_PRESET, Options, Preset
from .problem import Problem
from .refit import refit
from .render import render
from .restore import restore, weights
from .sampling import ddim
from .scene import COLOUR_NAMES, FULL, OBJECTS, SMALL, Scene, Thing, sample_scene
from .score import verdict
from .steps import Steps, adamw, take_up
from .text import read_scenes
from .tokenizer import load_tokenizer, train_tokenizer, write_tokenizer
from .unet import how_often
from .vae import crops

DEMO = ROOT / "models" / "demo"


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


class Tokens(unittest.TestCase):
    def test_written_and_read_again(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_tokenizer(Path(folder), *train_tokenizer(read_words(), FULL, captions=300, size=700))
            tokenizer = load_tokenizer(Path(folder))
            code = tokenizer.encode("A red cat, at night!")
            self.assertEqual(len(code.ids), 77)
            self.assertEqual(tokenizer.decode(code.ids).replace("</w>", " ").split(), "a red cat , at night !".split())


class Checkpoints(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "vae.pt"
        self.addCleanup(self.folder.cleanup)

    def test_a_damaged_one_is_refused_and_kept(self) -> None:
        checkpoints.save(self.path, {"stage": "vae", "weights": {"a": torch.ones(1000)}})
        damaged = self.path.read_bytes()[:2000]
        self.path.write_bytes(damaged)
        with self.assertRaisesRegex(Problem, "is damaged"):
            checkpoints.load(self.path, "vae")
        self.assertEqual(self.path.read_bytes(), damaged)

    def test_a_full_disk_leaves_the_old_one(self) -> None:
        checkpoints.save(self.path, {"stage": "vae", "step": 1})
        before = self.path.read_bytes()
        with mock.patch("shutil.disk_usage", return_value=mock.Mock(free=1 << 20)):
            with self.assertRaisesRegex(Problem, "1 MiB free, but 64 MiB are needed"):
                checkpoints.save(self.path, {"stage": "vae", "step": 2})
        self.assertEqual(self.path.read_bytes(), before)

    def test_another_stage_is_refused(self) -> None:
        checkpoints.save(self.path, {"stage": "unet"})
        with self.assertRaisesRegex(Problem, "no checkpoint of the stage vae"):
            checkpoints.load(self.path, "vae")


class Restoring(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def chosen(self, preset: Preset) -> Options:
        return Options(preset, self.work, "cpu", 1, None, read_words(), SHIPPED_TOKENIZER)

    def test_the_shipped_model_comes_back(self) -> None:
        # Restoring compares every graph with PyTorch at three shapes, and refuses what differs.
        with contextlib.redirect_stdout(io.StringIO()):
            restore(self.chosen(SMALL_PRESET), DEMO)
        vae, unet = (checkpoints.load(self.work / f"{stage}.pt", stage) for stage in ("vae", "unet"))
        checkpoints.fit(build_vae(SMALL_PRESET), vae["weights"], self.work)
        checkpoints.fit(build_unet(SMALL_PRESET), unet["average"], self.work)
        with self.assertRaisesRegex(Problem, "would be overwritten"):
            restore(self.chosen(SMALL_PRESET), DEMO)

    def test_the_autoencoder_alone_serves_another_unet(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            restore(self.chosen(PRESETS["glossy"]), DEMO, ("vae",))
        self.assertEqual([path.name for path in self.work.iterdir()], ["vae.pt"])

    def test_another_preset_is_refused_and_nothing_written(self) -> None:
        with self.assertRaisesRegex(Problem, "use the --preset it was trained with|use its own --preset"):
            restore(self.chosen(PRESETS["glossy-large"]), DEMO)
        self.assertEqual(list(self.work.iterdir()), [])

    def test_a_folder_that_is_no_model_is_named(self) -> None:
        with self.assertRaisesRegex(Problem, "give an exported model's folder"):
            restore(self.chosen(SMALL_PRESET), self.work)

    def test_weights_stored_as_bytes_unfold(self) -> None:
        values = np.random.default_rng(0).normal(size=(96, 80)).astype(np.float32)
        node = helper.make_node("MatMul", ["x", "onnx::MatMul_1"], ["y"], name="/layer/MatMul")
        ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xy"]
        constant = numpy_helper.from_array(values, "onnx::MatMul_1")
        model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [constant]))
        compact(model, "int8")
        onnx.save(model, self.work / "model.onnx")
        found = weights(self.work / "model.onnx", "unet.")["layer.weight"]
        np.testing.assert_allclose(found.numpy(), values.T, atol=float(np.abs(values).max()) / 250)


class Refitting(unittest.TestCase):
    def test_keys_stay_when_the_text_encoder_changes(self) -> None:
        old = build_text_encoder(SMALL_PRESET, 100).eval()
        new = copy.deepcopy(old)
        for name, values in new.named_parameters():
            if "final_layer_norm" in name:
                values.data.mul_(2)
        first = torch.randn(8, 128)
        state = {"block.attn2.to_k.weight": first.clone(), "block.attn1.to_k.weight": first.clone()}
        ids = torch.randint(0, 100, (40, 77))
        self.assertLess(refit([state], old, new, ids), 0.01)
        before = old(ids).last_hidden_state @ first.T
        after = new(ids).last_hidden_state @ state["block.attn2.to_k.weight"].T
        self.assertLess(float((after - before).std() / before.std()), 0.05)
        self.assertTrue(torch.equal(state["block.attn1.to_k.weight"], first))


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


class Lessons(unittest.TestCase):
    def test_pairs_and_sides_come_often_and_captions_tell_them(self) -> None:
        chosen = Options(SMALL_PRESET, Path(), "cpu", 1, None, read_words(), SHIPPED_TOKENIZER)
        readings = read_scenes(chosen, 0, 600)
        self.assertEqual(readings.ids.shape, (600, 77))
        pairs, asides = readings.told["leftmost"] >= 0, readings.told["side"] > 0
        self.assertAlmostEqual(pairs.float().mean().item(), 0.41, delta=0.07)
        self.assertGreater(asides.float().mean().item(), 0.06)
        tokenizer = load_tokenizer(SHIPPED_TOKENIZER)
        told = [tokenizer.decode(ids.tolist()) for ids in readings.ids[asides]]
        self.assertGreater(sum("left" in text or "right" in text for text in told) / len(told), 0.8)

    def test_the_share_of_pairs_can_change(self) -> None:
        shares = how_often({"leftmost": torch.tensor([-1, 4, 0])}, 3.0)
        self.assertEqual(shares.tolist(), [1, 3, 3])


class Shapes(unittest.TestCase):
    def test_pictures_are_drawn_in_any_shape(self) -> None:
        (scenes, pictures), *others = draw(SMALL_PRESET.lessons, (96, 64), 50, 3, processes=1)
        self.assertEqual((len(scenes), pictures.shape, others), (50, (50, 64, 96, 3), []))

    def test_latents_of_every_shape_keep_their_captions(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for shard, (height, width) in enumerate(((2, 2), (2, 3), (2, 2))):
                latents = np.full((4, 4, height, width), shard, np.float16)
                ids = np.full((4, 8, 77), shard, np.int16)
                np.savez(Path(folder) / f"{shard:05d}.npz", latents=latents, ids=ids, label_side=np.full(4, shard))
            data = read_latents(Path(folder))
            self.assertEqual([len(latents) for latents in data.shapes], [8, 4])
            shards = torch.cat([latents[:, 0, 0, 0] for latents in data.shapes]) / data.scale
            torch.testing.assert_close(shards, data.ids[:, 0, 0].float())
            torch.testing.assert_close(shards, data.labels["side"].float())


class Numbers(unittest.TestCase):
    def test_ddim_finds_the_picture_of_a_perfect_model(self) -> None:
        alphas, picture = alphas_cumprod(), torch.randn(1, 4, 4, 4)

        def perfect(x: torch.Tensor, t: int, _: torch.Tensor) -> torch.Tensor:
            alpha = alphas[t]
            epsilon = (x - alpha.sqrt() * picture) / (1 - alpha).sqrt()
            return alpha.sqrt() * epsilon - (1 - alpha).sqrt() * picture

        states = torch.zeros(1, 77, 8)
        found = ddim(perfect, torch.randn(1, 4, 4, 4), states, states, steps=7)
        torch.testing.assert_close(found, picture, atol=1e-4, rtol=1e-4)

    def test_the_average_lies_between_old_and_new(self) -> None:
        module = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(module.weight)
        average = Average(module, 0.9)
        torch.nn.init.ones_(module.weight)
        average.update(module, step=10_000)
        self.assertAlmostEqual(average.weights["weight"].item(), 0.1, places=5)

    def test_a_step_learns_and_goes_on_from_a_checkpoint_of_another_device(self) -> None:
        line = torch.nn.Linear(1, 1)
        steps = self.steps(line)
        batch = {"x": torch.linspace(-1, 1, 8)[:, None]}
        losses = [steps.take(batch).item() for _ in range(60)]
        self.assertLess(losses[-1], losses[0] / 10)
        saved = copy.deepcopy(steps.optimizer.state_dict())
        for group in saved["param_groups"]:
            group |= {"lr": torch.tensor(0.5), "capturable": True}
        later = self.steps(copy.deepcopy(line)).optimizer
        take_up(later, saved)
        self.assertEqual([(group["lr"], group["capturable"]) for group in later.param_groups], [(0.1, False)])
        moments = [next(iter(one.state.values()))["exp_avg"] for one in (later, steps.optimizer)]
        torch.testing.assert_close(*moments)

    def steps(self, line: torch.nn.Linear) -> Steps:
        ranks = Ranks("cpu", 1)
        optimizer = adamw(line.parameters(), 0.1, ranks, decay=0.0)
        return Steps(
            lambda batch: (line(batch["x"]) - 3 * batch["x"]).square().mean(),
            optimizer,
            Gradients(line.parameters(), ranks),
            1.0,
        )

    def test_crops_lie_on_the_grid_of_latents(self) -> None:
        places = torch.arange(64).expand(2, 3, 64, 64).contiguous().byte()
        images = crops(places, 32, 40)
        left = ((images[:, 0, 0, [0, -1]].amin(1) + 1) * 127.5).round()
        self.assertEqual(images.shape, (40, 3, 32, 32))
        self.assertTrue((left % 8 == 0).all())
        self.assertGreater(len(left.unique()), 2)

    def test_spoken_labels_hide_what_captions_hide(self) -> None:
        scene = Scene(1, things=(Thing("cat", "red", named=False),), count=1)
        cat = OBJECTS.index("cat")
        self.assertEqual(labels([scene], FULL, spoken=True)["colours"][0, cat], -1)
        self.assertEqual(labels([scene], FULL, spoken=False)["colours"][0, cat], 0)


if __name__ == "__main__":
    unittest.main()
