"""No checkpoint is lost, and a step goes on from one."""

import copy
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import torch

from . import checkpoints
from .parallel import Gradients, Ranks
from .problem import Problem
from .steps import Steps, adamw, take_up


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


class Stepping(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
