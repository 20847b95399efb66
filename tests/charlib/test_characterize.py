"""The whole of charlib on small runs: labels, identity of samples, extension, refusal, and what is left on disk."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import charlib
from charlib import Conditions, LookupTable, TableError, Variation, characterize
from charlib.directory import MANIFEST
from charlib.errors import DirectoryInUse, InvalidPlan, PlanMismatch, TooManyFailures
from charlib.execution import Runner, WorkerSessions
from charlib.status import Status
from netlists import Sram6T
from netlists.technology import TechnologyError, load

pytestmark = pytest.mark.ngspice

STATIC = ["snm_hold", "snm_read", "i_read", "i_leak"]
HERE = Conditions(process=["tt", "ss"], vdd=[0.7, 1.0], temp=[298.15])
FEW = Variation(samples=5, seed=3)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A finished directory, used read-only."""
    folder = tmp_path_factory.mktemp("small") / "results"
    metrics = [*STATIC, "t_read_p", "e_read"]
    characterize(conditions=HERE, variation=FEW, metrics=metrics, out=folder, workers=2, run_file="# text\n")
    return folder


def simulated(folder):
    return json.loads((folder / MANIFEST).read_text())["simulated"]


def test_a_plain_reader_sees_dims_units_statuses_and_provenance(small):
    """As a user would: a new process that imports xarray and nothing of ours."""
    code = f"""
import xarray
d = xarray.open_dataset({str(small / "characterization.nc")!r})
assert d.snm_read.dims == ("process", "vdd", "temp", "sample"), d.snm_read.dims
assert d.snm_read_lobes.dims == ("process", "vdd", "temp", "sample", "lobe")
assert list(d.lobe.values) == ["q", "qb"]
assert d.snm_read.units == "V" and d.i_read.units == "A" and d.t_read_p.units == "s" and d.e_read.units == "J"
assert d.vdd.units == "V" and d.temp.units == "K"
assert all(v.attrs["units"] and v.attrs["long_name"] for v in d.variables.values())
assert d.snm_read.fails_when == "low" and d.snm_read.fail_limit == 0
assert d.snm_read.references == "Seevinck, List, Lohstroh, JSSC 22(5), 1987"
meanings = d.snm_read_status.flag_meanings.split()
assert meanings == "ok censored_low censored_high not_performed numerical_failure timeout suspect".split()
assert list(d.snm_read_status.flag_values) == list(range(7)) and d.snm_read_status.dtype == "int8"
for key in ("technology", "model_sha256", "ngspice_version", "seed", "run_file", "measurement_version", "samples"):
    assert key in d.attrs, key
"""
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_of_a_results_directory_is_there(small):
    names = {p.name for p in small.iterdir() if not p.name.startswith(".")}
    assert names == {"characterization.nc", "curves.nc", "tables.nc", "manifest.json", "run.toml", "units"}
    assert not list(small.rglob("*.partial"))
    with xr.open_dataset(small / "curves.nc", group="butterfly_read") as curves:
        assert curves["q_l"].dims == ("process", "vdd", "temp", "sample", "point")
        assert curves["q_l_nominal"].dims == ("process", "vdd", "temp", "point")
        assert curves.sizes["sample"] == 5
        assert all(v.attrs["units"] and v.attrs["long_name"] for v in curves.variables.values())
        assert curves.attrs["technology"] == "predictive28"
    with xr.open_dataset(small / "tables.nc") as tables:
        assert all(v.attrs["units"] and v.attrs["long_name"] for v in tables.variables.values())
        assert "flag_values" not in tables["snm_read_n_ok"].attrs


def test_the_worse_lobe_is_the_metric(small):
    with xr.open_dataset(small / "characterization.nc") as data:
        np.testing.assert_array_equal(data.snm_read, data.snm_read_lobes.min("lobe"))
        np.testing.assert_array_equal(data.i_leak, data.i_leak_lobes.max("lobe"))


