"""Lookup tables: from samples to tables, and what can be asked of them."""

import json
import math

import numpy as np
import pytest
import xarray as xr

from charlib import LookupTable, Status, TableError, tables
from charlib.metrics import METRICS
from charlib.status import FLAG_ATTRS

VDD, TEMP, ROWS, SAMPLES = [0.6, 0.7, 0.8, 0.9, 1.0], [233.15, 273.15, 298.15, 348.15, 398.15], [16, 64, 256], 60
AT = {"process": "ss", "vdd": 0.83, "temp": 310.0}


def made(vdd=VDD, temp=TEMP):
    """Samples of a delay and a leakage that have one threshold behind them, of made-up laws."""
    coords = {
        "process": ("process", ["tt", "ss"], {"units": "1"}), "vdd": ("vdd", vdd, {"units": "V"}),
        "temp": ("temp", temp, {"units": "K"}), "rows": ("rows", ROWS, {"units": "1"}),
        "sample": ("sample", np.arange(SAMPLES), {"units": "1"}),
    }  # fmt: skip
    data = xr.Dataset(coords=coords, attrs={"technology": "predictive28", "samples": SAMPLES,
                                            "readpath": json.dumps({"rows": 16})})  # fmt: skip
    shift = xr.DataArray(np.random.default_rng(3).normal(0.0, 0.03, SAMPLES), dims="sample")
    high = 0.3 + shift + xr.DataArray([0.0, 0.05], dims="process") + 0.0 * data["rows"]
    over = np.log1p(np.exp((data["vdd"] - high + 0.0005 * (data["temp"] - 300)) / 0.05))
    laws = {
        "t_read_p": 2e-11 * data["vdd"] / over**1.5 * (20 + data["rows"]) * (1 - 0.001 * (data["temp"] - 300)),
        "i_leak": np.exp(-high / (1.3 * 8.6e-5 * data["temp"])) * np.exp(data["vdd"]) * 1e-6,
    }
    for name, values in laws.items():
        values = values.transpose(*coords)
        about = {"units": METRICS[name].unit, "long_name": name, "fails_when": "high", "fail_limit": math.inf}
        data[name] = values.assign_attrs(about)
        data[f"{name}_status"] = xr.zeros_like(values, dtype=np.int8).assign_attrs(units="1", **FLAG_ATTRS)
        data[f"{name}_nominal"] = values.isel(sample=0, drop=True).assign_attrs(about)
    return data


@pytest.fixture(scope="module")
def data():
    return made()


