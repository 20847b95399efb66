"""The figure of checked adder trees, from results made up here."""

import numpy as np
import pytest
import xarray as xr

from analysis.addertree import compare
from analysis.plots import NothingToDraw
from figures import FIGURES


def tree(pairs, factor):
    """A check whose events are off by a factor in energy and delay."""
    rng = np.random.default_rng(pairs)
    energy = rng.uniform(1e-14, 5e-14, (2, pairs))
    arrival = rng.uniform(5e-11, 2e-10, (3, pairs))
    arrival[:, 0] = np.nan
    sides = [
        xr.Dataset(
            {
                "pair_energy": (("supply", "pair"), f * energy),
                "arrival": (("output", "pair"), f * arrival),
                "level": (("output", "pair"), np.zeros((3, pairs))),
            }
        )
        for f in (factor, 1.0)
    ]
    about = {"technology": "predictive28", "process": "tt", "vdd": 1.0, "temp": 298.15, "seed": 1}
    joined = xr.concat(sides, xr.Variable("source", ["events", "simulated"]))
    return joined.assign_attrs(**about, **compare(*sides))


@pytest.fixture
def folder(tmp_path):
    trees = {"32x8": tree(5, 0.9), "8x8": tree(40, 1.05)}
    xr.DataTree.from_dict(trees).to_netcdf(tmp_path / "tree_check.nc")
    return tmp_path


def test_the_tree_with_most_pairs_gives_the_title_and_every_pair_is_a_dot(folder):
    figure = FIGURES["adder_tree"].draw(folder)
    figure.canvas.draw()
    assert "8x8 by events: mean energy +5.0%, latest arrival +5.0%" in " ".join(figure.get_suptitle().split())
    assert "tt, VDD 1 V, 25 °C" in " ".join(figure.get_supxlabel().split())
    for ax, unit in zip((ax for ax in figure.axes if ax.axison), ("fJ", "ps"), strict=True):
        first, second, equal = ax.lines
        assert (len(first.get_xdata()), len(second.get_xdata())) == (40, 5)
        assert first.get_ydata()[1:] == pytest.approx(1.05 * first.get_xdata()[1:])
        assert (equal.get_xdata() == equal.get_ydata()).all()
        assert ax.get_xlabel().endswith(f"transistors [{unit}]")


def test_nothing_to_draw(tmp_path):
    with pytest.raises(NothingToDraw, match=r"tree_check\.nc is missing"):
        FIGURES["adder_tree"].draw(tmp_path)
    xr.Dataset().to_netcdf(tmp_path / "tree_check.nc")
    with pytest.raises(NothingToDraw, match=r"tree_check\.nc holds no tree"):
        FIGURES["adder_tree"].draw(tmp_path)
