"""Write the ONNX folder: `python -m training.export`. Writes <work>/export.

The layout, file names, inputs and outputs are those of diffusers' and optimum's Stable Diffusion
exports. Weights are stored as fp16 or int8 (see exported/compact.py) and computed as fp32.
Every graph is compared with PyTorch at other batch sizes and shapes than it was traced with.
"""

import json
import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from .exported.compact import Storage, compact
from .exported.graphs import Graph, graphs
from .exported.preview import fit_preview
from .networks.models import build_text_encoder, build_unet
from .run import checkpoints
from .run.presets import Options, Preset, options, parser
from .run.problem import Problem, run
from .tokenizer import load_tokenizer
from .unet import trained_vae

OPSET = 17
# The largest difference from PyTorch that rounding the weights may make; a wrong graph makes more.
TOLERANCE: dict[Storage, float] = {"fp16": 2e-2, "int8": 0.5}


def main() -> None:
    export(options(parser("Write the ONNX folder.").parse_args()))


def export(chosen: Options) -> Path:
    """The folder; an older export is replaced only when the new one is whole and checked."""
    preset, out = chosen.preset, chosen.work / "export"
    path = chosen.work / "unet.pt"
    state = checkpoints.load(path, "unet")
    unet = build_unet(preset)
    checkpoints.fit(unet, state["average"], path)
    text, vae = build_text_encoder(preset, load_tokenizer(chosen.tokenizer).get_vocab_size()), trained_vae(chosen)
    checkpoints.fit(text, state["text"], path)
    scale = float(state["scale"])
    checkpoints.need_space(chosen.work, 6 * sum(p.numel() for m in (unet, text, vae) for p in m.parameters()))
    partial = chosen.work / "export.partial"
    shutil.rmtree(partial, ignore_errors=True)
    quieten()
    for graph in graphs(preset, text, unet, vae, load_tokenizer(chosen.tokenizer).get_vocab_size()):
        target = partial / graph.name / "model.onnx"
        write_graph(target, graph, storage_of(graph.name, preset))
        difference = compare(target, graph, storage_of(graph.name, preset))
        print(
            f"export: {graph.name} {target.stat().st_size / 1e6:.2f} MB, at most {difference:.1e} from PyTorch",
            flush=True,
        )
    write_configs(partial, chosen, {"unet": unet, "text_encoder": text, "vae_decoder": vae, "vae_encoder": vae}, scale)
    preview = fit_preview(vae, preset, scale)
    (partial / "preview.json").write_text(json.dumps(preview) + "\n")
    shutil.copytree(chosen.tokenizer, partial / "tokenizer")
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    print(f"export: {out}")
    return out


def storage_of(graph: str, preset: Preset) -> Storage:
    """The VAE stays fp16 in any case: it is small and its rounding would show."""
    return "fp16" if graph.startswith("vae") else preset.storage


def quieten() -> None:
    """The tracer warns of every shape it reads; `compare` checks what the warnings fear."""
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="torch.onnx")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)


@torch.no_grad()
def write_graph(target: Path, graph: Graph, storage: Storage) -> None:
    target.parent.mkdir(parents=True)
    torch.onnx.export(
        graph.module.eval(),
        tuple(graph.examples().values()),
        str(target),
        input_names=list(graph.inputs),
        output_names=list(graph.outputs),
        dynamic_axes={name: axes for name, (_, axes) in graph.inputs.items()} | graph.outputs,
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(target)
    compact(model, storage)
    onnx.checker.check_model(model)
    onnx.save(model, target)


@torch.no_grad()
def compare(target: Path, graph: Graph, storage: Storage) -> float:
    """Run both at three other batch sizes and shapes; the largest difference of any output."""
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch, (down, across) in ((1, (1, 1)), (3, (1, 2)), (2, (2, 1))):
        inputs = {}
        for name, value in graph.examples().items():
            if value.dim() == 1:
                inputs[name] = value
            elif value.dim() == 4:
                inputs[name] = torch.randn(batch, value.shape[1], value.shape[2] * down, value.shape[3] * across)
            else:
                inputs[name] = value[:1].expand(batch, *value.shape[1:]).contiguous()
        expected = graph.module(*inputs.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        found = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        worst = max(worst, *[float(np.abs(a - b.numpy()).max()) for a, b in zip(found, expected)])
    if worst > TOLERANCE[storage]:
        raise Problem(f"the exported {target.parent.name} differs from PyTorch by {worst:.3g}; the old export is kept.")
    return worst


def write_configs(folder: Path, chosen: Options, models: dict[str, Any], scale: float) -> None:
    for name, model in models.items():
        if name == "text_encoder":
            config = model.config.to_dict()
        else:
            config = {key: value for key, value in model.config.items() if not key.startswith("_")}
            config["_class_name"] = type(model).__name__
            if name != "unet":
                config["scaling_factor"] = scale
        write_json(folder / name / "config.json", config)
    scheduler = {
        "_class_name": "DDIMScheduler",
        "_diffusers_version": "0.31.0",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "prediction_type": "v_prediction",
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "trained_betas": None,
        "skip_prk_steps": True,
    }
    (folder / "scheduler").mkdir()
    write_json(folder / "scheduler" / "scheduler_config.json", scheduler)
    graphs = {name: ["diffusers", "OnnxRuntimeModel"] for name in models}
    index = {
        "_class_name": "OnnxStableDiffusionPipeline",
        "_diffusers_version": "0.31.0",
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        **graphs,
    }
    write_json(folder / "model_index.json", index)


def write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, default=list) + "\n", encoding="utf8")


if __name__ == "__main__":
    run(main)
