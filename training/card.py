"""Score a model and write its card: `python -m training.card [FOLDER]`. Writes <FOLDER>/README.md."""

import json
from pathlib import Path

from .pipeline import Pipeline
from .presets import Options, options, parser
from .problem import Problem, run
from .scene import COLOUR_NAMES
from .score import score

LICENCE_LINE = "MIT, like the rest of this repository. No outside pictures, texts or weights went into it."


def main() -> None:
    arguments = parser("Score a model and write its card.")
    arguments.add_argument("folder", type=Path, nargs="?", help="ONNX folder; <work>/export when left out")
    parsed = arguments.parse_args()
    chosen = options(parsed)
    write_card(chosen, parsed.folder or chosen.work / "export")


def write_card(chosen: Options, folder: Path) -> None:
    if not (folder / "unet" / "model.onnx").exists():
        raise Problem(f"{folder} holds no model; run `python -m training.export` first.")
    table = score(chosen, folder, chosen.work / "score")
    (folder / "README.md").write_text(card(chosen, folder, table), encoding="utf8")
    print(f"card: {folder / 'README.md'}")


def card(chosen: Options, folder: Path, table: str) -> str:
    preset, world = chosen.preset, chosen.preset.world
    size = Pipeline(folder).size
    scheduler = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    places = [name for name in world.backgrounds if name != "plain"]
    styles = [name for name in world.styles if name != "flat"]
    lines = [
        "# The embedded model",
        "",
        f"A latent-diffusion text-to-image model with Stable Diffusion's graphs, {size}x{size} pixels, trained from",
        "nothing on pictures that a program draws (`training/`). Weights are stored as fp16 and computed as fp32.",
        "",
        f"- Objects: {', '.join(world.objects)}; one to three of them, or two different ones.",
        f"- Colours: {', '.join(COLOUR_NAMES)}.",
        f"- Backgrounds: plain in any colour, {', '.join(places)}.",
        f"- Styles: {', '.join(styles) or 'one, a flat illustration'}.",
        f"- Prediction: {scheduler['prediction_type']}; betas {scheduler['beta_schedule']} "
        f"{scheduler['beta_start']} to {scheduler['beta_end']}; latents 4x{preset.latent_size}x{preset.latent_size}.",
        "",
        "## Score",
        "",
        "The share of pictures in which a judge finds what the prompt asked for (`python -m training.score`).",
        "The judge is trained on renders only. Its own limits: on plain renders, on renders through the VAE,",
        "and, as the floor, on the model's pictures with other prompts' answers.",
        "",
        table,
        "",
        "## Limits",
        "",
        "It knows nothing but the words above: no people, no photographs, no text. Two different objects in one",
        f"picture mix at times, and other sizes than {size}x{size} repeat objects.",
        "",
        "## Licence",
        "",
        LICENCE_LINE,
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
