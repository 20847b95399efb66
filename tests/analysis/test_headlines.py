"""Headline figures: a small case by hand, identities between the columns, and what silicon is stood beside."""

import dataclasses
import math

import numpy as np
import pytest

from analysis import headlines, macro, network, workloads
from analysis.architecture import MacroError, MacroGeometry
from analysis.headlines import AS_ASSUMED, PUBLISHED
from analysis.workloads import Layer


@pytest.fixture(scope="module")
def supplies(macro_dataset):
    """The synthetic macro at one process and temperature."""
    return macro_dataset.sel(process=["tt"])


@pytest.fixture(scope="module")
def at(supplies):
    """The same at one supply."""
    return supplies.sel(vdd=[0.9])


@pytest.fixture(scope="module")
def speedups(at):
    return headlines.speedups(at)


def test_a_small_network_by_hand(at, monkeypatch):
    tiny = (
        Layer("deep", "depthwise", 1, 32, 224, 224, 32, 3, 3, pad=1, groups=32),
        Layer("point", "pointwise", 1, 32, 224, 224, 16, 1, 1),
    )
    monkeypatch.setattr(workloads, "load", lambda name: tiny)
    first = headlines.speedups(at, ("tiny",)).iloc[0]
    windows = 224 * 224
    deep, point = windows * 8 * 8 + 8 * 9, windows * 2 * 8 + 2 * 32  # 8 and 2 output tiles, rows written one a cycle
    deep_ddc, point_ddc = windows * 2 * 8 + 2 * 27, windows * 8 + 32
    assert first["cycles_baseline"] == deep + point
    assert first["cycles_ddc"] == deep_ddc + point_ddc
    assert first["speedup"] == (deep + point) / (deep_ddc + point_ddc)
    assert first["speedup_compute"] == (64 + 16) / (16 + 8)
    assert first["share"] == deep / (deep + point)
    assert first["gain_depthwise"] == deep / deep_ddc
    assert first["gain_others"] == 2
    assert first["bound"] == pytest.approx(2 * (deep + point) / point)
    assert math.isnan(first["published"])


def test_the_first_row_is_what_the_network_model_gives(at, speedups):
    for name in PUBLISHED:
        whole = network.total(network.evaluate(workloads.load(name), at, name=name))
        first = speedups[speedups["network"] == name].iloc[0]
        assert (first["assumption"], first["value"]) == (AS_ASSUMED.what, AS_ASSUMED.value)
        for column, variable in {"speedup": "cycles", "speedup_compute": "cycles_compute"}.items():
            assert first[column] == pytest.approx(float(network.speedup(whole, variable).sel(design="ddc")))
        ratio = whole["energy"].sel(design="baseline") / whole["energy"].sel(design="ddc")
        assert first["energy_gain"] == pytest.approx(float(ratio.squeeze()))


def test_both_networks_have_the_same_assumptions(speedups):
    each = [
        own[["assumption", "value", "mapping", "input_size"]].values.tolist() for _, own in speedups.groupby("network")
    ]
    assert each[0] == each[1]
    assert len({tuple(row) for row in each[0]}) == len(each[0]) > 20
    groups = {"depthwise mapping", "adder split", "weight loading", "buffer bandwidth", "input size"}
    assert groups < set(speedups["assumption"])


def test_columns_hold_together(speedups):
    share, deep, others = (speedups[name] for name in ("share", "gain_depthwise", "gain_others"))
    np.testing.assert_allclose(1 / (share / deep + (1 - share) / others), speedups["speedup"])
    assert (others <= 2).all()
    assert (speedups["speedup"] <= speedups["bound"]).all()
    reach = speedups["published"] < speedups["bound"]
    assert np.isinf(speedups["gain_needed"][~reach]).all()
    met = 1 / (share / speedups["gain_needed"] + (1 - share) / 2)
    np.testing.assert_allclose(met[reach], speedups["published"][reach])


def test_the_curve_meets_the_headline():
    curve = headlines.curve()
    assert set(curve["network"]) == set(PUBLISHED)
    found = 1 / (curve["share"] / curve["gain"] + (1 - curve["share"]) / 2)
    np.testing.assert_allclose(found, curve["published"])
    assert curve.loc[curve["share"] == 1, "gain"].tolist() == pytest.approx(list(PUBLISHED.values()))


def test_no_gain_is_enough_below_the_least_share():
    least = headlines.least_share(2.84)
    assert headlines.needed_gain(2.84, np.array([0.99 * least, 1.01 * least])).tolist() == [
        math.inf,
        pytest.approx(1.01 * least / (1 / 2.84 - (1 - 1.01 * least) / 2)),
    ]
    assert headlines.least_share(1.5) == 0


def test_the_nearest_assumption_comes_first(speedups):
    near = headlines.explained(speedups)
    assert near["off"].is_monotonic_increasing
    first = near.iloc[0]
    assert first["off"] == max(abs(first[name] / published - 1) for name, published in PUBLISHED.items())


def test_what_changes_nothing_is_left_out():
    geometry = MacroGeometry(macros=1, columns=8, compartments=1, split_windows=1)
    left = {one.name for one in headlines.assumptions(geometry)}
    assert not left & {"depthwise_words", "depthwise_macros", "pixel_macros", "input_macros", "depthwise_windows"}
    assert "load_bits" not in left
    for one in headlines.assumptions(geometry):
        one.mapping.check(geometry)


def test_other_geometries(table, cell_area):
    small = dataclasses.replace(MacroGeometry(), macros=2, compartments=16)
    found = headlines.speedups(macro.evaluate(table, small, cell_area).sel(process=["tt"], vdd=[0.9]))
    assert (found["gain_others"] <= 2).all()


def test_a_macro_that_lacks_a_variable(at):
    with pytest.raises(MacroError, match=r"variable cycle_time is missing in the macro Dataset \(macro\.nc\)"):
        headlines.speedups(at.drop_vars("cycle_time"))
