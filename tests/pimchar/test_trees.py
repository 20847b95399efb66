"""Adder trees from the command line: gates characterized on a coarse grid, a tree of two bits checked."""

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar

import charlib
from pimchar import trees

pytestmark = pytest.mark.ngspice

GATES = ("inverter", "nand2", "xor2", "half_adder", "full_adder", "dff")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Gates at one condition, two slews and two loads; extended by no test but in its store."""
    out = tmp_path_factory.mktemp("trees") / "results"
    charlib.characterize_logic(gates=GATES, slews=(0.5, 8.0), loads=(1.0, 24.0), out=out, workers=1)
    return out


def test_check(folder):
    small = ("tree-check", folder, "--inputs", 2, "--bits", 1, "--pairs", 6, "--workers", 1)
    result = pimchar(*small)
    assert result.exit_code == 0, result.output
    assert "output bits that differ: 0 of 12" in result.output
    assert "pairs that move outputs in only one of the two: 0 of 6" in result.output
    assert "predictive28, tt, 1 V, 298.15 K, 5 gates, 6 pairs" in result.output
    with xr.open_datatree(folder / "tree_check.nc") as stored:
        about = stored["2x1"].attrs
        assert about["wrong_levels"] == 0
        assert abs(about["energy_error"]) < 0.15
        assert abs(about["delay_error"]) < 0.15
        assert stored["2x1"].sizes["pair"] == 6
    again = pimchar(*small)
    assert again.stdout == result.stdout
    assert "0 simulations to run, 1 found in the store" in again.stderr


def test_energies(folder):
    result = pimchar("tree", folder, "--inputs", 2, "--bits", 2, "--input-bits", 2, "--operations", 5)
    assert result.exit_code == 0, result.output
    assert "adder_tree_2x2, 5 operations each, energy of one input bit; tt, 1 V, 25 degC" in result.output
    assert [line.split()[0] for line in result.output.splitlines()[-3:]] == ["drive", "tree", "accumulator"]


def test_numbers_that_are_not_the_dot_products(folder, monkeypatch):
    found = trees.addertree.accumulation

    def wrong(*arguments):
        energy, numbers = found(*arguments)
        return energy, numbers + (np.arange(5) == 2)

    monkeypatch.setattr(trees.addertree, "accumulation", wrong)
    result = pimchar("tree", folder, "--inputs", 2, "--bits", 2, "--input-bits", 2, "--operations", 5)
    assert result.exit_code == 2
    assert "tree 2x2: 1 of 5 accumulated numbers are not the dot products" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vdd", 0.9), "--vdd 0.9 V is not of the tables of gates; legal: 1 V"),
        (("--inputs", 1), "an adder tree needs 2 words of 1 bit at least, not 1 of 8"),
        (
            ("--inputs", 2, "--bits", 1, "--temp-c", 26),
            "--temp-c 26 degC is not of the tables of gates; legal: 25 degC",
        ),
        (("--process", "ss"), "--process ss is not of the tables of gates; legal: tt"),
    ],
)
def test_bad_input(folder, arguments, message):
    result = pimchar("tree", folder, "--operations", 2, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["tree", "tree-check"])
def test_a_negative_seed_is_refused(folder, command):
    result = pimchar(command, folder, "--seed", -1)
    assert result.exit_code == 2
    assert "Invalid value for '--seed': -1 is not in the range x>=0" in result.stderr


def moved(folder, out, vdd, temp):
    """Tables of the same gates as if characterized elsewhere."""
    with xr.open_dataset(folder / "periphery.nc") as data:
        tables = xr.concat([data.assign_coords(vdd=[v]) for v in vdd], "vdd", data_vars="minimal")
        tables.assign_coords(process=["ss"], temp=[temp]).to_netcdf(out / "periphery.nc")
    return out


def test_what_the_tables_have_alone_need_not_be_said(folder, tmp_path):
    small = ("--inputs", 2, "--bits", 1, "--input-bits", 1, "--operations", 2)
    result = pimchar("tree", moved(folder, tmp_path, [0.8], 398.15), *small)
    assert result.exit_code == 0, result.output
    assert "ss, 0.8 V, 125 degC" in result.output


def test_one_of_several_supplies_has_to_be_said(folder, tmp_path):
    result = pimchar("tree", moved(folder, tmp_path, [0.7, 0.8], 398.15))
    assert result.exit_code == 2
    assert "--vdd 1 V is not of the tables of gates; legal: 0.7, 0.8 V" in result.stderr


def test_no_tables(tmp_path):
    result = pimchar("tree", tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path} has no periphery.nc; a run file with a section [periphery] makes it" in result.stderr
