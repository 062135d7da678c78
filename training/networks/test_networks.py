"""The networks' own arithmetic: averages, samples, another text encoder."""

import copy
import unittest

import torch

from ..run.presets import SMALL_PRESET
from .models import Average, alphas_cumprod, build_text_encoder
from .refit import refit
from .sampling import ddim


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


if __name__ == "__main__":
    unittest.main()
