"""The table twin: splines and kernels against closed forms, every metric against ngspice, and what it refuses."""

import tracemalloc
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import xarray as xr

from charlib import (
    Conditions,
    InvalidPlan,
    PlanMismatch,
    TooManyFailures,
    TwinRefused,
    Variation,
    arrays,
    characterize,
    metrics,
    twin_check,
    twincheck,
)
from charlib.status import Status
from charlib.twin import cell, engine, grids, judge, kernels, subset
from charlib.twin.coverage import SOLVED
from charlib.twin.tables import GUARD, SINGLE, DeviceTable, device_table, smooth_shifts, splines
from charlib.twincheck import COVERED, far_values
from charlib.unit import UnitResult
from charlib.waveforms import measured
from netlists import NetlistCell, Sram6T, Sram8T
from netlists.devicetable import COLUMN, ROW, Chebyshev, DeviceGrid, Further, Grid, device_bench, knob_rows
from netlists.mramcells import Stt1T1M
from netlists.setting import Setting
from netlists.technology import load
from netlists.testbenches import TESTBENCHES
from netlists.variation import MismatchLaw

HOT = 398.15
"""Temperature at which tables are smallest [K]."""
LOW = Conditions(vdd=[0.6], temp=[HOT])
"""Where they are small at a low supply."""
ROWS, COLUMNS, SHIFTS = (
    Grid.over(-0.4, 0.6, 0.01, GUARD),
    Grid.over(0.0, 0.8, 0.01, GUARD),
    Grid.over(-0.2, 0.2, 0.08),
)


def made(law, level=None):
    """Table and axes of a current given as a function of row, column and shift."""
    grid = DeviceGrid(ROWS, COLUMNS, SHIFTS, {}, True, ("d",), level)
    values = law(ROWS.values[:, None, None], COLUMNS.values[:, None], SHIFTS.values)
    table = DeviceTable(grid, splines(np.broadcast_to(values, (ROWS.count, COLUMNS.count, SHIFTS.count))[None], grid))
    return table.coefficients[0], table.axes


def test_a_grid_holds_zero_its_ends_and_a_guard():
    grid = Grid.over(-0.25, 0.81, 0.1, 2)
    assert np.abs(grid.values).min() < 1e-12
    assert grid.values[2] <= -0.25 < grid.values[3]
    assert grid.values[-4] < 0.81 <= grid.values[-3]


def test_a_table_gives_values_and_slopes_of_a_smooth_current():
    """A subthreshold current over seven decades: relative errors, also where it is a femtoampere."""

    def law(row, column, shift):
        return 1e-9 * np.exp(row / 0.035) * (1 - np.exp(-column / 0.026)) * (1 + shift)

    table, axes = made(law)
    rng = np.random.default_rng(1)
    for row, column, shift in rng.uniform([-0.3, 0.02, -0.2], [0.5, 0.7, 0.2], (50, 3)):
        weights = kernels.weights(axes, np.array([shift, 0.0]))
        value, by_row, by_column = kernels.current(table, axes, row, column, weights, kernels.patches(1), 0)
        assert value == pytest.approx(law(row, column, shift), rel=1e-4)
        assert by_row == pytest.approx(law(row, column, shift) / 0.035, rel=1e-3)
        assert by_column == pytest.approx(
            1e-9 * np.exp(row / 0.035 - column / 0.026) / 0.026 * (1 + shift), rel=1e-2, abs=1e-3 * by_row
        )


def test_a_bend_where_drain_and_source_are_at_one_level_leaves_no_trace():
    def law(row, column, shift):
        return (1 + row) * ((column - 0.4) + np.where(column > 0.4, 5.0, -3.0) * (column - 0.4) ** 2) + 0 * shift

    table, axes = made(law, level=0.4)
    weights = kernels.weights(axes, np.array([0.03, 0.0]))
    for column in np.linspace(0.36, 0.44, 33):
        value, _, by_column = kernels.current(table, axes, 0.1, column, weights, kernels.patches(1), 0)
        assert value == pytest.approx(law(0.1, column, 0.03), rel=1e-6, abs=1e-9)  # in single precision
        assert by_column == pytest.approx(1.1 * (1 + np.where(column > 0.4, 10, -6) * (column - 0.4)), rel=1e-5)


