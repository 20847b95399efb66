"""The lookup table that the package ships a run file for, against simulations between its points.

``PIMCHAR_TABLE`` names a folder for the results, so that a run which is broken off goes on later.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from tabulate import tabulate

from charlib import LookupTable
from pimchar import chain, runfile

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

POINTS, SEED = 20, 1
MEDIAN, WORST, CALLED = 0.01, 0.03, 18
"""Largest median and worst error [1], and at how many points the error that the table stores must not be exceeded."""
AXES = ("vdd", "temp", "rows")


def places(conditions):
    """Random points inside the grid: uniform in supply and temperature, in the logarithm of the rows."""
    rng = np.random.default_rng(SEED)
    vdd, temp, rows = conditions.vdd, conditions.temp_c, conditions.rows
    for _ in range(POINTS):
        yield {
            "process": str(rng.choice(conditions.process)),
            "vdd": round(rng.uniform(min(vdd), max(vdd)), 3),
            "temp_c": round(rng.uniform(min(temp), max(temp)), 1),
            "rows": int(np.exp(rng.uniform(np.log(min(rows)), np.log(max(rows))))),
        }


def direct(run, text, place, out):
    """The mean of each metric at one point, simulated: the same samples as the table's."""
    conditions = run.conditions.model_copy(update={axis: (value,) for axis, value in place.items()})
    data = chain.characterize(run.model_copy(update={"conditions": conditions}), text, out, chain.Workers())
    return {name: float(data[name].mean()) for name in run.characterize.metrics}


def stored(variable):
    """The error that the table claims: the largest with a point left out, of the axes that the variable has."""
    return max(variable.attrs[f"left_out_error_{axis}"] for axis in AXES if axis in variable.dims)


def test_points_between_those_of_the_default_table(tmp_path, capsys):
    folder = Path(os.environ.get("PIMCHAR_TABLE", tmp_path))
    text = runfile.default_text(runfile.TABLES_NAME)
    run = runfile.parse(text, runfile.TABLES_NAME)
    chain.characterize(run, text, folder / "table", chain.Workers())
    table = LookupTable.open(folder / "table" / "tables.nc")
    errors = {name: [] for name in run.characterize.metrics}
    called, lines = 0, []
    for number, place in enumerate(places(run.conditions)):
        truth = direct(run, text, place, folder / f"point{number}")
        at = {"process": place["process"], "vdd": place["vdd"], "temp": place["temp_c"] + 273.15}
        found = {}
        for name, true in truth.items():
            rows = {"rows": place["rows"]} if "rows" in table.data[name].dims else {}
            found[name] = abs(float(table(name, **at, **rows)) / true - 1)
            errors[name].append(found[name])
        exceeding = [name for name, error in found.items() if error > stored(table.data[name])]
        called += not exceeding
        worst = max(found, key=found.get)
        lines.append([*place.values(), worst, 100 * found[worst], ", ".join(exceeding)])
    summary = [
        [name, 100 * stored(table.data[name]), 100 * np.median(each), 100 * max(each)] for name, each in errors.items()
    ]
    with capsys.disabled():
        print("\n" + tabulate(lines, ["process", "vdd [V]", "temp [degC]", "rows", "worst", "[%]", "above the stored"]))
        print("\n" + tabulate(summary, ["metric", "stored [%]", "median [%]", "worst [%]"], floatfmt=".2g"))
    assert max(np.median(each) for each in errors.values()) <= MEDIAN
    assert max(max(each) for each in errors.values()) <= WORST
    assert called >= CALLED
