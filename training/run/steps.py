"""One step of learning. On CUDA its kernels are recorded once for each shape of batch and replayed.

These networks are so small that a GPU runs their kernels faster than Python can launch them one by one.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from .parallel import Gradients, Ranks

Batch = dict[str, torch.Tensor]
# Steps of a shape before it is recorded: cuDNN tries its algorithms, the optimizer makes its state.
WARM_UP = 3


def adamw(
    parameters: Iterable[Any], rate: float, ranks: Ranks, *, betas: tuple[float, float] = (0.9, 0.99), decay: float
) -> torch.optim.AdamW:
    """On CUDA the learning rate is a tensor, so that a recorded step reads the present one."""
    cuda = ranks.device.type == "cuda"
    lr = torch.tensor(rate, device=ranks.device) if cuda else rate
    return torch.optim.AdamW(parameters, lr=lr, betas=betas, weight_decay=decay, fused=True, capturable=cuda)


def take_up(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """The moments of a checkpoint, from whichever device; how to step stays this device's own."""
    own = [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(saved)
    for group, settings in zip(optimizer.param_groups, own, strict=True):
        group.update(settings)


@dataclass(frozen=True)
class Recorded:
    graph: torch.cuda.CUDAGraph
    batch: Batch
    loss: torch.Tensor


class Steps:
    """`loss` must be made of work on the device alone: nothing in it may wait for a result."""

    def __init__(
        self,
        loss: Callable[[Batch], torch.Tensor],
        optimizer: torch.optim.Optimizer,
        gradients: Gradients,
        limit: float,
    ) -> None:
        self.loss, self.optimizer, self.gradients, self.limit = loss, optimizer, gradients, limit
        self.seen: Counter[tuple[torch.Size, ...]] = Counter()
        self.recorded: dict[tuple[torch.Size, ...], Recorded] = {}
        # One memory for all recordings: they never run at once, and none reads what another left.
        self.pool = torch.cuda.graph_pool_handle() if gradients.ranks.device.type == "cuda" else None

    def take(self, batch: Batch) -> torch.Tensor:
        """Learn from one batch; its loss. Batches of one shape hold the same names in the same order."""
        if self.gradients.ranks.device.type != "cuda":
            return self.run(batch)
        shape = tuple(value.shape for value in batch.values())
        self.seen[shape] += 1
        if self.seen[shape] <= WARM_UP:
            return self.aside(batch)
        if shape not in self.recorded:
            self.recorded[shape] = self.record(batch)
        recorded = self.recorded[shape]
        for name, value in batch.items():
            recorded.batch[name].copy_(value)
        recorded.graph.replay()
        return recorded.loss

    def run(self, batch: Batch) -> torch.Tensor:
        loss = self.loss(batch)
        loss.backward()
        self.gradients.average(self.limit)
        self.optimizer.step()
        self.gradients.clear()
        return loss.detach()

    def aside(self, batch: Batch) -> torch.Tensor:
        """On a stream of its own, as PyTorch asks of the steps before a recording."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            loss = self.run(batch)
        torch.cuda.current_stream().wait_stream(stream)
        return loss

    def record(self, batch: Batch) -> Recorded:
        """Recording runs nothing: the step is taken by the first replay."""
        own = {name: value.clone() for name, value in batch.items()}
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            loss = self.run(own)
        return Recorded(graph, own, loss)
