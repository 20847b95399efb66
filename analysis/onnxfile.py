"""Networks from ONNX files: layers that macros compute, and their weights.

Convolutions, Gemm and MatMul with constant weights are layers. What has no weights, or weights that fold into a layer
or its quantization (activations, pooling, additions, normalization), is passed over, as in the tables of
``analysis/layers``. Every other operator with weights is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from analysis.workloads import Layer, WorkloadError

COMPUTED = ("Conv", "Gemm", "MatMul")
"""Operators that are layers."""

REFUSED = (
    "Attention", "ConvInteger", "ConvTranspose", "DeformConv", "Einsum", "FusedConv", "FusedGemm", "FusedMatMul", "GRU",
    "If", "LSTM", "Loop", "MatMulInteger", "MatMulNBits", "MultiHeadAttention", "QGemm", "QLinearConv", "QLinearMatMul",
    "RNN", "Scan",
)  # fmt: skip
"""Operators that multiply in a way, or hold layers in a place, that is not read."""

FOLDED = (
    "Add", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "DequantizeLinear", "Div", "Expand", "Flatten",
    "Identity", "InstanceNormalization", "LayerNormalization", "Max", "Min", "Mul", "PRelu", "Pad", "Pow",
    "QuantizeLinear", "Reshape", "Resize", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Upsample", "Where",
)  # fmt: skip
"""Operators whose constants fold into a layer, or only shape or scale a map. Any other may hold vectors at most."""


@dataclass(frozen=True)
class _Graph:
    """An ONNX graph with known shapes.

    Attributes:
        where: file name, for messages.
        nodes: operators in the order in which they run.
        shapes: size of each value; None where it is not known.
        stored: constants as they stand in the file.
        constants: names of values that follow from constants alone.
    """

    where: str
    nodes: tuple[Any, ...]
    shapes: Mapping[str, tuple[int, ...] | None]
    stored: Mapping[str, Any]
    constants: frozenset[str] = field(repr=False)

    def shape(self, name: str, layer: str) -> tuple[int, ...]:
        """Size of a value; raises WorkloadError if it is not known."""
        found = self.shapes.get(name)
        if found is None:
            raise WorkloadError(f"{self.where}: layer {layer!r}: the shape of {name!r} does not follow from the file")
        return found


def from_onnx(path: str | Path) -> tuple[Layer, ...]:
    """Layers of a network in an ONNX file, in the order in which they run.

    A first dimension of the input without a number is one image. Weights need not be with the file.

    Args:
        path: the file.

    Returns:
        Layers as ``workloads.load`` gives them; named as the operators, or as their outputs where those have no names.

    Raises:
        WorkloadError: the package onnx is missing, no such file, no ONNX, a size that is not known, an operator that is
            not supported, a layer that cannot be mapped, or no layer at all.
    """
    graph = _read(Path(path), weights=False)
    layers = tuple(_LAYERS[node.op_type](graph, name, node) for name, node in _computed(graph))
    if not layers:
        raise WorkloadError(f"{graph.where} has none of {', '.join(COMPUTED)}")
    return layers


def weights_from_onnx(path: str | Path) -> dict[str, np.ndarray]:
    """Weights of the layers that ``from_onnx`` gives, by the layer's name.

    Where a convolution of the file pads one side only, the layer's symmetric padding gives as many windows but not the
    same: right for counts, but the layer with these weights is another convolution than the file's.

    Args:
        path: the file.

    Returns:
        Arrays as stored, floating or integer [1]: ``(filter, channel of the group, row, column)`` of a convolution (no
        column in one dimension), ``(filter, channel)`` of a fully connected layer.

    Raises:
        WorkloadError: as ``from_onnx``, or weights that are computed in the graph or stored in a file that is missing.
    """
    from_onnx(path)
    graph = _read(Path(path), weights=True)
    return {name: _weights(graph, name, node) for name, node in _computed(graph)}


def _read(path: Path, weights: bool) -> _Graph:
    """The graph of a file, with shapes inferred."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise WorkloadError(f"{path.name}: ONNX needs the package onnx; pip install 'pimchar[onnx]'") from error
    try:
        model = onnx.load(path, load_external_data=weights)
    except FileNotFoundError as error:
        raise WorkloadError(f"{path} or a file of its weights does not exist") from error
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise WorkloadError(f"{path} cannot be read as ONNX: {error}".splitlines()[0]) from error
    if not model.graph.node:
        raise WorkloadError(f"{path} cannot be read as ONNX: it holds no graph")
    _one_image(model, path.name)
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise WorkloadError(f"{path.name}: shapes do not hold together: {error}".splitlines()[0]) from error
    return _graph(model.graph, path.name)


def _one_image(model: Any, where: str) -> None:
    """Set the size of the batch where the file leaves it open; drop sizes of later values that depend on it."""
    weights = {tensor.name for tensor in model.graph.initializer}
    opened = False
    for value in model.graph.input:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if value.name in weights or dim.dim_value > 0:
                continue
            if axis:
                raise WorkloadError(f"{where}: input {value.name!r} leaves dimension {axis} open; give it a size")
            dim.dim_value, opened = 1, True
    if opened:
        del model.graph.value_info[:]
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")


