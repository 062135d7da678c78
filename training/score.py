"""How well a model does what it is told: `python -m training.score models/demo`.

Prints, for fixed prompts and seeds, the share of pictures in which a judge (training.judge, trained
on renders only) finds what the prompt asked for. Two checks keep the judge honest: its own accuracy
on held-out renders, plain and through the model's VAE (the ceiling), and the same pictures judged
against other prompts' answers (the floor, which must lie near chance).
"""

import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from .exported.pipeline import Pipeline
from .judge import Judge, load_judge, prepare
from .render.pictures import draw
from .render.render import render, sheet
from .run.presets import Options, options, parser
from .run.problem import Problem, run
from .scenes.captions import Narrator
from .scenes.exam import Case, Examiner
from .scenes.labels import SIDES
from .scenes.scene import COLOUR_NAMES, TINTED, World, sample_scene
from .vae import HELD_OUT_SEED

BATCH = 12
PAGE, PAGE_SEED = 60, 60


@torch.no_grad()
def verdicts(judge: Judge, pictures: np.ndarray, cases: list[Case], world: World) -> list[dict[str, bool]]:
    """For each case its questions and whether the picture is right."""
    answers = judge.heads.split(judge(prepare(pictures)))
    return [verdict({name: part[i] for name, part in answers.items()}, case, world) for i, case in enumerate(cases)]


def verdict(answer: dict[str, torch.Tensor], case: Case, world: World) -> dict[str, bool]:
    wanted = case.scene
    kinds = [world.object_index[thing.kind] for thing in wanted.things]
    seen = answer["objects"].topk(len(kinds)).indices.tolist()
    objects = sorted(seen) == sorted(kinds)
    named = [(kind, thing.colour) for kind, thing in zip(kinds, wanted.things) if thing.colour and thing.named]
    colours = all(COLOUR_NAMES[int(answer["colours"][kind].argmax())] == colour for kind, colour in named)
    if case.group == "count":
        return {"object": objects, "number": int(answer["count"].argmax()) == wanted.count}
    if case.group == "position":
        return {"object": objects, "side": SIDES[int(answer["side"].argmax())] == wanted.side}
    if case.group in ("pair", "relation"):
        first = world.objects[int(answer["leftmost"].argmax())] == wanted.things[0].kind
        if case.group == "relation":
            relation = tuple(world.relations)[int(answer["relation"].argmax())] == wanted.relation
            return {"both objects": objects, "relation": relation and first}
        result = {"both objects": objects, "both colours": colours, "objects and colours": objects and colours}
        return result | {"first is left": first}
    if case.group == "style":
        return {"object": objects, "style": tuple(world.styles)[int(answer["style"].argmax())] == wanted.style}
    place = tuple(world.backgrounds)[int(answer["background"].argmax())] == wanted.background
    if wanted.background in TINTED:
        place = place and COLOUR_NAMES[int(answer["background_colour"].argmax())] == wanted.background_colour
    right = {"object": objects} | ({"colour": colours} if named else {})
    right |= {"background": place, "all three": objects and colours and place}
    return right | {"just one": int(answer["count"].argmax()) == 1}


def shares(cases: list[Case], answers: list[dict[str, bool]]) -> dict[str, float]:
    asked: dict[str, list[bool]] = {}
    for case, answer in zip(cases, answers, strict=True):
        for question, right in answer.items():
            asked.setdefault(f"{case.group}: {question}", []).append(right)
    return {question: sum(right) / len(right) for question, right in asked.items()}


def breakdown(cases: list[Case], answers: list[dict[str, bool]]) -> dict[str, dict[str, float]]:
    """Shares by concept, colour, count, relation, backdrop and style; the least first."""
    asked: dict[str, dict[str, list[bool]]] = {}

    def note(table: str, key: str, right: bool) -> None:
        asked.setdefault(table, {}).setdefault(key, []).append(right)

    for case, answer in zip(cases, answers, strict=True):
        wanted = case.scene
        if len(wanted.things) == 1 and case.group != "style":
            note("concept", wanted.things[0].kind, answer["object"])
        if case.group == "single":
            note("backdrop", wanted.background, answer["background"])
            if "colour" in answer:
                note("colour", wanted.things[0].colour, answer["colour"])
        for group, question, key in (
            ("count", "number", str(wanted.count)),
            ("position", "side", wanted.side),
            ("relation", "relation", wanted.relation),
            ("style", "style", wanted.style),
        ):
            if case.group == group:
                note(group, key, answer[question])
    means = {table: {key: sum(r) / len(r) for key, r in rows.items()} for table, rows in asked.items()}
    return {table: dict(sorted(rows.items(), key=lambda row: row[1])) for table, rows in means.items()}