@pytest.fixture(scope="module")
def path(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "tables.nc"
    tables.write(path, data)
    return path


@pytest.fixture(scope="module")
def lut(path):
    return LookupTable.open(path, technology="predictive28")


def test_the_fixed_call_gives_a_number_with_its_unit(lut, data):
    found = lut("t_read_p", vdd=0.8, temp=298.15, process="ss")
    mean = data["t_read_p"].sel(vdd=0.8, temp=298.15, process="ss", rows=16).mean("sample")
    assert float(found) == pytest.approx(float(mean), rel=1e-14)
    assert found.dims == ()
    assert found.attrs["units"] == "s"
    assert found.attrs["fails_when"] == "high"
    assert f"{found:.3g}" == f"{float(mean):.3g}"


def test_every_variable_is_exact_on_the_grid(lut):
    for name in lut.names:
        found = lut(name, rows=ROWS)
        assert found.dims == ("process", "vdd", "temp", "rows")
        assert (found.values == lut.data[name].values).all()


@pytest.mark.parametrize("name", ["t_read_p", "i_leak"])
def test_between_the_points_it_errs_less_than_it_says(lut, name):
    vdd, temp = [0.65, 0.75, 0.87], [250.0, 310.0, 375.0]
    known = made(vdd, temp)[name].mean("sample").sel(rows=16)
    error = float(abs(lut(name, process=["tt", "ss"], vdd=vdd, temp=temp) / known - 1).max())
    assert 0 < error < tables.left_out_error(lut.data[name]) < 0.1
    assert lut.data[name].attrs["interpolation"] == "log"


def test_rows_are_straight(lut):
    ends = [float(lut("t_read_p", **AT, rows=rows)) for rows in (16, 256)]
    middle = ends[0] + (ends[1] - ends[0]) * (100 - 16) / 240
    assert float(lut("t_read_p", **AT, rows=100)) == pytest.approx(middle, rel=1e-6)


def test_arrays_make_a_grid_and_labelled_ones_go_point_by_point(lut):
    vdd, temp = np.array([0.65, 0.75, 0.95]), np.array([250.0, 350.0])
    grid = lut("t_read_p", process=["ss", "tt"], vdd=vdd, temp=temp)
    assert grid.dims == ("process", "vdd", "temp")
    assert grid["vdd"].values.tolist() == vdd.tolist()
    points = lut(
        "t_read_p",
        temp=xr.DataArray([350.0, 250.0, 350.0], dims="point", attrs={"units": "K"}),
        process=xr.DataArray(["tt", "ss", "tt"], {"point": [5, 6, 7]}, "point"),
        vdd=xr.DataArray(vdd, dims="point"),
    )
    assert points.dims == ("point",)
    assert points["point"].values.tolist() == [5, 6, 7]
    expected = [float(lut("t_read_p", process=p, vdd=v, temp=t)) for p, v, t in zip(
        ["tt", "ss", "tt"], vdd, [350.0, 250.0, 350.0], strict=True)]  # fmt: skip
    assert points.values.tolist() == expected
    again = grid.sel(process="tt", vdd=0.95, temp=350.0)
    assert float(again) == expected[2]


def test_as_xarray_does(lut):
    """The dimensions, coordinates and order of ``DataArray.interp``, which lays straight lines."""
    asked = {"vdd": xr.DataArray([0.7, 0.8], dims="x"), "temp": np.array([250.0, 300.0, 350.0])}
    theirs = lut.data["t_read_p"].sel(process="tt", rows=16).interp(**asked)
    ours = lut("t_read_p", process="tt", **asked)
    assert set(ours.dims) == set(theirs.dims)
    assert ours.sizes == theirs.sizes
    assert ours["vdd"].dims == theirs["vdd"].dims


def test_gradients_have_a_unit(lut):
    step = 1e-5
    found = lut.gradient("t_read_p", "vdd", **AT)
    beside = [float(lut("t_read_p", **(AT | {"vdd": AT["vdd"] + side}))) for side in (-step, step)]
    assert found.attrs["units"] == "s/V"
    assert float(found) == pytest.approx((beside[1] - beside[0]) / (2 * step), rel=1e-5)
    assert lut.gradient("t_read_p", "rows", **AT).attrs["units"] == "s"


def test_samples_are_cells(lut, data):
    on = lut.samples(["t_read_p", "i_leak"], process="tt", vdd=0.9, temp=298.15, rows=64)
    place = data.sel(process="tt", vdd=0.9, temp=298.15, rows=64)
    for name in ("t_read_p", "i_leak"):
        np.testing.assert_array_equal(on[name], place[name])
    off = lut.samples(["t_read_p", "i_leak"], **AT)
    assert off["t_read_p"].attrs["units"] == "s"
    rank = [np.argsort(off[name].values).tolist() for name in ("t_read_p", "i_leak")]
    assert rank[0] == rank[1][::-1]  # one threshold is behind both: the slowest cell leaks least
    assert float(off["t_read_p"].mean()) == pytest.approx(float(lut("t_read_p", **AT)), rel=0.01)


def test_draws_have_the_correlation_of_the_samples(lut):
    names, rng = ["t_read_p", "i_leak"], np.random.default_rng(5)
    drawn, stored = lut.draw(names, 20_000, rng, **AT), lut.samples(names, **AT)
    assert drawn["t_read_p"].dims == ("draw",)
    expected, found = (np.corrcoef(np.log(d[names[0]]), np.log(d[names[1]]))[0, 1] for d in (stored, drawn))
    assert found == pytest.approx(expected, abs=0.01)
    assert expected < -0.9
    assert float(drawn["t_read_p"].std()) == pytest.approx(float(stored["t_read_p"].std()), rel=0.03)
    again = lut.draw(names, 20_000, np.random.default_rng(5), **AT)
    assert again.identical(drawn)


def test_quantiles_are_those_of_the_samples(lut, data):
    place = data["t_read_p"].sel(process="tt", vdd=0.9, temp=298.15, rows=16)
    for q in (0.0, 0.1, 0.5, 1.0):
        found = lut.quantile("t_read_p", q, process="tt", vdd=0.9, temp=298.15)
        assert float(found) == pytest.approx(float(np.quantile(place, q)), rel=1e-12)
    assert found.attrs["units"] == "s"


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """Ten samples of tt that did not finish at 0.6 V and the coldest temperature; one unknown at 0.7 V."""
    data, path = made(), tmp_path_factory.mktemp("failing") / "tables.nc"
    for vdd, which, status in ((0, slice(10), Status.censored_high), (1, slice(1), Status.timeout)):
        data["t_read_p"][0, vdd, 0, :, which] = np.nan
        data["t_read_p_status"][0, vdd, 0, :, which] = status
    tables.write(path, data)
    return LookupTable.open(path)


def test_too_few_good_samples_are_no_number(failing):
    cold = {"process": "tt", "temp": 233.15}
    lacking = r"t_read_p has no number at process='tt', vdd=0.65, temp=240, rows=16: .* 95 % of 60 samples have one"
    with pytest.raises(TableError, match=lacking):
        failing("t_read_p", process="tt", vdd=0.65, temp=240.0)
    assert float(failing("t_read_p", vdd=0.7, **cold)) > 0  # 59 of 60 are enough
    assert float(failing("i_leak", vdd=0.6, **cold)) > 0
    assert float(failing("t_read_p", process="tt", vdd=0.65, temp=273.15)) > 0


def test_failures_rank_behind_all_numbers(failing):
    cold = {"process": "tt", "vdd": 0.6, "temp": 233.15}
    status = failing.samples("t_read_p", **(cold | {"vdd": 0.65}))["t_read_p_status"].values
    assert status.tolist() == [Status.censored_high] * 10 + [Status.ok] * 50
    assert failing.samples("t_read_p", **(cold | {"vdd": 0.75}))["t_read_p_status"].values[0] == Status.timeout
    good = np.sort(failing.samples("t_read_p", **cold)["t_read_p"].values[10:])
    assert float(failing.quantile("t_read_p", 49 / 59, **cold)) == pytest.approx(good[-1], rel=1e-12)
    with pytest.raises(TableError, match=r"no quantile 0.9 there: it falls among samples that failed"):
        failing.quantile("t_read_p", 0.9, **cold)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"vdd": 1.2}, r"^vdd=1.2 V is outside the table's 0.6..1 V$"),
        ({"vdd": [0.7, math.nan]}, r"^vdd is not a number \(NaN\) at 1 of 2 places$"),
        ({"vdd": xr.DataArray(800.0, attrs={"units": "mV"})}, "^vdd is given in 'mV', the table takes it in 'V'$"),
        ({"vdd": "0.8"}, "^vdd='0.8' is not a number in V$"),
        ({"vdd": True}, "^vdd=True is not a number in V$"),
        ({"vdd": np.full((2, 2), 0.8)}, "^vdd has 2 dimensions: give it as a DataArray, which names them$"),
        ({"temp": 25.0}, r"temp=25 K is outside the table's 233.15..398.15 K; .* 25 degC is 298.15 K$"),
        ({"process": "ff"}, "^process='ff' is not one of tt, ss$"),
        ({"process": 1}, "^process=1 is not one of tt, ss$"),
        ({"slew": 1e-11}, "^'slew' is not one of the axes process, vdd, temp, rows of t_read_p$"),
        ({"rows": 512}, r"^rows=512 is outside the table's 16..256$"),
        ({"dv_wl": 0.1}, "^dv_wl=0.1 V is outside the table, which was made at dv_wl=0 V$"),
        ({"name": "t_reed"}, "^'t_reed' is not one of t_read_p, t_read_p_std, t_read_p_nominal, i_leak"),
        ({"name": "t_read_p_n_ok"}, "^'t_read_p_n_ok' is not one of"),
    ],
)
def test_a_bad_question_is_answered_in_one_line(lut, question, message):
    question = {"name": "t_read_p", **AT} | question
    with pytest.raises(TableError, match=message) as caught:
        lut(question.pop("name"), **question)
    assert "\n" not in str(caught.value)


