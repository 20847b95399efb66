"""Networks as tables of layers: one CSV file each in ``analysis/layers``, its source in the file's first lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import dropwhile
from pathlib import Path

LAYER_TYPES = ("standard", "pointwise", "depthwise", "fc")
"""What a layer may be: convolution, 1 x 1 convolution, one filter per channel, fully connected."""

_INTEGERS = ("N", "C", "H", "W", "K", "R", "S", "stride", "pad", "groups")
_PAD_WIDTH = "pad_width"
"""Column that a table may lack, or leave empty."""


class WorkloadError(ValueError):
    """A network that does not exist, or a layer table that does not hold together."""


@dataclass(frozen=True)
class Layer:
    """One convolution or fully connected layer.

    Attributes:
        name: name of the layer within its network.
        type: one of ``LAYER_TYPES``.
        batch: images [1].
        channels: input channels [1].
        height, width: input rows and columns [1].
        filters: output channels [1].
        kernel_height, kernel_width: kernel rows and columns [1].
        stride: step of the window, both directions [1].
        pad: zeros above and below, and, if not said otherwise, on the left and on the right [1].
        groups: groups of channels that do not mix [1].
        pad_width: zeros on the left and on the right [1]; None: as ``pad``.
    """

    name: str
    type: str
    batch: int
    channels: int
    height: int
    width: int
    filters: int
    kernel_height: int
    kernel_width: int
    stride: int = 1
    pad: int = 0
    groups: int = 1
    pad_width: int | None = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def output_height(self) -> int:
        """Output rows [1]."""
        return (self.height + 2 * self.pad - self.kernel_height) // self.stride + 1

    @property
    def output_width(self) -> int:
        """Output columns [1]."""
        return (self.width + 2 * self.pads[1] - self.kernel_width) // self.stride + 1

    @property
    def pads(self) -> tuple[int, int]:
        """Zeros on each side of rows and of columns [1]."""
        return self.pad, self.pad if self.pad_width is None else self.pad_width

    @property
    def windows(self) -> int:
        """Positions of the kernel over all images [1]."""
        return self.batch * self.output_height * self.output_width

    @property
    def inputs_per_window(self) -> int:
        """Inputs that one filter sums [1]."""
        return self.channels // self.groups * self.kernel_height * self.kernel_width

    @property
    def weights(self) -> int:
        """Weights of all filters, without biases [1]."""
        return self.filters * self.inputs_per_window

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations [1]; zeros of the padding count.

        >>> Layer("head", "pointwise", 1, 320, 7, 7, 1280, 1, 1).macs
        20070400
        """
        return self.windows * self.weights


def _check(layer: Layer) -> None:
    """Raises WorkloadError for a layer that cannot be."""
    where = f"layer {layer.name!r}"
    if layer.type not in LAYER_TYPES:
        raise WorkloadError(f"{where}: type={layer.type!r} is not one of {', '.join(LAYER_TYPES)}")
    sizes = ("batch", "channels", "height", "width", "filters", "kernel_height", "kernel_width", "stride", "groups")
    for field in sizes:
        if getattr(layer, field) < 1:
            raise WorkloadError(f"{where}: {field}={getattr(layer, field)} is below 1")
    for field, pad in zip(("pad", "pad_width"), layer.pads, strict=True):
        if pad < 0:
            raise WorkloadError(f"{where}: {field}={pad} is below 0")
    if layer.channels % layer.groups or layer.filters % layer.groups:
        counts = f"channels={layer.channels} and filters={layer.filters}"
        raise WorkloadError(f"{where}: {counts} are not both divisible by groups={layer.groups}")
    if layer.output_height < 1 or layer.output_width < 1:
        raise WorkloadError(f"{where}: the kernel is larger than the padded input")
    if layer.type == "depthwise" and not layer.groups == layer.channels == layer.filters:
        raise WorkloadError(f"{where}: depthwise needs channels = filters = groups, not {layer.groups} groups")
    if layer.type in ("pointwise", "fc") and (layer.kernel_height, layer.kernel_width, layer.groups) != (1, 1, 1):
        raise WorkloadError(f"{where}: {layer.type} needs a 1 x 1 kernel and one group")