OXIDE = MismatchLaw("tox", "tox", 1e-9, True, "device")


def test_a_further_parameter_is_read_from_a_table_as_it_was_put_in():
    def law(row, column, shift, deviation):
        return 1e-6 * (1 + row) * column * (1 + shift) * np.exp(0.3 * deviation)

    further = Further(OXIDE, 4.0, Chebyshev(1.0, 6))
    grid = DeviceGrid(ROWS, COLUMNS, SHIFTS, {}, True, ("d",), None, further)
    deviations = further.deviations.values[:, None]
    values = law(ROWS.values[:, None, None, None], COLUMNS.values[:, None, None], SHIFTS.values, deviations)
    table = DeviceTable(grid, splines(values.reshape(1, ROWS.count, COLUMNS.count, -1), grid))
    for shift, deviation in ((0.03, 0.1), (-0.11, -0.97), (0.19, 0.7)):
        at = kernels.weights(table.axes, np.array([shift, deviation]))
        value, _, _ = kernels.current(table.coefficients[0], table.axes, 0.2, 0.3, at, kernels.patches(1), 0)
        assert value == pytest.approx(law(0.2, 0.3, shift, deviation), rel=1e-5)


def test_samples_of_the_check_reach_six_standard_deviations_together_and_by_themselves():
    bench = TESTBENCHES["butterfly_read"].build(
        Setting(load("predictive28"), "tt", 1.0, 298.15, Sram6T().sized(load("predictive28")))
    )
    values = far_values(bench, 3, 200)
    sigmas = (values - bench.knob_values(np.zeros((1, 6)))) / [knob.sigma for knob in bench.knobs.values()]
    assert np.sqrt((sigmas**2).sum(axis=1)) == pytest.approx(6 * np.arange(1, 201) / 200)
    assert np.abs(sigmas).max() > 5.5


@pytest.mark.ngspice
def test_a_broken_check_goes_on_where_it_stopped(tmp_path, monkeypatch):
    arguments = {"metrics": ["i_read"], "judged": 3, "out": tmp_path / "r"}
    first = twin_check(conditions=Conditions(vdd=[0.6], temp=[HOT]), **arguments)
    built = []
    monkeypatch.setattr(cell.Twin, "table", lambda *a, **k: built.append(a) or TABLE(*a, **k))
    both = twin_check(conditions=Conditions(vdd=[0.6, 0.5], temp=[HOT]), **arguments)
    assert both.sizes["case"] == 2
    assert {setting.vdd for _, setting, *_ in built} == {0.5}
    assert first.isel(case=0).equals(both.isel(case=0))
    assert not list((tmp_path / "r").glob(f"{twincheck.TABLES}*"))
    monkeypatch.setattr(twincheck, "_solver", lambda: "another solver")
    with pytest.raises(PlanMismatch, match="solver"):
        twin_check(conditions=Conditions(vdd=[0.6], temp=[HOT]), **arguments)


TABLE = cell.Twin.table


@pytest.mark.ngspice
@pytest.mark.parametrize("technology", ["predictive28"])
def test_every_metric_is_that_of_ngspice(technology):
    """At a low supply, where currents are exponential; the limits of docs/twin.md."""
    low = Conditions(vdd=[0.45], temp=[HOT])
    found = twin_check(technology=technology, conditions=low, variation=Variation(samples=40, seed=2), judged=16)
    assert sorted(found["metric"].values) == sorted(COVERED)
    judge.refuse(found)
    assert (found["judged"] >= 10).all()


