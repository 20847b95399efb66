"""Small networks written with onnx.helper, read back as layers and weights."""

import sys

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from analysis.onnxfile import from_onnx, weights_from_onnx
from analysis.workloads import Layer, WorkloadError, parse, to_csv

RNG = np.random.default_rng(1)


def tensor(name, *shape):
    return numpy_helper.from_array(RNG.standard_normal(shape).astype(np.float32), name)


def write(path, nodes, weights, shape=(1, 3, 16, 16), out=None):
    """A file with the input ``x``; its output is that of the last operator."""
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, shape),
        helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, out),
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], weights)
    domains = [helper.make_opsetid(name, version) for name, version in {"": 17, "com.example": 1}.items()]
    save(helper.make_model(graph, opset_imports=domains, ir_version=8), path)
    return path


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def network(path, shape=(1, 3, 16, 16)):
    """Standard, depthwise, pointwise, grouped, and both ways of a fully connected layer, with harmless ones between."""
    nodes = [
        node("Conv", ["x", "w1", "b1"], "a", name="stem", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["a", "s", "s", "s", "s2"], "b"),
        node("Relu", ["b"], "c"),
        node("Conv", ["c", "w2"], "d", name="deep", group=8, pads=[0, 0, 1, 1], strides=[2, 2]),
        node("Conv", ["d", "w3"], "e", name="point"),
        node("MaxPool", ["e"], "f", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["f", "w4"], "g", group=2),
        node("Add", ["g", "g"], "h"),
        node("Mul", ["h", "big"], "h2"),
        node("GlobalAveragePool", ["h2"], "i"),
        node("Flatten", ["i"], "j"),
        node("Gemm", ["j", "w5", "b5"], "k", name="head", transB=1),
        node("Softmax", ["k"], "l"),
        node("MatMul", ["l", "w6"], "m", name="last"),
    ]
    shapes = {"w1": (8, 3, 3, 3), "w2": (8, 1, 3, 3), "w3": (16, 8, 1, 1), "w4": (4, 8, 1, 1), "w5": (10, 4)}
    shapes |= {"b1": (8,), "s": (8,), "s2": (8,), "big": (1, 4, 1, 1), "b5": (10,), "w6": (10, 5)}
    return write(path, nodes, [tensor(name, *sizes) for name, sizes in shapes.items()], shape)


LAYERS = (
    Layer("stem", "standard", 1, 3, 16, 16, 8, 3, 3, 2, 1, 1),
    Layer("deep", "depthwise", 1, 8, 8, 8, 8, 3, 3, 2, 1, 8),
    Layer("point", "pointwise", 1, 8, 4, 4, 16, 1, 1),
    Layer("g", "standard", 1, 16, 2, 2, 4, 1, 1, groups=2),
    Layer("head", "fc", 1, 4, 1, 1, 10, 1, 1),
    Layer("last", "fc", 1, 10, 1, 1, 5, 1, 1),
)


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), ("N", 3, 16, 16)], ids=["fixed batch", "open batch"])
def test_layers_of_every_type(tmp_path, shape):
    assert from_onnx(network(tmp_path / "net.onnx", shape)) == LAYERS


def test_weights_belong_to_the_layers(tmp_path):
    found = weights_from_onnx(network(tmp_path / "net.onnx"))
    assert {name: array.shape for name, array in found.items()} == {
        "stem": (8, 3, 3, 3),
        "deep": (8, 1, 3, 3),
        "point": (16, 8, 1, 1),
        "g": (4, 8, 1, 1),
        "head": (10, 4),
        "last": (5, 10),
    }
    for layer in LAYERS:
        assert found[layer.name].size == layer.weights


def test_weights_filters_come_first(tmp_path):
    stored = tensor("w", 3, 2)
    path = write(tmp_path / "net.onnx", [node("MatMul", ["x", "w"], "y")], [stored], (1, 3))
    np.testing.assert_array_equal(weights_from_onnx(path)["y"], numpy_helper.to_array(stored).T)


def test_one_dimension_and_several_rows(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], "a"),
        node("Transpose", ["a"], "b", perm=[0, 2, 1]),
        node("MatMul", ["b", "v"], "c"),
    ]
    path = write(tmp_path / "net.onnx", nodes, [tensor("w", 6, 4, 3), tensor("v", 6, 7)], (1, 4, 10))
    first, second = from_onnx(path)
    assert first.macs == 8 * 6 * 4 * 3
    assert second == Layer("c", "fc", 8, 6, 1, 1, 7, 1, 1)