def paint_all(pipeline: Pipeline, prompts: list[str], steps: int, guidance: float) -> np.ndarray:
    parts = []
    for start in range(0, len(prompts), BATCH):
        batch = prompts[start : start + BATCH]
        parts.append(pipeline.paint(batch, list(range(100 + start, 100 + start + len(batch))), steps, guidance))
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
    arguments.add_argument("--prompts", type=int, help="single-object ones, one an object; other groups have 2/5")
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--guidance", type=float, default=5.0)
    arguments.add_argument("--out", type=Path, help="folder for score.json, score.md and two sheets")
    parsed = arguments.parse_args()
    print(score(options(parsed), parsed.model, parsed.out, parsed.prompts, parsed.steps, parsed.guidance))


def score(
    chosen: Options, model: Path, out: Path | None, prompts: int | None = None, steps: int = 20, guidance: float = 5.0
) -> str:
    """The table; with `out` also score.json, score.md and two sheets in that folder."""
    if not (model / "unet" / "model.onnx").exists():
        raise Problem(f"{model} holds no unet/model.onnx; give a folder in diffusers' ONNX layout.")
    torch.set_num_threads(2)
    world, judge, pipeline = chosen.preset.world, load_judge(chosen), Pipeline(model, max(2, os.cpu_count() or 2))
    prompts = prompts or max(120, len(world.objects))
    rng = np.random.default_rng(5)
    cases = Examiner(world, Narrator(chosen.words, rng), rng).all_cases(prompts)
    pictures = paint_all(pipeline, [case.prompt for case in cases], steps, guidance)
    drawn = np.stack([render(case.scene, pipeline.size, pipeline.size) for case in cases])
    rebuilt = np.concatenate([pipeline.reconstruct(drawn[i : i + BATCH]) for i in range(0, len(drawn), BATCH)])
    answers = verdicts(judge, pictures, cases, world)
    others = mismatch(cases)
    columns = {
        "model": shares(cases, answers),
        "renders": shares(cases, verdicts(judge, drawn, cases, world)),
        "renders through the VAE": shares(cases, verdicts(judge, rebuilt, cases, world)),
        "other prompts": shares(others, verdicts(judge, pictures, others, world)),
    }
    figures = {
        "VAE PSNR, dB": psnr(pipeline, world),
        f"seconds a picture ({steps} steps, 2 threads)": seconds_a_picture(Pipeline(model, threads=2), steps, guidance),
        "size of the graphs, MB": sum(path.stat().st_size for path in model.rglob("*.onnx")) / 1e6,
    }
    parts = breakdown(cases, answers)
    text = table(columns, figures, len(cases)) + "\n\n" + by_part(parts)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        results = {"adherence": columns, "figures": figures, "parts": parts}
        (out / "score.json").write_text(json.dumps(results, indent=1) + "\n")
        (out / "score.md").write_text(text + "\n")
        sheet(list(pictures[:60]), 12).save(out / "single.png")
        sheet(list(pictures[prompts:][:144]), 12).save(out / "others.png")
        write_page(chosen, pipeline, out, steps, guidance)
    return text


def write_page(chosen: Options, pipeline: Pipeline, out: Path, steps: int, guidance: float) -> None:
    """page.png and page.txt: random prompts of the world's own words, one picture each, to be counted by eye."""
    rng = np.random.default_rng(PAGE_SEED)
    narrator = Narrator(chosen.words, rng)
    prompts = [narrator.caption(sample_scene(rng, chosen.preset.world)) for _ in range(PAGE)]
    sheet(list(paint_all(pipeline, prompts, steps, guidance)), 10).save(out / "page.png")
    lines = [f"{1 + i // 10}.{1 + i % 10} {prompt}" for i, prompt in enumerate(prompts)]
    (out / "page.txt").write_text("\n".join(lines) + "\n", encoding="utf8")


def by_part(parts: dict[str, dict[str, float]], least: int = 20) -> str:
    """One line a table; of many concepts only those that are right least often."""
    lines = ["| by | share of right answers, the least first |", "|---|---|"]
    for name, rows in parts.items():
        shown = list(rows.items())[:least]
        rest = f", {len(rows) - least} more" if len(rows) > least else ""
        lines.append(f"| {name} | {', '.join(f'{key} {share:.0%}' for key, share in shown)}{rest} |")
    return "\n".join(lines)


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
