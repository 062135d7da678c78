"""What a person sees of a training: one line that grows, a log, a loss curve."""

import json
import shutil
import sys
import time
from pathlib import Path

from PIL import Image, ImageDraw

BAR = 24
REPORT_SECONDS = 20.0


class Progress:
    """Averages losses between reports; appends each report to `<work>/<stage>.log.jsonl`."""

    def __init__(self, stage: str, work: Path, quiet: bool = False) -> None:
        self.stage, self.path, self.quiet = stage, work / f"{stage}.log.jsonl", quiet
        self.losses: list[float] = []
        self.samples, self.since = 0, time.monotonic()

    def add(self, loss: float, samples: int) -> None:
        self.losses.append(loss)
        self.samples += samples

    def due(self) -> bool:
        return not self.quiet and time.monotonic() - self.since > REPORT_SECONDS and bool(self.losses)

    def report(self, step: int, spent: float, budget: float, **extra: float) -> None:
        elapsed = time.monotonic() - self.since
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "step": step,
            "spent": round(spent, 1),
            "loss": round(sum(self.losses) / max(1, len(self.losses)), 5),
            "samples_per_second": round(self.samples / elapsed, 1),
            **{name: round(value, 6) for name, value in extra.items()},
        }
        with self.path.open("a", encoding="utf8") as log:
            log.write(json.dumps(entry) + "\n")
        self.show(entry, spent, budget)
        self.losses, self.samples, self.since = [], 0, time.monotonic()

    def show(self, entry: dict[str, object], spent: float, budget: float) -> None:
        share = min(1.0, spent / budget)
        bar = "█" * round(share * BAR) + "░" * (BAR - round(share * BAR))
        left = max(0, round(budget - spent))
        text = f"{self.stage} {bar} {share:4.0%}  step {entry['step']}  loss {entry['loss']}  "
        text += f"{entry['samples_per_second']} samples/s  {left // 60}:{left % 60:02d} left"
        if sys.stdout.isatty():
            print("\r" + text.ljust(shutil.get_terminal_size().columns - 1), end="", flush=True)
        else:
            print(text, flush=True)

    def finish(self) -> None:
        """Draw the curve of the whole log as `<stage>.curve.png`."""
        if self.quiet or not self.path.exists():
            return
        if sys.stdout.isatty():
            print()
        losses = [json.loads(line)["loss"] for line in self.path.read_text(encoding="utf8").splitlines()]
        curve(losses, f"{self.stage}: loss").save(self.path.with_name(f"{self.stage}.curve.png"))


def curve(values: list[float], title: str, width: int = 640, height: int = 320) -> Image.Image:
    """A line through the values, its axis from their least to their greatest."""
    image = Image.new("RGB", (width, height), "white")
    draw, margin = ImageDraw.Draw(image), 48
    draw.text((margin, 12), title, fill="black")
    draw.rectangle((margin, 36, width - 12, height - 24), outline="#cccccc")
    if len(values) < 2:
        return image
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = [
        (
            margin + i / (len(values) - 1) * (width - 12 - margin),
            36 + (high - value) / span * (height - 60),
        )
        for i, value in enumerate(values)
    ]
    draw.line(points, fill="#3a76de", width=2)
    draw.text((4, 32), f"{high:.3g}", fill="black")
    draw.text((4, height - 34), f"{low:.3g}", fill="black")
    return image
