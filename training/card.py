"""Score a model and write its card: `python -m training.card [FOLDER]`. Writes <FOLDER>/README.md."""

import json
from pathlib import Path

from .exported.pipeline import Pipeline
from .run.presets import Options, options, parser
from .run.problem import Problem, run
from .scenes.scene import COLOUR_NAMES
from .score import score

OWN_LICENCE = "MIT, like the rest of this repository. No outside pictures, texts or weights went into it."
GLOSSY_LICENCE = (
    "MIT, like the rest of this repository. Its training pictures are composed of Microsoft's Fluent Emoji in 3D,\n"
    "which are under the MIT licence too (NOTICE)."
)
NOTICE = """This model was trained on pictures composed of Microsoft's Fluent Emoji (3D), which are licensed as follows.

MIT License

Copyright (c) Microsoft Corporation.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

EXTRAS = (
    ("loras", "lineart.safetensors", "a LoRA. `<lora:lineart>` in a prompt makes a line drawing of it."),
    (
        "embeddings",
        "velvet-fox.safetensors",
        "a textual inversion. `a velvet-fox in the snow` shows a purple fox, found from its pictures.",
    ),
    ("../upscalers/demo", "demo-x2.onnx", "an upscaler, twice the size, trained on the same world."),
)


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
    if chosen.preset.world.look == "glossy":
        (folder / "NOTICE").write_text(NOTICE, encoding="utf8")
    print(f"card: {folder / 'README.md'}")


def card(chosen: Options, folder: Path, table: str) -> str:
    preset, world = chosen.preset, chosen.preset.world
    size = Pipeline(folder).size
    scheduler = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    places = [name for name in world.backgrounds if name != "plain"]
    usual, *styles = world.styles
    relations = [name for name in world.relations if name]
    lines = [
        "# The embedded model",
        "",
        f"A latent-diffusion text-to-image model with Stable Diffusion's graphs, {size}x{size} pixels, trained from",
        f"nothing on pictures that a program draws (`training/`). Weights: {preset.storage}, computed as fp32.",
        "",
        f"- Objects: {', '.join(world.objects)}; one to {world.most} of them, or two different ones.",
        f"- Colours: {', '.join(COLOUR_NAMES)}.",
        f"- Backgrounds: plain in any colour, {', '.join(places)}.",
        f"- Styles: {', '.join(styles) or f'one, a {usual} illustration'}.",
        *([f"- Relations of a pair: side by side, {', '.join(relations)}."] if relations else []),
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
        *extras(folder),
        "## Limits",
        "",
        "It knows nothing but the words above: no people, no photographs, no text. Two different objects in one",
        f"picture mix at times, and other sizes than {size}x{size} repeat objects.",
        "",
        "## Licence",
        "",
        GLOSSY_LICENCE if world.look == "glossy" else OWN_LICENCE,
        "",
    ]
    return "\n".join(lines)


def extras(folder: Path) -> list[str]:
    """A section on the files beside the model that were made for it (training/tryouts)."""
    lines = []
    for kind, name, text in EXTRAS:
        if (folder / kind / name).exists():
            lines.append(f"- `{kind}/{name}`: {text}")
    return ["## To try", "", *lines, ""] if lines else []


if __name__ == "__main__":
    run(main)
