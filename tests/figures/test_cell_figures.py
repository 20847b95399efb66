"""Figures of a cell at DC and in time: what they tell is what was measured."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import charlib
from analysis import plots
from analysis.plots import NothingToDraw
from figures import FIGURES
from netlists import NetlistCell, Sram8T

pytestmark = pytest.mark.ngspice

IN_TIME = {
    "t_write": "s", "e_write": "J", "t_bl": "s", "t_precharge": "s", "t_pulse_read": "s", "e_precharge": "J",
    "v_half": "V", "v_dip": "V", "t_fo4": "s", "e_fo4": "J",
}  # fmt: skip
WEAK = Path(__file__).parents[2] / "docs" / "runs" / "weak-cell.sp"
"""A cell that loses Q = 1 while a row is open."""


@pytest.fixture(scope="module")
def nominal_in_time(tmp_path_factory):
    """Hot, at a supply at which a dip to 0 V costs the bit."""
    folder = tmp_path_factory.mktemp("in_time")
    conditions = charlib.Conditions(process=["fs"], vdd=[0.6], temp=[398.15])
    charlib.characterize(conditions=conditions, metrics=list(IN_TIME), out=folder, workers=1)
    return folder


def words(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def value(folder, metric):
    data = xr.load_dataset(folder / "characterization.nc")
    return float(data[f"{metric}_nominal"].squeeze())


def test_numbers_in_time_are_those_of_the_metrics(nominal_in_time):
    figure = FIGURES["in_time"].draw(nominal_in_time)
    told = words(figure)
    for metric, unit in IN_TIME.items():
        number = value(nominal_in_time, metric)
        text = f"{metric} = {plots.quantity(number, unit)}" if np.isfinite(number) else f"{metric}: not reached"
        assert any(word.startswith(text) for word in told), (text, told)
    assert "t_pulse_read: not reached" in told  # a sound cell survives the longest pulse


def test_times_of_the_bit_lines_are_marked_as_long_as_they_are(nominal_in_time):
    axes = {ax.get_title(): ax for ax in FIGURES["in_time"].draw(nominal_in_time).axes}
    for title, metric in (("read, bit lines part", "t_bl"), ("precharge, bit lines come back", "t_precharge")):
        marked = axes[title].patches[0].get_window_extent().transformed(axes[title].transData.inverted())
        assert marked.width == pytest.approx(value(nominal_in_time, metric), rel=0.02)


def test_a_read_port_is_marked_as_long_as_its_times_are(tmp_path):
    titles = {
        "t_rbl": "read port, RBL falls",
        "t_read_port": "read port, output rises",
        "t_precharge_port": "read port, RBL comes back",
    }
    at = charlib.Conditions(vdd=[0.8], dv_wl=[-0.05], dv_bl=[0.05])
    metrics = [*titles, "e_read_port"]
    charlib.characterize(cell=Sram8T(), conditions=at, metrics=metrics, out=tmp_path, workers=1)
    figure = FIGURES["in_time"].draw(tmp_path)
    axes = {ax.get_title(): ax for ax in figure.axes}
    assert "Read port, Q = 0" in figure.get_supxlabel()
    for metric, title in titles.items():
        ax = axes[title]
        marked = ax.patches[0].get_window_extent().transformed(ax.transData.inverted())
        assert marked.width == pytest.approx(value(tmp_path, metric), rel=0.02)
        assert f"{metric} = {plots.quantity(value(tmp_path, metric), 's')}" in words(figure)
    spent = axes["read cycle through the port, Q = 0"].lines[0].get_ydata()
    assert spent[-1] == pytest.approx(value(tmp_path, "e_read_port"), rel=2e-3)


def test_a_weak_cell_shows_the_pulse_that_costs_its_bit(tmp_path):
    ports = {"bl": "BL", "blb": "BLB", "wl": "WL", "vdd": "VDD", "gnd": "VSS"}
    conditions = charlib.Conditions(process=["tt"], vdd=[0.9], temp=[398.15])
    cell = NetlistCell.read(WEAK, "weak", ports)
    charlib.characterize(cell=cell, conditions=conditions, metrics=["t_pulse_read", "v_half"], out=tmp_path, workers=1)
    figure = FIGURES["in_time"].draw(tmp_path)
    found = xr.load_dataset(tmp_path / "characterization.nc")["t_pulse_read_lobes"].squeeze().sel(lobe="q")
    assert f"t_pulse_read = {plots.quantity(float(found), 's')}" in words(figure)
    assert "v_half: bit lost" in words(figure)
    ax = next(ax for ax in figure.axes if ax.get_title() == "longest read pulse survived")
    kept, lost = ((ax.lines[i + 1].get_ydata()[-1], ax.lines[i + 2].get_ydata()[-1]) for i in (0, 3))
    assert kept[0] > 0.8
    assert lost[1] > 0.8


def test_energy_so_far_ends_at_the_metric(nominal_in_time):
    axes = {ax.get_title(): ax for ax in FIGURES["in_time"].draw(nominal_in_time).axes}
    for title, metric in (("write cycle", "e_write"), ("its energy, one fall and one rise", "e_fo4")):
        spent = axes[title].lines[0].get_ydata()
        assert spent[0] == 0
        assert spent[-1] == pytest.approx(value(nominal_in_time, metric), rel=2e-3)


def test_a_dip_shows_the_lowest_level_survived_and_the_trial_below_it(nominal_in_time):
    ax = next(
        ax for ax in FIGURES["in_time"].draw(nominal_in_time).axes if ax.get_title() == "dip of the cell's supply"
    )
    survived, lost = ax.lines[0].get_ydata(), ax.lines[3].get_ydata()
    assert survived.min() == pytest.approx(value(nominal_in_time, "v_dip"), rel=1e-3)
    assert lost.min() < survived.min()
    assert ax.lines[0].get_linewidth() > ax.lines[3].get_linewidth()


def test_without_an_operation_there_is_nothing_in_time(nominal_in_time, tmp_path):
    xr.load_dataset(nominal_in_time / "characterization.nc").to_netcdf(tmp_path / "characterization.nc")
    xr.Dataset().to_netcdf(tmp_path / "curves.nc")
    with pytest.raises(NothingToDraw, match=r"curves\.nc has no group write: the run did not ask for it"):
        FIGURES["in_time"].draw(tmp_path)


def test_the_cell_at_dc_shows_what_was_measured(sampled):
    figure = FIGURES["at_dc"].draw(sampled)
    data = xr.load_dataset(sampled / "characterization.nc")
    here = data.sel(plots.reference_condition(data).where)
    told = words(figure)
    for metric, unit in (("v_bump", "V"), ("i_read", "A"), ("i_leak", "A")):
        assert plots.quantity(float(here[f"{metric}_nominal"]), unit) in told
    dots = next(ax for ax in figure.axes if ax.get_yscale() == "log").lines[1::2]
    for role, dot in zip(("pd", "pu", "pg"), dots, strict=True):
        assert dot.get_xdata()[0] == pytest.approx(float(here[f"vth_{role}_nominal"]))