def test_a_sample_is_the_same_alone_in_other_company_and_for_any_workers(small):
    with xr.open_dataset(small / "characterization.nc") as data:
        others = [
            characterize(conditions=HERE, variation=FEW, metrics=[*STATIC, "t_read_p", "e_read"], workers=1),
            characterize(
                conditions=Conditions(process=["ss"], vdd=[1.0]), variation=FEW, metrics=["snm_read"], workers=1
            ),
            characterize(
                conditions=Conditions(process=["ss"], vdd=[0.8, 1.0]), variation=Variation(samples=2, seed=3),
                metrics=["t_read_p"], workers=2,
            ),
        ]  # fmt: skip
        for other in others:
            for name in ("snm_read", "t_read_p", "e_read", "i_leak"):
                if name in other:
                    a, b = xr.align(data[name], other[name], join="inner")
                    assert a.size
                    np.testing.assert_array_equal(a.values, b.values)


def test_nothing_is_simulated_twice_and_only_what_is_missing_is(tmp_path):
    folder = tmp_path / "run"
    first = characterize(conditions=Conditions(vdd=[1.0]), variation=FEW, metrics=["snm_read"], out=folder)
    assert simulated(folder) == 1 + 5
    again = characterize(conditions=Conditions(vdd=[1.0]), variation=FEW, metrics=["snm_read"], out=folder)
    assert simulated(folder) == 0
    xr.testing.assert_identical(first, again)
    more = characterize(conditions=Conditions(vdd=[0.8, 1.0]), variation=FEW, metrics=["snm_read"], out=folder)
    assert simulated(folder) == 1 + 5  # the new supply alone
    np.testing.assert_array_equal(more.snm_read.sel(vdd=1.0), first.snm_read.sel(vdd=1.0))
    eight = Variation(samples=8, seed=3)
    longer = characterize(conditions=Conditions(vdd=[0.8, 1.0]), variation=eight, metrics=["snm_read"], out=folder)
    assert simulated(folder) == 2 * 3  # samples 5 to 7 alone
    np.testing.assert_array_equal(longer.snm_read[..., :5], more.snm_read)
    characterize(conditions=Conditions(vdd=[0.8, 1.0]), variation=eight, metrics=["snm_read", "i_read"], out=folder)
    assert simulated(folder) == 2 * 9  # the new metric's testbench alone
    straight = characterize(conditions=Conditions(vdd=[0.8, 1.0]), variation=eight, metrics=["snm_read"])
    xr.testing.assert_equal(longer, straight)


def test_a_directory_never_shrinks(tmp_path):
    folder = tmp_path / "r"
    characterize(conditions=Conditions(vdd=[0.9]), variation=Variation(samples=6), metrics=["i_leak"], out=folder)
    asked = Conditions(vdd=[1.0, 0.85])
    part = characterize(conditions=asked, variation=Variation(samples=3), metrics=["snm_hold"], out=folder)
    assert part.vdd.values.tolist() == [1.0, 0.85]
    assert part.sizes["sample"] == 3
    with xr.open_dataset(folder / "characterization.nc") as whole:
        assert whole.vdd.values.tolist() == [0.85, 0.9, 1.0]
        assert whole.sizes["sample"] == 6
        assert {"i_leak", "snm_hold"} <= set(whole.data_vars)
        np.testing.assert_array_equal(whole.snm_hold.sel(vdd=[1.0, 0.85])[..., :3], part.snm_hold)


def test_a_nominal_run_does_not_replace_samples(small):
    with pytest.raises(PlanMismatch, match="seed: 3 there"):
        characterize(conditions=HERE, metrics=STATIC, out=small)


def test_conditions_may_be_arrays_and_reach_the_limits_of_the_range():
    at = Conditions(vdd=np.array([0.9]), temp=np.array([-40.0 + 273.15, 125.0 + 273.15]))
    data = characterize(conditions=at, metrics=["i_leak"])
    assert float(data.i_leak[0, 0, 1, 0]) > 20 * float(data.i_leak[0, 0, 0, 0])


@pytest.mark.parametrize("arguments", [{"process": "tt"}, {"vdd": 0.9}, {"vdd": ["high"]}])
def test_conditions_are_lists(arguments):
    with pytest.raises(InvalidPlan, match="must be a list without repetition"):
        Conditions(**arguments)


def test_a_cell_that_cannot_be_read_on_one_side_does_not_change_the_other(tmp_path):
    arguments = {"conditions": Conditions(vdd=[0.8]), "metrics": ["t_read_n", "t_read_p"]}
    healthy, sick = (characterize(cell=Sram6T(shifts=s), **arguments) for s in ({}, {"pd_r": 0.4}))
    assert float(sick.t_read_n.squeeze()) == pytest.approx(float(healthy.t_read_n.squeeze()), rel=0.05)