def _graph(graph: Any, where: str) -> _Graph:
    """What is known of an inferred graph."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    shapes: dict[str, tuple[int, ...] | None] = {name: tuple(tensor.dims) for name, tensor in stored.items()}
    for value in (*graph.input, *graph.value_info, *graph.output):
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        shapes.setdefault(value.name, tuple(dims) if all(size > 0 for size in dims) else None)
    constants = set(stored)
    for node in graph.node:
        values = [attribute.t for attribute in node.attribute if attribute.name == "value"]
        if node.op_type == "Constant" and values:
            stored[node.output[0]], shapes[node.output[0]] = values[0], tuple(values[0].dims)
        if all(name in constants for name in node.input if name):
            constants.update(node.output)
    return _Graph(where, tuple(graph.node), shapes, stored, frozenset(constants))


def _computed(graph: _Graph) -> Iterator[tuple[str, Any]]:
    """Name and operator of each layer; raises WorkloadError at the first operator that is not supported."""
    names = Counter(node.name for node in graph.nodes)
    for node in graph.nodes:
        name = node.name if node.name and names[node.name] == 1 else node.output[0]
        if node.op_type in COMPUTED and not node.domain:
            yield name, node
            continue
        heavy = any(len(graph.shapes.get(value) or ()) > 1 for value in node.input if value in graph.constants)
        if node.op_type in REFUSED or (heavy and node.op_type not in FOLDED):
            legal = ", ".join(COMPUTED)
            raise WorkloadError(
                f"{graph.where}: operator {node.op_type} of {name!r} is not supported; with weights are: {legal}"
            )


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _refuse(graph: _Graph, name: str, why: str) -> WorkloadError:
    return WorkloadError(f"{graph.where}: layer {name!r} cannot be mapped: {why}")


def _convolution(graph: _Graph, name: str, node: Any) -> Layer:
    """The layer of a Conv; in one dimension a map of one column."""
    maps, weights, result = (graph.shape(value, name) for value in (*node.input[:2], node.output[0]))
    given = _attributes(node)
    if node.input[1] not in graph.constants:
        raise _refuse(graph, name, "its weights are computed from the input")
    if len(maps) not in (3, 4):
        raise _refuse(graph, name, f"a convolution in {len(maps) - 2} dimensions")
    if any(step != 1 for step in given.get("dilations", ())):
        raise _refuse(graph, name, f"dilations={list(given['dilations'])}, legal is 1")
    strides = given.get("strides", [1])
    if len(set(strides)) > 1:
        raise _refuse(graph, name, f"strides={list(strides)} differ")
    (batch, channels), (height, width) = maps[:2], (*maps[2:], 1)[:2]
    (filters, each), kernel, groups = weights[:2], (*weights[2:], 1)[:2], given.get("group", 1)
    if each * groups != channels:
        raise _refuse(graph, name, f"weights {weights} in {groups} groups do not fit {channels} channels")
    kind = "standard"
    if groups == channels == filters and groups > 1:
        kind = "depthwise"
    elif kernel == (1, 1) and groups == 1:
        kind = "pointwise"
    dims, sides = len(maps) - 2, (*given.get("pads", ()),)
    sizes = zip((height, width), kernel, (*result[2:], 1), strict=False)
    pads = [_padding(*each, strides[0], sides[i::dims] if i < dims else ()) for i, each in enumerate(sizes)]
    if None in pads:
        raise _refuse(graph, name, f"no symmetric padding of {height} x {width} gives {result[2:]}")
    step, pad, pad_width = strides[0], pads[0], None if pads[0] == pads[1] else pads[1]
    return Layer(name, kind, batch, channels, height, width, filters, *kernel, step, pad, groups, pad_width)


def _padding(size: int, taps: int, wanted: int, stride: int, sides: Sequence[int]) -> int | None:
    """Zeros on each side that give a length of the output [1]; None if none do.

    Those of one of the given ``sides``, or else the least: one-sided padding may give what a symmetric one gives.
    """
    least = max((wanted - 1) * stride + taps - size + 1, 0) // 2
    return next((pad for pad in (*sides, least) if pad >= 0 and (size + 2 * pad - taps) // stride + 1 == wanted), None)


def _fully_connected(graph: _Graph, name: str, node: Any) -> Layer:
    """The layer of a Gemm or a MatMul whose second operand is constant; rows of the first are images."""
    if node.input[1] not in graph.constants or node.input[0] in graph.constants:
        raise _refuse(graph, name, f"{node.op_type} needs an activation first and constant weights second")
    maps, weights = (graph.shape(value, name) for value in node.input[:2])
    given = _attributes(node)
    if given.get("transA"):
        raise _refuse(graph, name, "transA=1, legal is 0")
    if len(weights) != 2:
        raise _refuse(graph, name, f"weights in {len(weights)} dimensions, legal is 2")
    channels, filters = reversed(weights) if given.get("transB") else weights
    if channels != maps[-1]:
        raise _refuse(graph, name, f"weights {weights} do not fit {maps[-1]} channels")
    return Layer(name, "fc", prod(maps[:-1]), channels, 1, 1, filters, 1, 1)


_LAYERS = {"Conv": _convolution, "Gemm": _fully_connected, "MatMul": _fully_connected}


def _weights(graph: _Graph, name: str, node: Any) -> np.ndarray:
    """Weights of a layer, filters first."""
    from onnx import numpy_helper

    tensor = graph.stored.get(node.input[1])
    if tensor is None:
        raise WorkloadError(f"{graph.where}: weights of layer {name!r} are not stored but computed in the graph")
    found = numpy_helper.to_array(tensor)
    transposed = node.op_type == "Conv" or _attributes(node).get("transB")
    return found if transposed else found.T
