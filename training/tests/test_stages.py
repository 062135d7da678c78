"""`python -m unittest training.tests.test_stages`: what must hold before an hour is spent on training."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from ..exported.compact import compact
from ..latents import read_latents
from ..networks.models import build_unet, build_vae
from ..restore import restore, weights
from ..run import checkpoints
from ..run.presets import PRESETS, ROOT, SHIPPED_TOKENIZER, SMALL_PRESET, Options, Preset
from ..run.problem import Problem
from ..scenes.captions import read_words
from ..scenes.scene import FULL
from ..text import read_scenes
from ..tokenizer import load_tokenizer, train_tokenizer, write_tokenizer
from ..unet import how_often
from ..vae import crops

DEMO = ROOT / "models" / "demo"


class Tokens(unittest.TestCase):
    def test_written_and_read_again(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_tokenizer(Path(folder), *train_tokenizer(read_words(), FULL, captions=300, size=700))
            tokenizer = load_tokenizer(Path(folder))
            code = tokenizer.encode("A red cat, at night!")
            self.assertEqual(len(code.ids), 77)
            self.assertEqual(tokenizer.decode(code.ids).replace("</w>", " ").split(), "a red cat , at night !".split())


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


class Shards(unittest.TestCase):
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


class Crops(unittest.TestCase):
    def test_crops_lie_on_the_grid_of_latents(self) -> None:
        places = torch.arange(64).expand(2, 3, 64, 64).contiguous().byte()
        images = crops(places, 32, 40)
        left = ((images[:, 0, 0, [0, -1]].amin(1) + 1) * 127.5).round()
        self.assertEqual(images.shape, (40, 3, 32, 32))
        self.assertTrue((left % 8 == 0).all())
        self.assertGreater(len(left.unique()), 2)


if __name__ == "__main__":
    unittest.main()