@pytest.mark.ngspice
@pytest.mark.parametrize(
    ("role", "metric", "error", "limit"), [("pd", "snm_read", "rms", 5e-5), ("pg", "i_read", "rms_share", 5e-4)]
)
def test_a_table_of_the_wrong_width_is_caught_by_the_judge(role, metric, error, limit, tmp_path, monkeypatch, widen):
    arguments = {"metrics": [metric], "variation": Variation(samples=20), "engine": "twin", "judged": 10}
    arguments |= {"conditions": Conditions(vdd=[0.6], temp=[HOT]), "out": tmp_path / "r"}
    widen(role)
    message = f"^engine='twin': {metric} at tt, 0.6 V, 125 degC is .* rms off ngspice, beyond {limit:g}; use engine"
    with pytest.raises(TwinRefused, match=message):
        characterize(**arguments)
    assert not (tmp_path / "r" / "characterization.nc").exists()
    verdicts = xr.load_dataset(tmp_path / "r" / judge.REFUSED)
    assert verdicts["metric"].values.tolist() == [metric]
    assert verdicts[error].values > limit
    assert verdicts.sizes["judged_sample"] == 10
    monkeypatch.undo()
    for left in (tmp_path / "r" / "units").glob("device_table-*"):
        left.unlink()  # the wrong one is stored as what was asked for
    characterize(**arguments)
    assert not (tmp_path / "r" / judge.REFUSED).exists()


@pytest.mark.ngspice
def test_tables_that_the_next_testbench_does_not_use_are_let_go(tmp_path, reference):
    def held():
        return sorted(key.split()[0] for key in twin.read)

    technology = load("predictive28")
    at = Setting(technology, "tt", 1.0, 298.15, Sram6T().sized(technology))
    twin = cell.Twin(reference, tmp_path)
    for name in ("read_current", "write_bl"):
        twin.begin(at)
        bench = TESTBENCHES[name].build(at)
        twin.block(at, bench, bench.knob_values(np.zeros((1, len(bench.knobs)))))
        assert held() == (["pd", "pg", "pu"] if name == "read_current" else ["pd", "pg", "pg", "pu"])
    assert all(table.coefficients.dtype == SINGLE for table in twin.read.values())
    twin.begin(replace(at, vdd=0.8))
    assert held() == ["pd", "pu"]
    twin.begin(replace(at, temp=398.15))
    assert held() == []


@pytest.mark.ngspice
def test_a_bit_line_far_below_ground_is_within_the_tables():
    found = twin_check(
        metrics=["snm_write", "wm_wl"], conditions=Conditions(vdd=[0.9], temp=[HOT], dv_bl=[-0.4]), judged=8
    )
    judge.refuse(found)
    assert (found["judged"] >= 8).all()


@pytest.mark.ngspice
def test_lines_and_supply_apart_from_vdd_are_those_of_ngspice():
    apart = Conditions(vdd=[0.8], dv_wl=[0.08], dv_cell=[-0.06], dv_bl=[0.05])
    found = twin_check(metrics=["snm_read", "i_read", "i_leak", "wm_wl"], conditions=apart, judged=8)
    judge.refuse(found)
    assert (found["judged"] >= 8).all()


@pytest.mark.ngspice
def test_a_skewed_cell_of_varying_dies_is_that_of_ngspice(tmp_path):
    """Systematic shifts, and what all transistors of a die share, beside their mismatch."""
    characterize(
        cell=Sram6T(shifts={"pd_l": 0.03, "pg_r": -0.02}),
        conditions=Conditions(vdd=[0.8], temp=[HOT]),
        variation=Variation(samples=40, seed=2, global_=True),
        metrics=["snm_read"],
        engine="twin",
        judged=12,
        out=tmp_path / "r",
    )
    found = xr.load_dataset(tmp_path / "r" / judge.FILE).squeeze("case")
    assert (found["process"], found["judged"]) == ("mc", 24)
    assert found["rms"] < 1e-6
    assert found["largest"] < 3e-6