def test_samples_beyond_a_unit_extend_it_too(tmp_path):
    characterize(variation=Variation(samples=70, seed=1), metrics=["i_leak"], out=tmp_path / "r")
    data = characterize(variation=Variation(samples=130, seed=1), metrics=["i_leak"], out=tmp_path / "r")
    assert simulated(tmp_path / "r") == 60
    assert np.unique(data.i_leak).size == 130


def test_a_truncated_unit_is_simulated_again(tmp_path):
    folder = tmp_path / "run"
    first = characterize(variation=FEW, metrics=["i_read"], out=folder)
    unit = max((folder / "units").iterdir(), key=lambda p: p.stat().st_size)
    unit.write_bytes(unit.read_bytes()[:-100])
    again = characterize(variation=FEW, metrics=["i_read"], out=folder)
    assert simulated(folder) == 5
    xr.testing.assert_identical(first, again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variation": Variation(samples=5, seed=4)}, "seed: 3 there, 4 here"),
        ({"cell": Sram6T(w_pd=200e-9)}, "cell.w_pd: 1.05e-07 there, 2e-07 here"),
        ({"cell": Sram6T(shifts={"pd_l": 0.1})}, "cell.shifts"),
        ({"accuracy": "reference"}, "accuracy: "),
    ],
)
def test_a_directory_of_another_plan_is_refused_and_left_alone(small, change, message):
    before = {p: p.stat().st_mtime_ns for p in small.rglob("*")}
    with pytest.raises(PlanMismatch, match=message):
        characterize(**({"conditions": HERE, "variation": FEW, "metrics": STATIC, "out": small} | change))
    assert {p: p.stat().st_mtime_ns for p in small.rglob("*")} == before


def test_a_directory_with_something_else_in_it_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(PlanMismatch, match="not empty"):
        characterize(metrics=["snm_hold"], out=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_one_run_at_a_time(tmp_path):
    from charlib.directory import open_directory

    with open_directory(tmp_path / "r", {}), pytest.raises(DirectoryInUse, match="in use"):
        characterize(metrics=["snm_hold"], out=tmp_path / "r")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"metrics": ["snm"]}, InvalidPlan, "metric 'snm' is not one of snm_hold, "),
        ({"metrics": []}, InvalidPlan, "metrics="),
        ({"metrics": ["snm_hold", "snm_hold"]}, InvalidPlan, "without repetition"),
        ({"conditions": Conditions(vdd=[1.4])}, InvalidPlan, r"vdd=1.4 V is outside .*\.\.1.1 V for predictive28"),
        ({"conditions": Conditions(temp=[20.0])}, InvalidPlan, "temp=20 K is outside"),
        ({"conditions": Conditions(process=["xx"])}, InvalidPlan, "process='xx' is not one of tt, "),
        ({"engine": "hspice"}, InvalidPlan, "engine='hspice' is not one of ngspice, twin"),
        ({"accuracy": "best"}, InvalidPlan, "accuracy='best' is not one of default, reference"),
        ({"max_failed": 2.0}, InvalidPlan, "max_failed=2 is outside 0..1"),
        ({"technology": "intel4"}, TechnologyError, "intel4"),
    ],
)
def test_bad_input_is_one_clear_line_and_writes_nothing(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        characterize(**({"metrics": ["snm_hold"], "out": tmp_path / "r"} | arguments))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "r").exists()


def test_a_run_in_which_samples_fail_stops_and_says_why(tmp_path, monkeypatch):
    from charlib import session

    monkeypatch.setattr(session, "_verdict", lambda *_: session.Unsolved(Status.numerical_failure, "no solution"))
    with pytest.raises(TooManyFailures, match="no solution"):
        characterize(variation=FEW, metrics=["snm_hold"], out=tmp_path / "r")


def test_a_few_failing_samples_get_their_status_and_the_run_goes_on(monkeypatch):
    from charlib import session

    true_verdict = session._verdict
    calls = []

    def fail_third_sample(testbench, *answer):
        calls.append(1)
        late = len(calls) > 3 and len(calls) != 5
        return session.Unsolved(Status.timeout, "late") if late else true_verdict(testbench, *answer)

    monkeypatch.setattr(session, "_verdict", fail_third_sample)
    data = characterize(variation=FEW, metrics=["snm_hold"], workers=1, max_failed=0.9)
    status = data.snm_hold_status.values.ravel()
    assert (status == Status.timeout).sum() == 2
    assert (status == Status.ok).sum() == 3
    assert np.isnan(data.snm_hold.values.ravel()[status == Status.timeout]).all()
    table = charlib.tables.reduce(data)
    assert int(table.snm_hold_n_unknown.squeeze()) == 2
    assert int(table.snm_hold_n_ok.squeeze()) == 3


