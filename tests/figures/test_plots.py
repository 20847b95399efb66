"""The shared look: conditions, axes, captions, files."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from analysis import plots
from analysis.plots import Condition, NothingToDraw


def grid(process, vdd, temp, **attrs):
    return xr.Dataset(coords={"process": process, "vdd": vdd, "temp": temp}, attrs=attrs)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (grid(["ss", "tt"], [0.6, 1.0, 1.1], [398.15, 298.15], technology="predictive28"), ("tt", 1.0, 298.15)),
        (grid(["ss", "ff"], [0.6, 0.7], [398.15, 233.15], technology="predictive28"), ("ss", 0.7, 233.15)),
        (grid(["tt"], [0.6, 1.0], [298.15], technology="my own"), ("tt", 1.0, 298.15)),
    ],
)
def test_single_condition_figures_show_the_nominal_condition_or_the_nearest(data, expected):
    assert plots.reference_condition(data) == Condition(*expected)


def test_a_caption_says_technology_condition_samples_seed_and_simulator():
    data = grid(["tt"], [1.0], [298.15], technology="predictive28", samples=100, seed=7, ngspice_version="39")
    text = plots.provenance(data, Condition("tt", 0.9, 298.15), "first 50 drawn")
    assert text == ("predictive28, tt, VDD 0.9 V, 25 °C; 100 Monte Carlo samples (first 50 drawn), seed 7; ngspice 39.")
    assert "nominal cell only" in plots.provenance(data.assign_attrs(samples=0), "tt")


def test_samples_for_which_nothing_was_drawn_are_nominal_cells():
    alike = grid(["tt"], [1.0], [298.15], samples=1, local_variation="False", global_law="none: not drawn")
    assert "nominal cell only" in plots.provenance(alike, "tt")
    assert "1 Monte Carlo sample," in plots.provenance(alike.assign_attrs(global_law='{"sigma_n": 0.01}'), "mc")
    assert "5 Monte Carlo samples" in plots.provenance(alike.assign_attrs(local_variation="True", samples=5), "tt")


@pytest.mark.parametrize(
    ("limits", "log", "label", "tick"),
    [
        ((0.0, 0.6), False, "x [mV]", (0.2, "200")),
        ((0.0, 1.03), False, "x [V]", (0.5, "0.5")),
        ((-2e-10, 1.9e-9), False, "x [nV]", (5e-10, "0.5")),
        ((3e-11, 1.2e-9), True, "x [pV]", (5e-10, "500")),
        ((0.0, 0.0), False, "x [mV]", None),
    ],
)
def test_axes_are_labelled_with_the_prefix_that_suits_them(limits, log, label, tick):
    ax = Figure().subplots()
    if limits[0] != limits[1]:
        ax.set_xlim(*limits)
    else:
        ax.set_xlim(-0.055, 0.055)  # what matplotlib makes of equal limits
    if log:
        ax.set_xscale("log")
        ax.set_xlim(*limits)
    plots.label_axis(ax.xaxis, "x", "V", log=log)
    assert ax.get_xlabel() == label
    if tick:
        assert ax.xaxis.get_major_formatter()(tick[0], 0) == tick[1]


def test_a_log_axis_has_ticks_within_one_decade():
    ax = Figure().subplots()
    ax.set_yscale("log")
    ax.set_ylim(30e-12, 800e-12)
    plots.label_axis(ax.yaxis, "delay", "s", log=True)
    low, high = ax.get_ylim()
    assert sum(low <= tick <= high for tick in ax.yaxis.get_major_locator()()) >= 3


def test_the_style_is_taken_back():
    before = {key: mpl.rcParams[key] for key in plots.STYLE}
    with plots.style():
        assert mpl.rcParams["svg.hashsalt"] == "pimchar"
    assert {key: mpl.rcParams[key] for key in plots.STYLE} == before


def test_the_same_figure_gives_the_same_files(tmp_path):
    def make(folder):
        with plots.style():
            figure = plots.new_figure(3.0, "message", "caption " * 40)
            ax = figure.subplots()
            ax.fill_between([0, 1], [0, 1], hatch="//")
            ax.plot([0, 1], [1, 0], "o", clip_path=ax.patch)
        return plots.save(figure, folder, "example")

    first, second = make(tmp_path / "a"), make(tmp_path / "b")
    assert [path.name for path in first] == ["example.svg", "example.png"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert b"<dc:date>" not in first[0].read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["example.png", "example.svg"]


def test_reading_says_what_is_missing(tmp_path):
    with pytest.raises(NothingToDraw, match=r"curves\.nc is missing"):
        plots.read(tmp_path / "curves.nc")
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "curves.nc")
    with pytest.raises(NothingToDraw, match=r"curves\.nc has no group butterfly_hold"):
        plots.read(tmp_path / "curves.nc", "butterfly_hold")
    with pytest.raises(NothingToDraw, match=r"curves\.nc has no q_l$"), plots.read(tmp_path / "curves.nc") as data:
        plots.require(data, ("a", "q_l"), "curves.nc")
    (tmp_path / "broken.nc").write_text("no HDF5")
    with pytest.raises(NothingToDraw, match=r"broken\.nc is missing or not readable"):
        plots.read(tmp_path / "broken.nc")
    (tmp_path / "network.csv").write_text("network,design\n")
    with pytest.raises(NothingToDraw, match=r"network\.csv has no rows"):
        plots.read_csv(tmp_path / "network.csv")


def test_a_long_title_is_wrapped():
    with plots.style():
        figure = plots.new_figure(3.0, "word " * 40, "caption")
    assert max(len(line) for line in figure.get_suptitle().splitlines()) < 85


def test_quantities_have_a_prefix():
    assert plots.quantity(4.549e-11, "s") == "45.5 ps"
    assert plots.quantity(np.float64(0.6), "V") == "600 mV"
