"""One process on a GPU, or several one-thread processes over gloo on a CPU.

On a CPU several processes beat one with as many threads: the small layers of these models leave
threads waiting for each other. Gradients live in one flat buffer, so a step needs one all-reduce.
"""

import datetime
import os
import socket
import subprocess
import sys
from collections.abc import Iterable

import torch
import torch.distributed as dist

RANK, WORLD, PORT = "TRAINING_RANK", "TRAINING_RANKS", "TRAINING_PORT"


class Ranks:
    """This process among its peers; rank 0 writes files and talks."""

    def __init__(self, device: str, count: int) -> None:
        self.device = torch.device(device)
        self.rank, self.count = int(os.environ.get(RANK, "0")), count
        self.helpers: list[subprocess.Popen[bytes]] = []
        if self.device.type == "cpu":
            # Other programs keep their cores: one thread a process, however many there are.
            torch.set_num_threads(1)
        else:
            torch.backends.cuda.matmul.allow_tf32 = True
            torch.backends.cudnn.allow_tf32 = True
            torch.backends.cudnn.benchmark = True
        if count > 1:
            self.join()
        # The same first weights on every rank.
        torch.manual_seed(0)

    def join(self) -> None:
        """Rank 0 starts the others with its own command line."""
        port = os.environ.get(PORT) or str(free_port())
        if self.rank == 0:
            for rank in range(1, self.count):
                environment = os.environ | {RANK: str(rank), PORT: port}
                command = [sys.executable, "-m", module_name(), *sys.argv[1:]]
                self.helpers.append(subprocess.Popen(command, env=environment))
        # A paused training (SIGSTOP) must not time out.
        dist.init_process_group(
            "gloo",
            init_method=f"tcp://127.0.0.1:{port}",
            rank=self.rank,
            world_size=self.count,
            timeout=datetime.timedelta(days=7),
        )

    @property
    def first(self) -> bool:
        return self.rank == 0

    def agree(self, *values: float) -> list[float]:
        """The values of rank 0, on every rank."""
        if self.count == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64)
        dist.broadcast(shared, 0)
        return shared.tolist()

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16)

    def leave(self) -> None:
        if self.count > 1:
            dist.destroy_process_group()
        for helper in self.helpers:
            helper.wait()


class Gradients:
    """All gradients as views of one flat buffer, averaged over the ranks."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], ranks: Ranks) -> None:
        self.parameters, self.ranks = list(parameters), ranks
        total = sum(parameter.numel() for parameter in self.parameters)
        self.flat = torch.zeros(total, device=ranks.device)
        start = 0
        for parameter in self.parameters:
            view = self.flat[start : start + parameter.numel()]
            parameter.grad = view.as_strided(parameter.shape, parameter.stride())
            start += parameter.numel()

    def average(self, limit: float) -> torch.Tensor:
        """Average over the ranks, clip to the norm `limit`; the norm from before clipping."""
        if self.ranks.count > 1:
            dist.all_reduce(self.flat)
            self.flat /= self.ranks.count
        self.flat.nan_to_num_(0, 0, 0)
        norm = self.flat.norm()
        self.flat *= (limit / (norm + 1e-6)).clamp_max(1.0)
        return norm

    def clear(self) -> None:
        self.flat.zero_()


def module_name() -> str:
    specification = sys.modules["__main__"].__spec__
    if specification is None:
        raise RuntimeError("start a stage as `python -m training.<stage>`")
    return specification.name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