@pytest.mark.parametrize(
    ("shape", "weights", "pads", "expected"),
    [
        ((1, 4, 10), (6, 4, 3), [1, 1], Layer("y", "standard", 1, 4, 10, 1, 6, 3, 1, 1, 1, 1, 0)),
        ((1, 4, 9, 10), (6, 4, 1, 7), [0, 3, 0, 3], Layer("y", "standard", 1, 4, 9, 10, 6, 1, 7, 1, 0, 1, 3)),
        ((1, 4, 9, 10), (6, 4, 3, 3), [0, 0, 0, 0], Layer("y", "standard", 1, 4, 9, 10, 6, 3, 3)),
        ((1, 4, 9, 10), (6, 4, 5, 3), [1, 1, 1, 1], Layer("y", "standard", 1, 4, 9, 10, 6, 5, 3, 1, 1)),
    ],
    ids=["one dimension", "by direction", "none", "the same"],
)
def test_padding_by_direction(tmp_path, shape, weights, pads, expected):
    path = write(tmp_path / "net.onnx", [node("Conv", ["x", "w"], "y", pads=pads)], [tensor("w", *weights)], shape)
    assert from_onnx(path) == (expected,)
    assert parse(to_csv(from_onnx(path), "net"), "net.csv") == (expected,)


def conv(**attributes):
    return node("Conv", ["x", "w"], "y", name="c", **attributes)


REFUSED = {
    "operator ConvTranspose of 'y' is not supported; with weights are": (
        node("ConvTranspose", "xw", "y"),
        (3, 8, 3, 3),
    ),
    "operator Compress of 'y' is not supported": (node("Compress", "wx", "y"), (9, 4)),
    r"'c' cannot be mapped: dilations=\[2, 2\], legal is 1": (conv(dilations=[2, 2]), (8, 3, 3, 3)),
    r"'c' cannot be mapped: strides=\[2, 1\] differ": (conv(strides=[2, 1]), (8, 3, 3, 3)),
    "'c' cannot be mapped: no symmetric padding of 16 x 16 gives": (conv(pads=[0, 0, 1, 1]), (8, 3, 2, 2)),
    r"'c' cannot be mapped: weights \(8, 4, 3, 3\) in 1 groups do not fit 3 channels": (conv(), (8, 4, 3, 3)),
    "'y' cannot be mapped: MatMul needs an activation first and constant": (node("MatMul", "xx", "y"), (1,)),
    "'y' cannot be mapped: transA=1, legal is 0": (node("Gemm", "xw", "y", transA=1), (3, 3)),
    r"'y' cannot be mapped: weights \(5, 2\) do not fit 16 channels": (node("MatMul", "xw", "y"), (5, 2)),
    "net.onnx has none of Conv, Gemm, MatMul": (node("Relu", "x", "y"), (1,)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_mapped(tmp_path, message):
    operator, sizes = REFUSED[message]
    with pytest.raises(WorkloadError, match=message):
        from_onnx(write(tmp_path / "net.onnx", [operator], [tensor("w", *sizes)]))


def test_an_operator_of_another_domain_that_carries_weights(tmp_path):
    nodes = [node("Fancy", ["x", "w"], "y", domain="com.example")]
    with pytest.raises(WorkloadError, match="operator Fancy of 'y' is not supported"):
        from_onnx(write(tmp_path / "net.onnx", nodes, [tensor("w", 8, 3)]))


def test_an_operator_of_a_domain_that_the_file_does_not_name(tmp_path):
    nodes = [node("Fancy", "x", "y", domain="com.other")]
    with pytest.raises(WorkloadError, match=r"net\.onnx: shapes do not hold together: .*com\.other"):
        from_onnx(write(tmp_path / "net.onnx", nodes, []))


def test_an_open_size_is_named(tmp_path):
    with pytest.raises(WorkloadError, match="input 'x' leaves dimension 2 open"):
        from_onnx(network(tmp_path / "net.onnx", (1, 3, "H", 16)))


def test_files_that_are_none(tmp_path):
    with pytest.raises(WorkloadError, match="does not exist"):
        from_onnx(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_text("no protobuf")
    with pytest.raises(WorkloadError, match=r"bad\.onnx cannot be read as ONNX"):
        from_onnx(tmp_path / "bad.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(WorkloadError, match="it holds no graph"):
        from_onnx(tmp_path / "empty.onnx")


def test_weights_that_are_computed(tmp_path):
    nodes = [node("Transpose", ["w"], "v", perm=[1, 0]), node("MatMul", ["x", "v"], "y")]
    path = write(tmp_path / "net.onnx", nodes, [tensor("w", 2, 3)], (1, 3))
    assert from_onnx(path)[0].filters == 2
    with pytest.raises(WorkloadError, match="weights of layer 'y' are not stored but computed"):
        weights_from_onnx(path)


def test_without_the_package(tmp_path, monkeypatch):
    path = network(tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(WorkloadError, match=r"net.onnx: ONNX needs the package onnx; pip install 'pimchar\[onnx\]'"):
        from_onnx(path)