def _folder() -> Traversable:
    return resources.files("analysis") / "layers"


def available() -> tuple[str, ...]:
    """Names of the networks, sorted.

    >>> "mobilenet_v2" in available()
    True
    """
    return tuple(sorted(f.name.removesuffix(".csv") for f in _folder().iterdir() if f.name.endswith(".csv")))


def load(name: str, folder: Path | None = None) -> tuple[Layer, ...]:
    """Layers of a network in the order in which they run; raises WorkloadError for a name that is not there.

    Args:
        name: one of ``available()``, or of a table ``<name>.csv`` in ``folder``.
        folder: tables of a user's own.

    >>> sum(layer.macs for layer in load("mobilenet_v2"))
    300774272
    """
    if folder is not None and (folder / f"{name}.csv").is_file():
        return parse((folder / f"{name}.csv").read_text(encoding="utf-8"), where=f"{name}.csv")
    if name not in available():
        raise WorkloadError(f"network {name!r} is not one of {', '.join(available())} (network.names)")
    return parse((_folder() / f"{name}.csv").read_text(encoding="utf-8"), where=f"{name}.csv")


def to_csv(layers: Sequence[Layer], source: str) -> str:
    """The text that ``parse`` reads, ``source`` in its first line."""
    text = io.StringIO()
    text.write(f"# {source}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("layer", "type", *_INTEGERS, _PAD_WIDTH))
    writer.writerows(astuple(layer) for layer in layers)
    return text.getvalue()


def resized(layers: Sequence[Layer], size: int) -> tuple[Layer, ...]:
    """The same network on a square input of another size, layer by layer.

    Each layer's input follows from the output of the layer before with the same kernel, stride and padding; maps of
    1 x 1 behind a global mean stay.

    Args:
        layers: a network whose maps are square and shrink in convolutions alone.
        size: rows and columns of the input [1].

    Raises:
        WorkloadError: a map that no layer before makes, as behind pooling, or one that shrinks to nothing.

    >>> [layer.height for layer in resized(load("mobilenet_v2"), 96)[-3:]]
    [3, 3, 1]
    """
    sizes, channels = {1: 1, layers[0].height: size}, {layers[0].channels}
    found = []
    for layer in layers:
        if layer.height != layer.width or layer.height not in sizes or layer.channels not in channels:
            known = f"its input of {layer.channels} x {layer.height} x {layer.width} is made by no layer before"
            raise WorkloadError(f"layer {layer.name!r}: {known}, so the network has no other input size")
        now = replace(layer, height=sizes[layer.height], width=sizes[layer.height])
        if layer.height > 1:
            sizes[layer.output_height] = now.output_height
        channels.add(layer.filters)
        found.append(now)
    return tuple(found)


def parse(text: str, where: str) -> tuple[Layer, ...]:
    """Layers of a CSV table with the columns ``layer, type, N, C, H, W, K, R, S, stride, pad, groups``.

    A column ``pad_width`` says where zeros on the left and on the right are not as many as above and below.
    Lines before the header that start with ``#`` are comments. ``where`` names the file in errors.
    Raises WorkloadError for a missing column, a number that is none, a layer that cannot be, or a name that repeats.
    """
    lines = dropwhile(lambda line: not line.strip() or line.startswith("#"), io.StringIO(text))
    rows = csv.DictReader(lines)
    missing = [column for column in ("layer", "type", *_INTEGERS) if column not in (rows.fieldnames or ())]
    if missing:
        raise WorkloadError(f"{where}: column {missing[0]} is missing")
    layers = tuple(_row(row, where) for row in rows)
    names = [layer.name for layer in layers]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise WorkloadError(f"{where}: layer {repeated[0]!r} is there more than once")
    return layers


def _row(row: dict[str, str], where: str) -> Layer:
    """One layer of one line of a table."""
    try:
        numbers = [int(row[column]) for column in _INTEGERS]
        pad_width = int(row[_PAD_WIDTH]) if row.get(_PAD_WIDTH) else None
    except (TypeError, ValueError) as error:
        raise WorkloadError(f"{where}: layer {row['layer']!r}: {error}") from error
    return Layer(row["layer"], row["type"], *numbers, pad_width)