@pytest.mark.parametrize("way", ["script", "stdin"])
def test_works_without_a_main_guard(tmp_path, way):
    code = "import charlib\nprint(float(charlib.characterize(metrics=['snm_hold'], workers=2).snm_hold.squeeze()))\n"
    script = tmp_path / "script.py"
    script.write_text(code)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    if way == "script":
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, env=env)
    else:
        done = subprocess.run([sys.executable], input=code, capture_output=True, text=True, check=True, env=env)
    assert 0.3 < float(done.stdout) < 0.45


def test_no_simulator_survives_the_call(monkeypatch):
    made = []
    true_init = WorkerSessions.__init__

    def noted(self, timeout):
        true_init(self, timeout)
        made.append(self)

    monkeypatch.setattr(WorkerSessions, "__init__", noted)
    characterize(metrics=["snm_hold"], workers=2)
    processes = [session._child._process for sessions in made for session in sessions._all]
    assert processes
    assert all(p.returncode is not None for p in processes)


def test_no_directory_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    characterize(metrics=["snm_hold"])
    assert not list(tmp_path.iterdir())


def test_a_table_is_exact_on_the_grid_and_between_its_neighbours(small):
    lut = LookupTable.open(small / "tables.nc")
    with xr.open_dataset(small / "characterization.nc") as data:
        mean = data.t_read_p.mean("sample").sel(process="ss").squeeze()
    assert lut("t_read_p", process="ss", vdd=0.7, temp=298.15) == pytest.approx(float(mean[0]), rel=1e-12)
    assert float(mean[1]) < lut("t_read_p", process="ss", vdd=0.85, temp=298.15) < float(mean[0])


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"vdd": 1.2}, r"vdd=1.2 V is outside the table's 0.7..1 V"),
        ({"temp": 310.0}, r"temp=310 K is outside the table's 298.15..298.15 K"),
        ({"process": "ff"}, "process='ff' is not one of tt, ss"),
        ({"name": "t_reed"}, "'t_reed' is not one of snm_hold"),
    ],
)
def test_a_question_outside_the_table_is_an_error_that_names_it(small, question, message):
    lut = LookupTable.open(small / "tables.nc")
    question = {"name": "t_read_p", "process": "tt", "vdd": 0.8, "temp": 298.15} | question
    with pytest.raises(TableError, match=message):
        lut(question.pop("name"), **question)


def test_a_file_that_is_no_table_says_so(tmp_path, small):
    (tmp_path / "tables.nc").write_bytes(b"not netcdf")
    for path in (tmp_path / "tables.nc", tmp_path / "nothing.nc"):
        with pytest.raises(TableError, match="is not a table"):
            LookupTable.open(path)


def broken_off(*_, **__):
    raise KeyboardInterrupt


def test_an_extension_that_is_broken_off_leaves_the_directory_as_it_was(monkeypatch, tmp_path):
    characterize(variation=FEW, metrics=["i_leak"], out=tmp_path / "r")
    with monkeypatch.context() as patch:
        patch.setattr(Runner, "run", broken_off)
        with pytest.raises(KeyboardInterrupt):
            characterize(variation=FEW, metrics=["i_read"], out=tmp_path / "r")
    characterize(variation=FEW, metrics=["i_leak"], out=tmp_path / "r")
    assert "i_read" not in xr.load_dataset(tmp_path / "r" / "characterization.nc")


def test_a_technology_with_other_laws_is_another_directory(tmp_path):
    technology = load("predictive28")
    characterize(variation=FEW, metrics=["i_leak"], out=tmp_path / "r")
    devices = {role: replace(device, avt=2 * device.avt) for role, device in technology.devices.items()}
    with pytest.raises(PlanMismatch, match="laws_sha256"):
        characterize(
            technology=replace(technology, devices=devices), variation=FEW, metrics=["i_leak"], out=tmp_path / "r"
        )