def test_labelled_axes_must_fit_together(lut):
    vdd, temp = xr.DataArray([0.7, 0.8], {"x": [1, 2]}), xr.DataArray([250.0, 260.0], {"x": [2, 3]})
    with pytest.raises(TableError, match="arrays do not fit together"):
        lut("t_read_p", process="tt", vdd=vdd, temp=temp)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda lut: lut.samples("t_reed", **AT),
            "'t_reed' is no metric whose samples the table holds, which are i_leak, t_read",
        ),
        (lambda lut: lut.quantile("t_read_p", 1.5, **AT), "q=1.5 is not a share from 0 to 1"),
        (lambda lut: lut.gradient("t_read_p", "process", **AT), "has no gradient along process"),
        (lambda lut: LookupTable(lut.data).samples("t_read_p", **AT), "the table holds no samples"),
    ],
)
def test_what_a_table_does_not_hold(lut, ask, message):
    with pytest.raises(TableError, match=message):
        ask(lut)


def test_files_that_are_no_table(path, tmp_path):
    whole = path.read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) // 2])
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "other.nc")
    for name, message in (
        ("", "is not a table but a directory: its table would be .*tables.nc"),
        ("none.nc", "is not a table: there is no such file"),
        ("cut.nc", "is not a table: "),
        ("other.nc", "is not a table: no dimension process, temp, vdd"),
    ):
        with pytest.raises(TableError, match=message) as caught:
            LookupTable.open(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(TableError, match="is a table of predictive28, not of sky130"):
        LookupTable.open(path, technology="sky130")


def test_a_file_written_anew_must_be_opened_anew(data, tmp_path):
    tables.write(tmp_path / "tables.nc", data)
    lut = LookupTable.open(tmp_path / "tables.nc")
    tables.write(tmp_path / "new.nc", data.isel(sample=slice(5)))
    (tmp_path / "new.nc").replace(tmp_path / "tables.nc")
    with pytest.raises(TableError, match="has changed since it was opened"):
        lut.samples("t_read_p", **AT)


def test_the_error_is_that_of_the_worst_axis_and_point(lut):
    about = lut.data["t_read_p"].attrs
    errors = {axis: about[f"left_out_error_{axis}"] for axis in ("vdd", "temp", "rows")}
    assert tables.left_out_error(lut.data["t_read_p"]) == max(errors.values()) == errors["vdd"]
    assert errors["rows"] < 1e-9
    fewer = LookupTable(lut.data.drop_sel(vdd=about["left_out_at_vdd"]))
    every = {axis: lut.data[axis].values for axis in ("process", "temp", "rows")}
    found = fewer("t_read_p", vdd=about["left_out_at_vdd"], **every)
    known = lut("t_read_p", vdd=about["left_out_at_vdd"], **every)
    assert float(abs(found / known - 1).max()) == pytest.approx(errors["vdd"], rel=1e-9)


def test_a_coarse_axis_is_to_be_refined_where_it_errs():
    coarse = tables.reduce(made().sel(vdd=[0.6, 0.8, 1.0], temp=[298.15]))
    (found,) = tables.refinements(coarse)
    assert found.axis == "vdd"
    assert found.errors["t_read_p"] > tables.REFINE
    assert found.points == pytest.approx((0.7, 0.9))
    assert math.isnan(coarse["t_read_p"].attrs["left_out_error_temp"])
