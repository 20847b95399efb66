"""Figures of a column's errors and of its rows, from SYNTHETIC results."""

import json

import numpy as np
import pytest
import xarray as xr

from analysis.errors import error_rates
from analysis.plots import NothingToDraw
from figures import FIGURES

VDD = [0.5, 0.6, 0.8]
SAMPLES = 100
ATTRS = {"technology": "predictive28", "samples": SAMPLES, "seed": 1, "ngspice_version": "0",
         "readpath": json.dumps({"rows": 16})}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Lognormal times, medians ``0.1 ns / VDD^4`` and 1 us."""
    rng, dims = np.random.default_rng(1), ("process", "vdd", "temp", "sample")
    data = xr.Dataset(coords={"process": ["tt"], "vdd": VDD, "temp": [298.15]}, attrs=ATTRS)
    for name, scale in {"t_read_p": 1e-10, "t_read_n": 1e-10, "t_precharge": 1e-11, "t_hold_line": 1e-6}.items():
        median = scale * np.ones(3) if "hold" in name else scale / np.array(VDD) ** 4
        values = median[None, :, None, None] * np.exp(0.2 * rng.normal(size=(1, 3, 1, SAMPLES)))
        side = "low" if "hold" in name else "high"
        data[name] = (dims, values, {"units": "s", "fails_when": side, "long_name": name})
        data[f"{name}_status"] = (dims, np.zeros(values.shape, np.int8))
    error_rates(data).to_netcdf(tmp_path / "errors.nc")
    rows = np.array([16, 64, 256])
    table = xr.Dataset(coords={"process": ["tt"], "vdd": VDD, "temp": [298.15], "rows": rows}, attrs=ATTRS)
    for name, unit, size in (("t_read_p", "s", 1e-11), ("t_read_n", "s", 1e-11), ("e_read", "J", 1e-16)):
        values = size * np.multiply.outer(1 / np.array(VDD), rows)[None, :, None, :]
        for end, array in (("", values), ("_std", 0.1 * values), ("_n_failed", 0 * values), ("_n_unknown", 0 * values)):
            table[name + end] = (("process", "vdd", "temp", "rows"), array, {"units": unit})
    table.to_netcdf(tmp_path / "tables.nc")
    return tmp_path


def words(figure):
    return " ".join((figure.get_suptitle() + " " + figure.get_supxlabel()).split())


def test_counted_and_extrapolated_rates_are_told_apart(folder):
    figure = FIGURES["error_rate"].draw(folder)
    text = words(figure)
    assert "predictive28, tt, 25 °C; 100 Monte Carlo samples, seed 1" in text
    assert "extrapolated" in text
    assert "Judged by t_read_p, t_read_n, t_precharge, t_hold_line" in text
    stored = xr.load_dataset(folder / "errors.nc").squeeze(("process", "temp"))
    right = figure.axes[1]
    for look, vdd in zip(("#d55e00", "#0072b2"), VDD[1:], strict=True):
        lines = [line for line in right.lines if line.get_color() == look and len(line.get_xdata()) == 2]
        dashed = sum(line.get_linestyle() == "--" for line in lines)
        guess = stored["extrapolated"].sel(vdd=vdd).values == 1
        assert dashed == (guess[1:] | guess[:-1]).sum()
        assert 0 < dashed < len(lines)
    assert figure.axes[0].get_xlabel() == "supply voltage [mV]"
    figure.canvas.draw()


def test_the_title_names_the_shortest_cycles(folder):
    stored = xr.load_dataset(folder / "errors.nc").squeeze()
    first = 1e9 * float(stored["cycle_min"][0])
    assert f"need a cycle of {first:.3g} ns at 0.5 V" in words(FIGURES["error_rate"].draw(folder))


def test_recovered_results_are_exact_and_errors_are_drawn(folder):
    figure = FIGURES["recovery"].draw(folder)
    text = words(figure)
    assert "512 of 512 recovered results equal the direct convolution" in text
    assert "predictive28, tt" in text
    assert "SYNTHETIC" in text
    cycle = float(xr.load_dataset(folder / "errors.nc")["cycle_min"].sel(vdd=0.8).squeeze())
    assert f"0.001, which this column keeps at cycles from {1e9 * cycle:.3g} ns to" in text
    left, right = figure.axes
    before, paired = (line.get_xydata() for line in left.lines[:2])
    assert (paired[:, 0] == paired[:, 1]).all()
    assert (before[:, 0] != before[:, 1]).mean() > 0.9
    curves = [line.get_ydata() for line in right.lines[:4]]
    assert all((np.diff(curve) > 0).all() for curve in curves)
    figure.canvas.draw()


def test_rows_show_every_supply_with_its_spread(folder):
    figure = FIGURES["rows"].draw(folder)
    assert "16 times the rows: 16 times the delay, 16 times the energy at 0.8 V" in words(figure)
    assert "No sample failed" in words(figure)
    for ax in figure.axes:
        assert len(ax.lines) == len(VDD)
        assert len(ax.collections) == len(VDD)
        assert ax.get_xlabel() == "rows of the column [1]"
    np.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), 1e-16 / 0.5 * np.array([16, 64, 256]))
    figure.canvas.draw()


def test_what_is_missing_is_named(folder):
    table = xr.load_dataset(folder / "tables.nc")
    table.isel(rows=0).to_netcdf(folder / "tables.nc")
    with pytest.raises(NothingToDraw, match=r"no axis of several rows \(conditions\.rows\)"):
        FIGURES["rows"].draw(folder)
    (folder / "errors.nc").unlink()
    with pytest.raises(NothingToDraw, match=r"errors\.nc is missing"):
        FIGURES["error_rate"].draw(folder)
