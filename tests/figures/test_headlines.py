"""The figure of the published speed-ups, from a table small enough to write down."""

import pandas as pd
import pytest

from analysis import headlines
from analysis.plots import NothingToDraw
from figures import FIGURES

ROWS = (
    ("mobilenet_v2", "all", "as assumed", 2.84, 2.4, 0.31, 5.5),
    ("mobilenet_v2", "adder split", "1 a tree", 2.84, 1.9, 0.31, 2.0),
    ("mobilenet_v2", "macros over", "inputs of a window", 2.84, 2.9, 0.46, 5.9),
    ("efficientnet_b0", "all", "as assumed", 2.69, 2.2, 0.26, 3.3),
    ("efficientnet_b0", "adder split", "1 a tree", 2.69, 1.9, 0.26, 2.0),
    ("efficientnet_b0", "macros over", "inputs of a window", 2.69, 2.4, 0.44, 3.4),
)
COLUMNS = ["network", "assumption", "value", "published", "speedup", "share", "gain_depthwise"]


LAST = {"mobilenet_v2": 3.25, "efficientnet_b0": 2.75}
"""Last gain of each stored curve [1]; made up."""


@pytest.fixture
def folder(tmp_path):
    pd.DataFrame(ROWS, columns=COLUMNS).to_csv(tmp_path / "headlines.csv", index=False)
    curve = [(name, 0.5 + i / 10, last + 5 - i) for name, last in LAST.items() for i in range(6)]
    pd.DataFrame(curve, columns=["network", "share", "gain"]).to_csv(tmp_path / "headlines_curve.csv", index=False)
    return tmp_path


def test_points_bars_and_curves(folder):
    figure = FIGURES["headlines"].draw(folder)
    assert "2.40 of 2.84 on mobilenet_v2 and 2.20 of 2.69 on efficientnet_b0" in " ".join(figure.get_suptitle().split())
    assert headlines.SOURCE in " ".join(figure.get_supxlabel().split())
    curve, *bars = figure.axes
    lines = [line for line in curve.lines if len(line.get_xdata()) > 3]
    assert [round(line.get_ydata()[-1], 2) for line in lines] == list(LAST.values())  # as stored
    assert [line.get_xdata().tolist() for line in curve.lines if line.get_markersize() > 5] == [[0.31], [0.26]]
    for ax, speedups in zip(bars, ([2.4, 1.9, 2.9], [2.2, 1.9, 2.4]), strict=True):
        ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
        assert ends == [pytest.approx((speedups[0], other)) for other in speedups[1:]]
    figure.canvas.draw()


@pytest.mark.parametrize("name", ["headlines", "headlines_curve"])
def test_a_table_without_a_column(folder, name):
    pd.read_csv(folder / f"{name}.csv").drop(columns="share").to_csv(folder / f"{name}.csv", index=False)
    with pytest.raises(NothingToDraw, match=rf"{name}\.csv has no column share"):
        FIGURES["headlines"].draw(folder)
