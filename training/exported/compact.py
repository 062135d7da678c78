"""Store the weights of an ONNX graph in fewer bytes; runtimes unfold them once, when they load it.

fp16: a Cast behind each large tensor. int8: a Cast and a Mul with one scale a channel, for large
matrices and convolutions; everything is still computed in fp32.
"""

from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Storage = Literal["fp16", "int8"]
HALF_FROM = 64  # smaller tensors stay fp32
BYTES_FROM = 4096  # smaller ones would save little and lose precision


def compact(model: onnx.ModelProto, storage: Storage) -> None:
    """Change the graph in place."""
    graph = model.graph
    multiplied = {name for node in graph.node if node.op_type == "MatMul" for name in node.input}
    stored: list[onnx.TensorProto] = []
    unfolding: list[onnx.NodeProto] = []
    kept: list[onnx.NodeProto] = []

    def shrink(tensor: onnx.TensorProto, name: str) -> bool:
        size = int(np.prod(tensor.dims))
        if tensor.data_type != TensorProto.FLOAT or size < HALF_FROM:
            return False
        values = numpy_helper.to_array(tensor)
        if storage == "int8" and values.ndim >= 2 and size >= BYTES_FROM:
            channel = values.ndim - 1 if name in multiplied else 0
            unfolding.extend(as_bytes(values, name, channel, stored))
        else:
            stored.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_f16"))
            unfolding.append(cast(f"{name}_f16", name))
        return True

    for tensor in graph.initializer:
        if not shrink(tensor, tensor.name):
            stored.append(tensor)
    for node in graph.node:
        constant = node.op_type == "Constant"
        value = next((a.t for a in node.attribute if constant and a.name == "value"), None)
        if value is None or not shrink(value, node.output[0]):
            kept.append(node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(stored)
    graph.node.extend(unfolding + kept)


def as_bytes(
    values: np.ndarray, name: str, channel: int, stored: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Symmetric rounding to -127 … 127, one scale a channel."""
    others = tuple(axis for axis in range(values.ndim) if axis != channel)
    scale = np.maximum(np.abs(values).max(others, keepdims=True), 1e-12).astype(np.float32) / 127
    stored.append(numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{name}_i8"))
    stored.append(numpy_helper.from_array(scale, f"{name}_scale"))
    product = helper.make_node("Mul", [f"{name}_whole", f"{name}_scale"], [name], name=f"scale_{name}")
    return [cast(f"{name}_i8", f"{name}_whole"), product]


def cast(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=TensorProto.FLOAT, name=f"cast_{target}")
