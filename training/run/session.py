"""The clock of one stage: how long it may go on, how fast it learns, when it saves or pauses."""

import signal
import time
from collections.abc import Callable
from typing import Any

import torch

from . import checkpoints
from .parallel import Ranks
from .presets import Options
from .progress import Progress

WARM_UP_STEPS = 100
COOL_DOWN = 0.3
SAVE_SECONDS = 180.0
# A gap this long between two looks at the clock was a pause (SIGSTOP, sleep), not training.
LONGEST_GAP = 60.0
LOOK_EVERY = 10


class Session:
    """Counts steps and active seconds over all runs of a stage.

    The learning rate is a trapezoid over the budget: a short warm-up, a long level, and over the
    last 30 % a straight line down to 2 %. Raising the budget of a finished stage goes on from its
    weights at the level rate. While a file `PAUSE` lies in the work folder the training waits.
    """

    def __init__(self, stage: str, options: Options, ranks: Ranks, state: dict[str, Any] | None) -> None:
        self.stage, self.ranks, self.work = stage, ranks, options.work
        self.path = options.work / f"{stage}.pt"
        self.budget = options.budget(stage)
        self.step = int(state["step"]) if state else 0
        self.spent = float(state["spent"]) if state else 0.0
        self.first_step = self.step
        self.progress = Progress(stage, options.work, quiet=not ranks.first)
        self.looked = self.saved = time.monotonic()
        options.work.mkdir(parents=True, exist_ok=True)
        self.stopped = False
        for number in (signal.SIGINT, signal.SIGTERM):
            # A terminal's Ctrl-C reaches every rank; the first one tells the others when to stop.
            signal.signal(number, self.stop if ranks.first else signal.SIG_IGN)

    def going(self) -> bool:
        """To be asked before each step; every rank gets the same answer."""
        if (self.step - self.first_step) % LOOK_EVERY == 0:
            self.wait_while_paused()
            now = time.monotonic()
            if self.step > self.first_step:
                self.spent += min(now - self.looked, LONGEST_GAP)
            self.looked = now
            self.spent, stopped = self.ranks.agree(self.spent, float(self.stopped))
            self.stopped = bool(stopped)
        return self.spent < self.budget and not self.stopped

    def stop(self, *_: object) -> None:
        self.stopped = True

    def wait_while_paused(self) -> None:
        while (self.work / "PAUSE").exists():
            time.sleep(1)
            self.looked = time.monotonic()

    def rate(self) -> float:
        """The share of the full learning rate for this step."""
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        left = max(0.0, 1 - self.spent / self.budget)
        return warm * max(0.02, min(1.0, left / COOL_DOWN))

    def cooling(self) -> bool:
        return self.spent > (1 - COOL_DOWN) * self.budget

    def set_rate(self, optimizer: torch.optim.Optimizer, full: float) -> None:
        rate = full * self.rate()
        for group in optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def stepped(self, loss: torch.Tensor, samples: int) -> None:
        """Note a step of `samples` pictures over all ranks."""
        self.step += 1
        if self.ranks.first and self.step % LOOK_EVERY == 0:
            self.progress.add(float(loss.detach()), samples * LOOK_EVERY)
            if self.progress.due():
                self.progress.report(self.step, self.spent, self.budget, rate=self.rate())

    def maybe_save(self, state: Callable[[], dict[str, Any]]) -> None:
        if self.ranks.first and time.monotonic() - self.saved > SAVE_SECONDS:
            self.save(state())

    def save(self, state: dict[str, Any]) -> None:
        if self.ranks.first:
            own = {"stage": self.stage, "step": self.step, "spent": self.spent}
            checkpoints.save(self.path, own | state)
            self.saved = time.monotonic()

    def finish(self, state: dict[str, Any]) -> None:
        """Save; a stage that was stopped ends here, as KeyboardInterrupt."""
        self.save(state)
        self.progress.finish()
        self.ranks.leave()
        if self.stopped:
            raise KeyboardInterrupt