@pytest.mark.ngspice
def test_a_cell_that_a_read_turns_over_is_in_the_state_into_which_it_falls(tmp_path, reference):
    """Its other state has numbers all the same."""
    at = Setting(load("predictive28"), "fs", 0.5, 398.15, Sram6T(w_pd=50e-9, w_pu=50e-9, w_pg=150e-9, l=30e-9))
    bench = TESTBENCHES["read_current"].build(at)
    values = far_values(bench, 1, 60)
    block, solved = cell.Twin(reference, tmp_path).block(at, bench, values)
    assert solved.all()
    solutions = reference.solve(bench, values)
    for state, sign in (("q", 1), ("qb", -1)):
        ours = sign * (block[f"q_{state}"] - block[f"qb_{state}"])
        theirs = [sign * (each.vectors[f"q_{state}"] - each.vectors[f"qb_{state}"]) for each in solutions]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-3)
        assert 5 < (ours[:, -1] < -0.3).sum() < 50


@pytest.mark.ngspice
def test_more_samples_beyond_the_tables_than_allowed_end_a_run(monkeypatch):
    monkeypatch.setattr(cell, "inside", lambda setting, name, vectors: np.arange(len(vectors["s"])) % 4 > 0)
    with pytest.raises(TooManyFailures, match=r"^stopped: 6 samples beyond the tables, .*, 2 allowed"):
        characterize(
            metrics=["snm_read"], conditions=LOW, variation=Variation(samples=20), engine="twin", judged=4,
            max_failed=0.1,
        )  # fmt: skip


@pytest.mark.ngspice
def test_a_run_from_tables_is_labelled_stored_and_the_same_in_any_company(tmp_path):
    few, many = (Variation(samples=samples, seed=3) for samples in (12, 40))
    ours = characterize(
        metrics=["snm_read"], conditions=LOW, variation=many, engine="twin", judged=6, out=tmp_path / "r", workers=2
    )
    assert (ours.attrs["engine"], ours.attrs["accuracy"]) == ("twin", "reference")
    assert ours["snm_read_lobes"].sizes == {"process": 1, "vdd": 1, "temp": 1, "sample": 40, "lobe": 2}
    verdicts = xr.load_dataset(tmp_path / "r" / judge.FILE)
    assert verdicts.sizes == {"case": 1, "judged_sample": 6}
    alone = characterize(metrics=["snm_read"], conditions=LOW, variation=few, engine="twin", judged=1)
    assert (alone["snm_read"].values == ours["snm_read"].values[..., :12]).all()
    ngspice = characterize(metrics=["snm_read"], conditions=LOW, variation=few, accuracy="reference")
    assert np.abs(alone["snm_read"].values - ngspice["snm_read"].values).max() < 0.05e-3


WEAK = Path(__file__).parents[2] / "docs" / "runs" / "weak-cell.sp"
PORTS = {"bl": "BL", "blb": "BLB", "wl": "WL", "vdd": "VDD", "gnd": "VSS"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": ["t_read_p"]}, "it does not solve the testbench 'read_path', only butterfly_hold, "),
        (
            {"cell": Sram8T(), "metrics": ["i_read"]},
            "it does not solve the testbench 'read_current' of a cell of kind 'sram8t', only butterfly_hold, ",
        ),
        (
            {"cell": Stt1T1M(), "metrics": ["r_p"]},
            "it solves cells of kind 'sram6t' and 'sram8t', not 'stt1t1m'",
        ),
        (
            {"cell": NetlistCell.read(WEAK, "weak", PORTS)},
            "it solves cells of kind 'sram6t' and 'sram8t', not 'file'",
        ),
        ({"metrics": ["t_write"]}, "it does not solve the testbench 'write', only butterfly_hold, "),
        (
            {"technology": "sky130/logic"},
            "its tables have one axis besides the threshold, and sky130/logic varies tox and voff of 'pd'",
        ),
    ],
)
def test_what_is_not_covered_is_refused_with_a_clear_line(arguments, message, installed):
    with pytest.raises(InvalidPlan, match=message) as caught:
        characterize(**{"metrics": ["snm_hold"], "engine": "twin", **arguments})
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("use engine='ngspice' (characterize.engine)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scheduler": "tcp://somewhere:1"}, "solves on this machine"),
        ({"conditions": Conditions(rows=[16, 64])}, "rows change nothing"),
        ({"judged": 2.5}, "judged=2.5 is not a whole number"),
        ({"judged": 0}, "judged=0 is not a whole number"),
    ],
)
def test_what_would_be_ignored_or_done_twice_is_refused_before_a_directory_is_made(arguments, message, tmp_path):
    with pytest.raises(InvalidPlan, match=message):
        characterize(**{"metrics": ["snm_hold"], "engine": "twin", "out": tmp_path / "r", **arguments})
    assert not (tmp_path / "r").exists()


