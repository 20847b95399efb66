"""Rows of the column as an axis of the conditions."""

import json

import numpy as np
import pytest
import xarray as xr

from analysis import macro
from analysis.architecture import MacroError, MacroGeometry
from charlib import Conditions, InvalidPlan, LookupTable, TableError, Variation, characterize, reproduce
from charlib.tables import rows_of
from pimchar import runfile
from pimchar.runschema import RunFileError

AT = {"process": "tt", "vdd": 1.0, "temp": 298.15}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Made for 16 rows without an axis, then extended to 8."""
    out = tmp_path_factory.mktemp("rows") / "r"
    request = {"metrics": ["snm_hold", "t_read_p"], "variation": Variation(samples=2), "out": out, "workers": 1}
    plain = characterize(conditions=Conditions(), **request)
    swept = characterize(conditions=Conditions(rows=[8]), **request)
    return out, plain, swept


@pytest.mark.ngspice
def test_a_directory_gains_rows_and_keeps_those_of_its_read_path(folder):
    out, plain, swept = folder
    assert "rows" not in plain.dims
    assert swept["t_read_p"].dims == ("process", "vdd", "temp", "rows", "sample")
    assert swept["rows"].values.tolist() == [8]
    with xr.open_dataset(out / "characterization.nc") as stored:
        assert stored["rows"].values.tolist() == [8, 16]
        assert stored["rows"].attrs == {"units": "1", "long_name": "cells on the local bit lines"}
        np.testing.assert_array_equal(stored["t_read_p"].sel(rows=16).values, plain["t_read_p"].values)
        assert (stored["t_read_p"].sel(rows=8) < stored["t_read_p"].sel(rows=16)).all()
        np.testing.assert_array_equal(stored["snm_hold"].sel(rows=8).values, plain["snm_hold"].values)


@pytest.mark.ngspice
def test_tables_give_numbers_between_rows_and_say_what_they_hold(folder):
    out, _, _ = folder
    table = LookupTable.open(out / "tables.nc")
    at_8, at_12, at_16 = (table("t_read_p", **AT, rows=rows) for rows in (8, 12, 16))
    assert at_8 < at_12 < at_16 == table("t_read_p", **AT)
    assert rows_of(table.data) == 16
    with pytest.raises(TableError, match=r"rows=32 is outside the table's 8\.\.16"):
        table("t_read_p", **AT, rows=32)
    without = LookupTable(table.data.sel(rows=16, drop=True))
    assert without("t_read_p", **AT, rows=16) == at_16
    with pytest.raises(TableError, match="rows=8 is outside the table, which was made with rows=16"):
        without("t_read_p", **AT, rows=8)


@pytest.mark.ngspice
def test_a_sample_of_some_rows_alone_is_the_stored_one(folder):
    out, _, _ = folder
    found = reproduce(out, "t_read_p", "tt", 1.0, 298.15, 1, rows=8)
    assert found.identical
    assert found.folder.name == "t_read_p-tt-1V-298.15K-rows8-1"
    assert reproduce(out, "t_read_p", "tt", 1.0, 298.15, 1).again > found.again
    with pytest.raises(InvalidPlan, match="rows=9 is not one of 8, 16 in these results"):
        reproduce(out, "t_read_p", "tt", 1.0, 298.15, 1, rows=9)


def test_a_macro_takes_its_rows_from_the_table_or_says_which_there_are():
    table = xr.Dataset(coords={"rows": [8, 32]}, attrs={"readpath": json.dumps({"rows": 16})})
    with pytest.raises(MacroError, match=r"rows_per_local_bitline=16 is not one of 8, 32 of the table"):
        macro.evaluate(table, MacroGeometry(), 1e-12)
    with pytest.raises(MacroError, match=r"variable .* is missing"):  # the rows are there, nothing else is
        macro.evaluate(table.assign_coords(rows=[8, 16]), MacroGeometry(), 1e-12)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([16, 16], r"rows=\[16, 16\] must be a list without repetition \(conditions\.rows\)"),
        ([2.5], r"rows=\[2\.5\] must be a list"),
        ([True], r"rows=\[True\] must be a list"),
    ],
)
def test_rows_that_are_none_are_named(rows, message):
    with pytest.raises(InvalidPlan, match=message):
        Conditions(rows=rows)


def test_no_rows_at_all_are_refused(technology):
    with pytest.raises(InvalidPlan, match=r"rows=0 is not a whole number of at least 1 \(conditions\.rows\)"):
        Conditions(rows=[0, 16]).check(technology)


def test_a_run_file_has_rows():
    run = runfile.parse("[conditions]\nrows = [16, 64]\n", "run.toml")
    assert run.make_conditions().rows == (16, 64)
    with pytest.raises(RunFileError, match=r"rows=0: must be greater than or equal to 1 \(conditions\.rows"):
        runfile.parse("[conditions]\nrows = [0]\n", "run.toml")
