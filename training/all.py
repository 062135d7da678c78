"""Everything, one stage after the other: `python -m training.all --device auto`.

Each stage runs in its own process with the same options and goes on from its checkpoint, so the
same command resumes whatever was interrupted. The result is <work>/export, with its card.
"""

import subprocess
import sys
from dataclasses import replace

from .run import checkpoints
from .run.presets import Options, options, parser
from .run.problem import Problem, run

STAGES = ("tokenizer", "vae", "latents", "text", "unet", "judge", "export", "card")
MEASURED_IN_MINUTES = ("vae", "text", "unet", "judge")


def main() -> None:
    arguments = parser("Train everything and export it. --minutes is the UNet's time; the rest follows the preset.")
    arguments.add_argument("--from-stage", choices=STAGES, default=STAGES[0])
    parsed = arguments.parse_args()
    chosen = options(parsed)
    for stage in STAGES[STAGES.index(parsed.from_stage) :]:
        if is_done(stage, chosen):
            print(f"all: {stage} is done", flush=True)
            continue
        print(f"all: {stage}", flush=True)
        if subprocess.run(command(stage, chosen, parsed.captions)).returncode != 0:
            raise Problem(f"the stage {stage} did not finish; mend what it says above, then start again.")


def command(stage: str, chosen: Options, captions: object) -> list[str]:
    shared = ["--preset", chosen.preset.name, "--work", chosen.work, "--device", chosen.device]
    shared += ["--ranks", chosen.ranks, "--tokenizer", chosen.tokenizer]
    if captions is not None:
        shared += ["--captions", captions]
    if stage == "unet" and chosen.minutes is not None:
        shared += ["--minutes", chosen.minutes]
    return [sys.executable, "-m", f"training.{stage}", *map(str, shared)]


def is_done(stage: str, chosen: Options) -> bool:
    if stage == "tokenizer":
        return (chosen.tokenizer / "vocab.json").exists()
    if stage not in MEASURED_IN_MINUTES:
        return False
    state = checkpoints.load_if_there(chosen.work / f"{stage}.pt", stage)
    budget = chosen.budget(stage) if stage == "unet" else replace(chosen, minutes=None).budget(stage)
    return state is not None and state["spent"] >= budget


if __name__ == "__main__":
    run(main)
