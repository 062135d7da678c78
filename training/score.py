"""How well a model does what it is told: `python -m training.score models/demo`.

Prints, for fixed prompts and seeds, the share of pictures in which a judge (training.judge, trained
on renders only) finds what the prompt asked for. Two checks keep the judge honest: its own accuracy
on held-out renders, plain and through the model's VAE (the ceiling), and the same pictures judged
against other prompts' answers (the floor, which must lie near chance).
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .judge import Judge, load_judge, prepare
from .labels import HEADS, SIDES
from .pictures import draw
from .pipeline import Pipeline
from .presets import Options, options, parser
from .problem import Problem, run
from .render import render, sheet
from .scene import BACKGROUNDS, COLOUR_NAMES, NATURAL, OBJECTS, STYLES, Scene, Thing, World, pick
from .vae import HELD_OUT_SEED

PLACES = {
    "meadow": "in a meadow",
    "sunset": "at sunset",
    "night": "at night",
    "sea": "on the sea",
    "snow": "in the snow",
    "forest": "in a forest",
    "mountains": "in the mountains",
}
PLURALS = {"fox": "foxes", "fish": "fish", "butterfly": "butterflies"}
STYLE_WORDS = {"sticker": "a sticker of", "sketch": "a line drawing of", "pixel": "pixel art of"}
BATCH = 12


@dataclass(frozen=True)
class Case:
    """A prompt, and a scene that would be a right answer to it."""

    group: str
    prompt: str
    scene: Scene


def article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def single_cases(rng: np.random.Generator, world: World, count: int) -> list[Case]:
    cases = []
    for i in range(count):
        kind, colour = world.objects[i % len(world.objects)], pick(rng, COLOUR_NAMES)
        place = pick(rng, tuple(world.backgrounds))
        paint = pick(rng, COLOUR_NAMES)
        where = f"on {article(paint)} background" if place == "plain" else PLACES[place]
        thing = f"{colour} {kind}"
        prompt = (f"{article(thing)} {where}", f"{where}, {article(thing)}", f"cute {thing} {where}")[i % 3]
        cases.append(Case("single", prompt, scene(i, place, paint, (Thing(kind, colour),), 1)))
    return cases


def scene(
    seed: int, place: str, paint: str, things: tuple[Thing, ...], count: int, side: str = "", style: str = "flat"
) -> Scene:
    return Scene(seed, style, place, paint, "", things, count, "", side)


def count_cases(rng: np.random.Generator, world: World, count: int) -> list[Case]:
    cases = []
    for i in range(count):
        kind, colour, number = world.objects[i % len(world.objects)], pick(rng, COLOUR_NAMES), 2 + i % 2
        paint = pick(rng, ("white", "blue", "yellow", "pink"))
        words = f"{('two', 'three')[i % 2]} {colour} {PLURALS.get(kind, kind + 's')} on {article(paint)} background"
        cases.append(Case("count", words, scene(i, "plain", paint, (Thing(kind, colour),), number)))
    return cases


def side_cases(rng: np.random.Generator, world: World, count: int) -> list[Case]:
    cases = []
    for i in range(count):
        kind, colour, side = world.objects[i % len(world.objects)], pick(rng, COLOUR_NAMES), SIDES[1 + i % 2]
        prompt = f"{article(f'{colour} {kind}')} on the {side} in a meadow"
        cases.append(Case("position", prompt, scene(i, "meadow", "green", (Thing(kind, colour),), 1, side)))
    return cases


def pair_cases(rng: np.random.Generator, world: World, count: int) -> list[Case]:
    cases = []
    for i in range(count):
        first = world.objects[i % len(world.objects)]
        second = pick(rng, tuple(kind for kind in world.objects if kind != first))
        things = (Thing(first, pick(rng, COLOUR_NAMES)), Thing(second, pick(rng, COLOUR_NAMES)))
        names = [article(f"{thing.colour} {thing.kind}") for thing in things]
        place = pick(rng, ("meadow", "snow", "sea"))
        prompt = f"{names[0]} and {names[1]} {PLACES[place]}"
        cases.append(Case("pair", prompt, scene(i, place, "white", things, 2)))
    return cases


def style_cases(rng: np.random.Generator, world: World, count: int) -> list[Case]:
    styles = [style for style in world.styles if style in STYLE_WORDS]
    if not styles:
        return []
    cases = []
    for i in range(count):
        kind, style = world.objects[i % len(world.objects)], styles[i % len(styles)]
        prompt = f"{STYLE_WORDS[style]} {article(kind)} on a white background"
        things = (Thing(kind, NATURAL[kind][0]),)
        cases.append(Case("style", prompt, scene(i, "plain", "white", things, 1, style=style)))
    return cases


def all_cases(world: World, count: int) -> list[Case]:
    rng = np.random.default_rng(5)
    few = max(12, count * 2 // 5)
    groups = [single_cases(rng, world, count)]
    groups += [make(rng, world, few) for make in (count_cases, side_cases, pair_cases, style_cases)]
    return [case for group in groups for case in group]


@torch.no_grad()
def verdicts(judge: Judge, pictures: np.ndarray, cases: list[Case]) -> dict[str, list[bool]]:
    """For each question the answers, right or wrong, in the order of the cases it is asked of."""
    answers = HEADS.split(judge(prepare(pictures)))
    result: dict[str, list[bool]] = {}
    for i, case in enumerate(cases):
        for question, right in verdict({name: part[i] for name, part in answers.items()}, case).items():
            result.setdefault(f"{case.group}: {question}", []).append(right)
    return result


def verdict(answer: dict[str, torch.Tensor], case: Case) -> dict[str, bool]:
    wanted = case.scene
    kinds = [OBJECTS.index(thing.kind) for thing in wanted.things]
    seen = answer["objects"].topk(len(kinds)).indices.tolist()
    objects = sorted(seen) == sorted(kinds)
    painted = [COLOUR_NAMES[int(answer["colours"][kind].argmax())] for kind in kinds]
    colours = painted == [thing.colour for thing in wanted.things]
    if case.group == "count":
        return {"object": objects, "number": int(answer["count"].argmax()) == wanted.count}
    if case.group == "position":
        return {"object": objects, "side": SIDES[int(answer["side"].argmax())] == wanted.side}
    if case.group == "pair":
        left = OBJECTS[int(answer["leftmost"].argmax())] == wanted.things[0].kind
        result = {"both objects": objects, "both colours": colours, "objects and colours": objects and colours}
        return result | {"first is left": left}
    if case.group == "style":
        return {"object": objects, "style": STYLES[int(answer["style"].argmax())] == wanted.style}
    place = BACKGROUNDS[int(answer["background"].argmax())] == wanted.background
    if wanted.background == "plain":
        place = place and COLOUR_NAMES[int(answer["background_colour"].argmax())] == wanted.background_colour
    right = {"object": objects, "colour": colours, "background": place, "all three": objects and colours and place}
    return right | {"just one": int(answer["count"].argmax()) == 1}


def shares(answers: dict[str, list[bool]]) -> dict[str, float]:
    return {question: sum(right) / len(right) for question, right in answers.items()}


def paint_all(pipeline: Pipeline, cases: list[Case], steps: int, guidance: float) -> np.ndarray:
    parts = []
    for start in range(0, len(cases), BATCH):
        batch = cases[start : start + BATCH]
        seeds = list(range(100 + start, 100 + start + len(batch)))
        parts.append(pipeline.paint([case.prompt for case in batch], seeds, steps, guidance))
    return np.concatenate(parts)


def psnr(pipeline: Pipeline, world: World) -> float:
    """dB, over 100 held-out pictures and all their pixels."""
    (_, first), (_, second) = draw(world, pipeline.size, 100, HELD_OUT_SEED, processes=1)
    pictures = np.concatenate([first, second])
    painted = np.concatenate([pipeline.reconstruct(pictures[i : i + 10]) for i in range(0, 100, 10)])
    return 10 * float(np.log10(255**2 / np.mean((painted.astype(float) - pictures) ** 2)))


def seconds_a_picture(pipeline: Pipeline, steps: int, guidance: float) -> float:
    """The fastest of five: other programs on the machine only ever make it slower."""
    times = []
    for seed in range(5):
        start = time.perf_counter()
        pipeline.paint(["a red cat at night"], [seed], steps, guidance)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    arguments = parser("Score an exported model.")
    arguments.add_argument("model", type=Path, help="ONNX folder, such as models/demo")
    arguments.add_argument("--prompts", type=int, default=120, help="single-object ones; other groups have 2/5")
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--guidance", type=float, default=5.0)
    arguments.add_argument("--out", type=Path, help="folder for score.json, score.md and two sheets")
    parsed = arguments.parse_args()
    print(score(options(parsed), parsed.model, parsed.out, parsed.prompts, parsed.steps, parsed.guidance))


def score(
    chosen: Options, model: Path, out: Path | None, prompts: int = 120, steps: int = 20, guidance: float = 5.0
) -> str:
    """The table; with `out` also score.json, score.md and two sheets in that folder."""
    if not (model / "unet" / "model.onnx").exists():
        raise Problem(f"{model} holds no unet/model.onnx; give a folder in diffusers' ONNX layout.")
    torch.set_num_threads(2)
    world, judge, pipeline = chosen.preset.world, load_judge(chosen), Pipeline(model)
    cases = all_cases(world, prompts)
    pictures = paint_all(pipeline, cases, steps, guidance)
    drawn = np.stack([render(case.scene, pipeline.size, pipeline.size) for case in cases])
    rebuilt = np.concatenate([pipeline.reconstruct(drawn[i : i + BATCH]) for i in range(0, len(drawn), BATCH)])
    columns = {
        "model": shares(verdicts(judge, pictures, cases)),
        "renders": shares(verdicts(judge, drawn, cases)),
        "renders through the VAE": shares(verdicts(judge, rebuilt, cases)),
        "other prompts": shares(verdicts(judge, pictures, mismatch(cases))),
    }
    figures = {
        "VAE PSNR, dB": psnr(pipeline, world),
        f"seconds a picture ({steps} steps, 2 threads)": seconds_a_picture(pipeline, steps, guidance),
        "size of the graphs, MB": sum(path.stat().st_size for path in model.rglob("*.onnx")) / 1e6,
    }
    text = table(columns, figures, len(cases))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "score.json").write_text(json.dumps({"adherence": columns, "figures": figures}, indent=1) + "\n")
        (out / "score.md").write_text(text + "\n")
        sheet(list(pictures[:60]), 12).save(out / "single.png")
        sheet(list(pictures[prompts:][:144]), 12).save(out / "others.png")
    return text


def mismatch(cases: list[Case]) -> list[Case]:
    """Each case with the wishes of another one of its group, five places on."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    return [case for group in groups.values() for case in group[5:] + group[:5]]


def table(columns: dict[str, dict[str, float]], figures: dict[str, float], prompts: int) -> str:
    lines = [f"| {prompts} prompts | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for question in next(iter(columns.values())):
        lines.append(f"| {question} | {' | '.join(f'{column[question]:.1%}' for column in columns.values())} |")
    lines += ["", "| | |", "|---|---|", *[f"| {name} | {value:.2f} |" for name, value in figures.items()]]
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
