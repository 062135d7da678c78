"""`python -m unittest training.tryouts.test_tryouts`"""

import unittest
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from ..networks.models import build_text_encoder, build_unet
from ..run.parallel import Ranks
from ..run.presets import SHIPPED_TOKENIZER, SMALL_PRESET, Options
from ..run.problem import Problem
from ..scenes.captions import Narrator, read_words
from ..scenes.scene import SMALL, Scene, Thing, sample_scene
from ..tokenizer import load_tokenizer
from .base import frozen_base
from .inversion import MARKS, STARTS, SUBJECT, Inverted, first_id, marked, with_subject
from .lora import RANK, Branches, as_sketch
from .upscaler import Upscaler, crops


class LowRank(unittest.TestCase):
    def test_it_starts_as_nothing_and_then_changes_the_unet(self) -> None:
        torch.manual_seed(0)
        unet = build_unet(SMALL_PRESET).eval().requires_grad_(False)
        torch.nn.init.normal_(unet.conv_out.weight, std=0.05)
        inputs = torch.randn(1, 4, 16, 16), torch.tensor([500])
        states = torch.randn(1, 77, SMALL_PRESET.text_width)
        before = unet(*inputs, encoder_hidden_states=states).sample
        branches = Branches(unet)
        torch.testing.assert_close(unet(*inputs, encoder_hidden_states=states).sample, before)
        for pair in branches.values():
            torch.nn.init.normal_(pair[1].weight, std=0.1)
        after = unet(*inputs, encoder_hidden_states=states).sample
        self.assertGreater(float((after - before).std()), 0.01)
        after.square().mean().backward()
        self.assertTrue(all(p.grad is not None for p in branches.parameters()))
        self.assertTrue(all(p.grad is None for p in unet.parameters() if not p.requires_grad))

    def test_names_and_shapes_are_kohya_s(self) -> None:
        tensors = Branches(build_unet(SMALL_PRESET)).tensors()
        name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
        self.assertEqual(tensors[f"{name}.lora_down.weight"].shape, (RANK, SMALL_PRESET.text_width))
        self.assertEqual(tensors[f"{name}.lora_up.weight"].shape[1], RANK)
        self.assertEqual(tensors["lora_unet_mid_block_resnets_0_conv1.lora_down.weight"].shape[2:], (3, 3))
        self.assertLess(sum(2 * value.numel() for value in tensors.values()), 1_000_000)

    def test_a_sketch_is_told_as_if_it_were_in_colour(self) -> None:
        scene = Scene(1, background="sea", things=(Thing("boat", "red"),), count=1)
        drawn, told = as_sketch(scene, np.random.default_rng(0))
        self.assertEqual((drawn.style, drawn.background, drawn.things), ("sketch", "plain", scene.things))
        self.assertEqual(told, scene)


class Inversion(unittest.TestCase):
    def test_only_the_marks_are_read_anew(self) -> None:
        tokenizer = load_tokenizer(SHIPPED_TOKENIZER)
        places, starts = ([first_id(tokenizer, word) for word in words] for words in (MARKS, STARTS))
        encoder = build_text_encoder(SMALL_PRESET, tokenizer.get_vocab_size()).eval().requires_grad_(False)
        inverted = Inverted(encoder, places, starts)
        ids = {text: torch.tensor([tokenizer.encode(text).ids]) for text in ("a ~ ^ cat", "a white fox cat", "a cat")}
        with torch.no_grad():
            torch.testing.assert_close(inverted(ids["a ~ ^ cat"]), inverted(ids["a white fox cat"]))
            plain = inverted(ids["a cat"])
            inverted.vectors.add_(1)
            torch.testing.assert_close(inverted(ids["a cat"]), plain)
            self.assertFalse(torch.allclose(inverted(ids["a ~ ^ cat"]), inverted(ids["a white fox cat"])))
        self.assertEqual([name for name, _ in inverted.named_parameters()], ["vectors"])

    def test_every_picture_shows_the_subject_and_every_caption_has_the_marks(self) -> None:
        rng, counts = np.random.default_rng(0), Counter()
        narrator = Narrator(marked(read_words()), rng)
        for _ in range(300):
            scene, told = with_subject(sample_scene(rng, SMALL), rng)
            self.assertEqual((scene.things[0], scene), (SUBJECT, told))
            self.assertIn(len(scene.things), (1, scene.count))
            counts[scene.count] += 1
            caption = narrator.caption(told).lower()
            self.assertIn(" ".join(MARKS), caption)
            self.assertNotIn("fox", caption)
        self.assertEqual(set(counts), {1, 2})


class Enlarging(unittest.TestCase):
    def test_it_doubles_any_size_and_starts_near_plain_enlargement(self) -> None:
        net, flat = Upscaler(), torch.full((1, 3, 9, 14), 0.25)
        self.assertEqual(net(torch.rand(2, 3, 9, 14)).shape, (2, 3, 18, 28))
        torch.testing.assert_close(net(flat), torch.full((1, 3, 18, 28), 0.25), atol=0.02, rtol=0)

    def test_crops_show_the_same_place(self) -> None:
        small = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
        large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
        batch = crops(small, large)
        torch.testing.assert_close(torch.nn.functional.avg_pool2d(batch["large"], 2), batch["small"])


class Starting(unittest.TestCase):
    def test_without_the_model_a_sentence_says_what_to_do(self) -> None:
        chosen = Options(SMALL_PRESET, Path("/nowhere"), "cpu", 1, None, read_words(), SHIPPED_TOKENIZER)
        with self.assertRaisesRegex(Problem, "run `python -m training.restore models/demo --preset small` first"):
            frozen_base(chosen, Ranks("cpu", 1))


if __name__ == "__main__":
    unittest.main()
