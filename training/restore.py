"""Take up the training of an exported model: `python -m training.restore models/demo`.

Reads the weights of the four ONNX graphs back into <work>/vae.pt, text.pt and unet.pt, as precise as
they are stored (fp16 or int8). An exported folder is all that a warm start needs, so no training is
lost with its checkpoints. Checkpoints that are already there stay; then nothing is written.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from torch import Tensor, from_numpy, nn

from .export import compare, quieten
from .exported.graphs import graphs
from .latents import write_scale
from .networks.models import build_text_encoder, build_unet, build_vae
from .run import checkpoints
from .run.presets import Options, options, parser
from .run.problem import Problem, run
from .tokenizer import load_tokenizer

STAGES = ("vae", "text", "unet")
# The prefix of each graph's parameter names, and what a checkpoint has in its place.
PREFIXES = {"text_encoder": "model.", "unet": "unet.", "vae_encoder": "vae.", "vae_decoder": "vae."}


def main() -> None:
    arguments = parser("Read an exported model back into checkpoints.")
    arguments.add_argument("folder", type=Path, help="ONNX folder, such as models/demo")
    arguments.add_argument("--vae-only", action="store_true", help="the autoencoder alone, for another text or UNet")
    parsed = arguments.parse_args()
    restore(options(parsed), parsed.folder, STAGES[:1] if parsed.vae_only else STAGES)


def restore(chosen: Options, folder: Path, stages: tuple[str, ...] = STAGES) -> None:
    """Write the checkpoints; a `Problem`, before anything is written, when graphs and preset differ."""
    paths = {stage: chosen.work / f"{stage}.pt" for stage in stages}
    if present := [str(path) for path in paths.values() if path.exists()]:
        raise Problem(f"{', '.join(present)} would be overwritten; move them away or choose another --work.")
    preset, scale = chosen.preset, read_scale(folder)
    vocabulary = load_tokenizer(folder / "tokenizer").get_vocab_size()
    vae, unet, text = build_vae(preset), build_unet(preset), build_text_encoder(preset, vocabulary)
    fill(vae, folder, "vae_encoder", "vae_decoder")
    if "unet" in stages:
        fill(unet, folder, "unet")
        fill(getattr(text, "text_model", text), folder, "text_encoder")
    quieten()
    for graph in graphs(preset, text.eval(), unet.eval(), vae.eval(), vocabulary):
        if "unet" not in stages and not graph.name.startswith("vae"):
            continue
        difference = compare(folder / graph.name / "model.onnx", graph, "fp16")
        print(f"restore: {graph.name}, at most {difference:.1e} from the ONNX graph", flush=True)
    known = {
        "vae": both(vae),
        "text": {"average": text.state_dict(), "vocabulary": vocabulary},
        "unet": both(unet) | {"scale": scale, "text": text.state_dict()},
    }
    states = {stage: known[stage] for stage in stages}
    checkpoints.need_space(chosen.work, sum(map(checkpoints.size_of, states.values())))
    if "unet" in stages:
        # The new latents must have the size that the UNet knows.
        write_scale(chosen.work / "latents", scale)
    for stage, path in paths.items():
        checkpoints.save(path, {"stage": stage, "step": 0, "spent": 0.0} | states[stage])
        print(f"restore: {path}")


def both(module: nn.Module) -> dict[str, Any]:
    """The exported weights are the averaged ones; training goes on from them."""
    return {"weights": module.state_dict(), "average": module.state_dict()}


def read_scale(folder: Path) -> float:
    path = folder / "vae_decoder" / "config.json"
    try:
        return float(json.loads(path.read_text(encoding="utf8"))["scaling_factor"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Problem(f"{path} is missing or lacks scaling_factor; give an exported model's folder.") from error


def fill(module: nn.Module, folder: Path, *parts: str) -> None:
    """Put the weights of these graphs into the module; each of its parameters must be found."""
    state, found = module.state_dict(), {}
    for part in parts:
        found |= weights(folder / part / "model.onnx", PREFIXES[part])
    missing = [name for name in state if name not in found and not name.endswith("position_ids")]
    if missing:
        raise Problem(f"{folder}: {parts[-1]} has no {missing[0]} ({len(missing)} missing); use its own --preset.")
    for name, old in state.items():
        if name not in found:
            continue
        if found[name].numel() != old.numel():
            shapes = f"{list(found[name].shape)}, expected {list(old.shape)}"
            raise Problem(f"{folder}: {name} has the shape {shapes}; use the --preset it was trained with.")
        old.copy_(found[name].reshape(old.shape))


def weights(path: Path, prefix: str) -> dict[str, Tensor]:
    """Every weight of a graph by its parameter's name.

    The exporter keeps most names. It folds transposed matrices and reshaped normalisation weights
    into nameless constants; those are named by the node that uses them.
    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:
        raise Problem(f"{path} cannot be read as an ONNX model: {error}") from error
    values = Values(graph)
    # A matrix that is followed by a named bias belongs to the same layer.
    biases = {node.input[i]: node.input[1 - i] for node in graph.node if node.op_type == "Add" for i in (0, 1)}
    result = {}
    for name in values.names():
        if name.startswith(prefix):
            result[name.removeprefix(prefix)] = values.of(name)
    for node in graph.node:
        kind = {"MatMul": "weight", "Mul": "weight", "Add": "bias"}.get(node.op_type)
        constant = next((name for name in node.input if name.startswith("onnx::") and values.knows(name)), None)
        if not kind or not constant:
            continue
        layer = node.name.strip("/").removeprefix(prefix.replace(".", "/")).rsplit("/", 1)[0].replace("/", ".")
        bias = biases.get(node.output[0], "")
        if bias.startswith(prefix):
            layer = bias.removeprefix(prefix).removesuffix(".bias")
        value = values.of(constant)
        result[f"{layer}.{kind}"] = value.T if node.op_type == "MatMul" else value
    return {name: from_numpy(np.array(value, np.float32)) for name, value in result.items()}


class Values:
    """The tensors of a graph that need no input: stored ones, and stored ones unfolded (see exported/compact.py)."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.stored = {tensor.name: tensor for tensor in graph.initializer}
        self.unfolded = {
            node.output[0]: node
            for node in graph.node
            if (node.op_type in ("Cast", "Identity") and node.input[0] in self.stored)
            or (node.op_type == "Mul" and node.name.startswith("scale_"))
        }
        aliases = (node for node in graph.node if node.op_type == "Identity" and node.input[0] in self.unfolded)
        self.unfolded |= {node.output[0]: node for node in aliases}

    def names(self) -> list[str]:
        return [*self.stored, *self.unfolded]

    def knows(self, name: str) -> bool:
        return name in self.stored or name in self.unfolded

    def of(self, name: str) -> np.ndarray:
        if name in self.stored:
            return numpy_helper.to_array(self.stored[name])
        node = self.unfolded[name]
        first = self.of(node.input[0]).astype(np.float32)
        return first * self.of(node.input[1]) if node.op_type == "Mul" else first


if __name__ == "__main__":
    run(main)