def in_pieces(values, length):
    """Gives the numbers of samples, shape (sample, column), some at a time."""
    return lambda: (values[first : first + length] for first in range(0, len(values), length))


def test_the_judged_subset_reaches_into_the_tail_and_its_weights_give_means():
    values = np.random.default_rng(5).normal(0.2, 0.01, (100_000, 1))
    whole = in_pieces(values, len(values))
    found = subset.choose(whole, 100_000, 200, 1, "butterfly_read")
    far = next(subset.distances(whole)())[found.samples]
    assert found.tail.sum() == 100
    assert far[found.tail].mean() > 1.8 > 1.0 > far[~found.tail].mean()
    assert found.weights.sum() == pytest.approx(1.0, abs=0.15)
    share = found.weights / found.weights.sum()
    assert (share * values[found.samples, 0]).sum() == pytest.approx(0.2, abs=4e-3)
    assert 1 / (share**2).sum() > 100  # as many as if each counted alike


def test_sums_by_the_weights_are_means_over_all_samples():
    """Of 400 draws, within four of their standard errors; squares and quantiles, too."""
    values = np.random.default_rng(8).normal(0.0, 1.0, (3000, 2))
    of = values[:, 0] + values[:, 1] ** 2, np.ones(3000), (values[:, 0] > 2.0).astype(float)
    drawn = [subset.choose(in_pieces(values, 3000), 3000, 60, seed, "leakage") for seed in range(400)]
    for number in of:
        found = np.array([(one.weights * number[one.samples]).sum() for one in drawn])
        assert found.mean() == pytest.approx(number.mean(), abs=4 * found.std() / 20)


def test_samples_without_a_number_are_judged_more_often_than_their_share():
    values = np.random.default_rng(9).normal(0.2, 0.01, (20_000, 1))
    values[::200] = np.nan
    found = subset.choose(in_pieces(values, 20_000), 20_000, 200, 1, "write_bl")
    assert np.isnan(values[found.samples, 0]).sum() > 20


def test_the_judged_subset_is_the_same_however_the_samples_are_gone_through():
    """And its tail what numpy draws by the same chances."""
    values = np.random.default_rng(6).normal(0.2, 0.01, (5000, 2))
    values[7:9], values[9, 1] = np.nan, np.nan
    whole, parts = (subset.choose(in_pieces(values, length), 5000, 100, 1, "leakage") for length in (5000, 170))
    assert (parts.samples == whole.samples).all()
    assert parts.weights == pytest.approx(whole.weights, rel=1e-9)
    chance = next(subset.distances(in_pieces(values, 5000))()) ** 4 + 1e-3
    rng = np.random.default_rng([1, crc32(b"judge leakage")])
    assert (rng.choice(5000, 50, replace=False) == whole.samples[:50]).all()
    assert (rng.choice(5000, 50, p=chance / chance.sum()) == whole.samples[50:]).all()
    everyone = subset.choose(in_pieces(values, 170), 5000, 5000, 1, "leakage")
    assert (everyone.samples == np.arange(5000)).all()


def made_up(unit, samples):
    """Numbers of samples that are the same whoever asks."""
    samples = np.asarray(samples)[:, None]
    return UnitResult(len(samples), {"snm_read": measured(0.2 + 0.02 * np.sin(1e3 * samples + np.arange(2)))})


