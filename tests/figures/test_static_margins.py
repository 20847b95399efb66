"""Write butterfly, N-curve and lost states: what is drawn is what was measured."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.patches import Rectangle

from analysis.plots import quantity
from figures import FIGURES
from figures.lost_states import turning_point
from figures.n_curve import crossings
from figures.write_butterfly import smallest_square


def nominal(folder, metric):
    data = xr.load_dataset(folder / "characterization.nc").sel(process="tt", vdd=1.0).squeeze()
    return float(data[f"{metric}_nominal"])


def shown(figure):
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts)


@pytest.mark.ngspice
def test_the_drawn_squares_are_the_nominal_write_margin(sampled):
    figure = FIGURES["write_butterfly"].draw(sampled)
    for ax in figure.axes:
        (square,) = (p for p in ax.patches if isinstance(p, Rectangle))
        assert square.get_width() == square.get_height()
        assert square.get_width() == pytest.approx(nominal(sampled, "snm_write"), abs=5e-5)


@pytest.mark.ngspice
def test_the_n_curve_says_the_metrics(sampled):
    text = shown(FIGURES["n_curve"].draw(sampled))
    for metric, unit in (("svnm", "V"), ("wtv", "V"), ("sinm", "A"), ("wti", "A")):
        assert f"{metric.upper()} {quantity(nominal(sampled, metric), unit)}" in text


@pytest.mark.ngspice
def test_the_dots_are_where_the_nominal_cell_loses_its_state(sampled):
    figure = FIGURES["lost_states"].draw(sampled)
    found = [float(line.get_ydata()[0]) for ax in figure.axes for line in ax.lines if line.get_marker() == "o"]
    expected = [nominal(sampled, "wm_bl"), 1.0 - nominal(sampled, "wm_wl"), nominal(sampled, "drv")]
    np.testing.assert_allclose(found, expected, atol=1e-3)  # the dot is a point of the sweep


def test_closed_forms():
    v = np.linspace(-0.2, 1.2, 57)
    found = crossings(v, v * (v - 0.5) * (v - 1))
    assert [found.low, found.trip, found.high] == pytest.approx([0.0, 0.5, 1.0], abs=1e-12)
    assert found.peak[1] == pytest.approx(np.sqrt(3) / 36)
    assert crossings(v, v - 0.3) is None
    square = smallest_square(v, np.zeros_like(v), 0.1 + (v - 0.4) ** 2)
    assert square.side == pytest.approx(0.1, abs=1e-4)
    assert smallest_square(v, np.zeros_like(v), v) is None
    d = np.linspace(1.0, -0.2, 25)
    assert turning_point(d, (d - 0.5) ** 2, rising=False) == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-12))
    assert turning_point(d, -((d - 0.5) ** 2), rising=True) == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-12))
