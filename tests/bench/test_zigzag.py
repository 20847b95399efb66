"""Why feature maps are in DRAM in one model alone: by rules that a wrong number does not pass."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import workloads
from analysis.mapping import Shapes
from bench import zigzag

LAYERS = list(workloads.load("mobilenet_v2"))
DRAM, LIMIT = 8e-12, 256 * 1024 * 8


@pytest.fixture
def macro():
    return xr.Dataset(attrs={"macro_geometry": "{}", "memories": json.dumps({"dram": DRAM, "global_bits": LIMIT})})


@pytest.fixture
def found():
    """Layers as ZigZag's rules have them, each map moved once."""
    shapes = Shapes.of(LAYERS)
    stored = [np.array([bool(why) for why in each]) for each in zigzag.in_dram(LAYERS, LIMIT)]
    columns = {"inputs": shapes.input_values, "outputs": shapes.output_values}
    energies = {f"dram_{name}_j": 8 * DRAM * columns[name] * where for name, where in zip(columns, stored, strict=True)}
    return pd.DataFrame({"design": "baseline", **energies})


def test_blocks_with_an_addition():
    """MobileNetV2 has ten: what goes in are outputs of 15 layers, as additions follow each other."""
    names = [LAYERS[place].name for place in sorted(zigzag.added(LAYERS))]
    assert names == [f"features.{block}.conv.2" for block in range(2, 17)]


def test_every_reason_by_hand(macro, found):
    table = zigzag.maps(LAYERS, macro, found).set_index("layer")
    assert table["reason"]["features.3.conv.1.0"] == zigzag.SAME  # 451,584 values in and out: beyond both limits
    assert table["reason"]["features.12.conv.1.0"] == zigzag.TOGETHER  # 112,896 and twice 112,896: beyond 262,144
    assert table["reason"]["features.16.conv.2"] == zigzag.ADDED
    assert table["reason"]["classifier.1"] == zigzag.ENDS
    assert not table["reason"].str.contains(zigzag.UNKNOWN).any()
    assert table["ours"]["features.12.conv.1.0"] == 0.0
    assert table["zigzag"]["features.12.conv.1.0"] == pytest.approx(112896 * 8 * DRAM * 1e6)  # its output


@pytest.mark.parametrize(
    ("layer", "column", "times", "reason"),
    [
        ("features.1.conv.0.0", "inputs", 3.0, zigzag.AGAIN),
        ("features.2.conv.1.0", "inputs", 1.5, zigzag.AGAIN),
        ("features.2.conv.1.0", "inputs", 3.0, zigzag.UNKNOWN),
        ("features.3.conv.2", "outputs", 2.0, zigzag.UNKNOWN),
        ("features.3.conv.1.0", "outputs", 0.0, zigzag.UNKNOWN),
    ],
)
def test_a_map_that_is_moved_otherwise(macro, found, layer, column, times, reason):
    place = [one.name for one in LAYERS].index(layer)
    found.loc[place, f"dram_{column}_j"] *= times
    table = zigzag.maps(LAYERS, macro, found).set_index("layer")
    assert table["reason"][layer].endswith(reason)