def streamed(monkeypatch, samples, out=None):
    """A run of a twin whose solver and judge make numbers up, with small pieces on disk."""
    monkeypatch.setattr(arrays, "HELD", 0)
    monkeypatch.setattr(arrays, "PIECE", 4096)
    monkeypatch.setattr(engine, "solve_samples", lambda t, s, unit, first, n: made_up(unit, range(first, first + n)))
    monkeypatch.setattr(engine, "judge_samples", lambda session, unit, samples: made_up(unit, samples))
    drawn = Variation(samples=samples, seed=3)
    return characterize(metrics=["snm_read"], variation=drawn, engine="twin", judged=4, out=out, workers=2)


@pytest.mark.ngspice
def test_samples_are_not_held_in_memory(tmp_path, monkeypatch):
    """Held, each sample would take at least 51 bytes; what is in flight differs by a few hundred kilobytes."""
    streamed(monkeypatch, 100, tmp_path / "first")  # what is loaded once
    peaks = []
    for samples in (20_000, 120_000):
        tracemalloc.start()
        data = streamed(monkeypatch, samples, tmp_path / str(samples))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 10 * 100_000
    expected = made_up(None, range(120_000)).metrics["snm_read"].values
    for found in (data, xr.load_dataset(tmp_path / "120000" / "characterization.nc")):
        assert (found["snm_read_lobes"].values.reshape(-1, 2) == expected).all()
        assert (found["snm_read"].values.ravel() == expected.min(axis=1)).all()


@pytest.mark.ngspice
def test_files_and_numbers_are_the_same_from_disk_as_from_memory(tmp_path, monkeypatch):
    run = {"metrics": ["snm_read", "i_leak"], "conditions": Conditions(vdd=[0.7, 1.0]), "workers": 1}
    run["variation"] = Variation(samples=100, seed=3)
    held = characterize(**run, out=tmp_path / "held")
    monkeypatch.setattr(arrays, "HELD", 0)
    monkeypatch.setattr(arrays, "PIECE", 30)
    passing = characterize(**run)
    assert passing.load().identical(held)
    monkeypatch.setattr(arrays, "PIECE", 100)
    characterize(**run, out=tmp_path / "passing")
    for name, group in (("characterization.nc", None), ("tables.nc", None), ("tables.nc", "samples")):
        one, other = (xr.load_dataset(tmp_path / d / name, group=group) for d in ("held", "passing"))
        assert one.identical(other)


def test_a_verdict_says_mean_rms_and_largest_error_and_other_statuses():
    ngspice = measured(np.array([0.1, 0.2, 0.3, np.nan]))
    twin = measured(np.array([0.1, 0.2001, 0.2999, 0.4]))
    found = judge.verdict(twin, ngspice, np.full(4, 0.25))
    assert found.mean == pytest.approx(0.0, abs=1e-12)
    assert found.rms == pytest.approx(1e-4 * np.sqrt(2 / 3))
    assert found.largest == pytest.approx(1e-4)
    assert found.sigmas == pytest.approx(found.rms / np.std([0.1, 0.2, 0.3]))
    assert (found.judged, found.differing) == (3, 0.0)
    assert found.largest_share == pytest.approx(5e-4)
    assert found.rms_share == pytest.approx(np.sqrt((5e-4**2 + (1e-4 / 0.3) ** 2) / 3))
    assert found.answered == 0.75
    lost = measured(np.full(4, 0.1), ((np.arange(4) == 0, Status.not_performed, np.nan),))
    assert judge.verdict(lost, ngspice, np.full(4, 0.25)).differing == pytest.approx(1 / 3)


def judged(metric, side, status, count):
    """Verdict on 200 made-up cells, the first ``count`` of which have a status without a number on one side."""
    place, values = ("tt", 1.0, 298.15, 0.0, 0.0, 0.0), np.full(200, 0.1)
    both = {name: measured(values) for name in ("twin", "ngspice")}
    both[side] = measured(values, ((np.arange(200) < count, status, np.nan),))
    return engine.verdict(metric, place, both["twin"], both["ngspice"], subset.everyone(200))


def test_what_ngspice_does_not_answer_is_not_confirmed():
    """Where it answers nothing, nothing is compared, and no error is beyond a limit."""
    judge.refuse(judged("snm_read", "ngspice", Status.numerical_failure, 20))
    for unanswered, share in ((21, "89.5%"), (200, "0.0%")):
        message = f"snm_read at tt, 1 V, 25 degC has an answer in ngspice in {share} of the judged samples, not 90%"
        with pytest.raises(TwinRefused, match=f"^engine='twin': {message}; use engine='ngspice'"):
            judge.refuse(judged("snm_read", "ngspice", Status.numerical_failure, unanswered))


@pytest.mark.parametrize("side", ["twin", "ngspice"])
def test_more_cells_of_another_status_than_one_in_a_hundred_are_refused(side):
    judge.refuse(judged("i_read", side, Status.not_performed, 2))
    message = "i_read at tt, 1 V, 25 degC has another status than ngspice in 1.5% of the judged samples, beyond 1%"
    with pytest.raises(TwinRefused, match=f"^engine='twin': {message}; use engine='ngspice'"):
        judge.refuse(judged("i_read", side, Status.not_performed, 3))


def test_every_solver_is_of_a_testbench_with_static_metrics():
    assert set(SOLVED) == set(cell.SOLVERS)
    assert all(metrics.testbench_metrics(name) for name in SOLVED)
    assert Sram6T().transistor_names[:3] == ("pd_l", "pu_l", "pg_l")


@pytest.mark.ngspice
@pytest.mark.parametrize("rest", [False, True])
def test_a_pass_gate_at_a_fixed_word_line_has_the_currents_of_ngspice(rest, reference, tmp_path):
    """Line and node count from the threshold in its table, not by themselves."""
    setting = Setting(load("predictive28"), "tt", 0.9, 298.15, Sram6T().sized(load("predictive28")))
    on = 0.0 if rest else setting.v_wl
    transistor = grids.left_transistor(setting, "pg")
    grid = grids.device_grid(setting, "pg", on, None, rest, None)
    table = device_table(reference, tmp_path, setting, transistor, grid)
    one, places = Grid(0.0, 1.0, 1), [(0.83, 0.11), (0.02, 0.45), (0.47, 0.31)]
    for shift in (-0.113, 0.004, 0.137):
        for line, node in places:
            at = {"d": ROW, "g": on, "s": COLUMN, "b": 0.0}
            alone = DeviceGrid(
                replace(one, start=line), Grid(node, 0.1, 2), replace(one, start=shift), at, False, ("s",), None
            )
            bench = device_bench(setting, transistor, alone)
            (solved,) = reference.solve(bench, knob_rows(bench, alone))
            weights = kernels.weights(table.axes, np.array([shift, 0.0]))
            found = kernels.current(
                table.coefficients[0], table.axes, line + shift, node + shift, weights, kernels.patches(1), 0
            )
            assert found[0] == pytest.approx(-solved.data[0, 0], rel=2e-4)


@pytest.mark.ngspice
def test_shifts_are_as_close_as_the_currents_between_them_ask_for(installed, reference):
    """FreePDK45's mobility is limited in the cold, where a hundred millivolts apart currents would be 0.3 % off."""
    counts = {}
    for name, temp in (("predictive28", 233.15), ("freepdk45/vtg", 298.15), ("freepdk45/vtg", 233.15)):
        setting = Setting(load(name), "tt", 0.6, temp, Sram6T().sized(load(name)))
        transistor = grids.left_transistor(setting, "pd")
        grid = grids.device_grid(setting, "pd", None, None, False, None)
        found = smooth_shifts(reference, setting, transistor, grid, 1.5e-4, grids.FAINT)
        assert (found.start, found.stop) == pytest.approx((grid.shifts.start, grid.shifts.stop))
        counts[name, temp] = found.count / grid.shifts.count
    assert counts["predictive28", 233.15] == 1
    assert 1 < counts["freepdk45/vtg", 298.15] < counts["freepdk45/vtg", 233.15]
