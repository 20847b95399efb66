"""What a results directory holds, opened; what is missing is said with the command that makes it."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from analysis import gatenumbers, statistics
from analysis.architecture import MacroError, MacroModel
from analysis.logic import Gates
from charlib import arrays
from charlib.export import source
from charlib.periphery import TABLE as GATES
from netlists import technology
from pimchar import runfile
from pimchar.runschema import RunFile, RunFileError

CHARACTERIZATION, TABLES, RUN_FILE = "characterization.nc", "tables.nc", "run.toml"
"""Files of a results directory."""
MACRO_METRICS = (
    "i_leak", "t_read_p", "t_read_n", "t_precharge", "e_read", "t_read_single", "t_precharge_single", "e_read_single",
    "t_fo4",
)  # fmt: skip
"""What the macro model reads from the tables; a run measures it besides what its run file asks for."""


def open_run(folder: Path) -> RunFile:
    """The run file that a results directory was made with; a technology file it names may have moved since."""
    path = file_of(folder, RUN_FILE)
    return runfile.parse_schema(path.read_text(encoding="utf-8"), str(path))


def file_of(folder: Path, name: str) -> Path:
    """A file of a results directory; raises RunFileError if it is not there."""
    path = folder / name
    if not path.is_file():
        raise RunFileError(f"{folder} has no {name}; `pimchar characterize RUN.toml --out {folder}` makes it")
    return path


def open_tables(folder: Path) -> xr.Dataset:
    """The tables of a results directory, in memory; raises TableError if they are not readable."""
    return source.load(file_of(folder, TABLES))


def open_samples(folder: Path) -> xr.Dataset:
    """The characterization of a results directory, of which what is asked for is read then, and not kept.

    Without the coordinate of the samples, which are numbered from 0. Raises RunFileError if there is none to read.
    """
    path = file_of(folder, CHARACTERIZATION)
    try:
        return xr.open_dataset(path, engine="netcdf4", cache=False, drop_variables=arrays.SAMPLE)
    except (OSError, ValueError) as error:
        raise RunFileError(f"{path} is not readable: {error}".splitlines()[0]) from error


def open_drawn(folder: Path) -> xr.Dataset:
    """As :func:`open_samples`; raises StatisticsError where the directory holds no Monte Carlo samples."""
    data = open_samples(folder)
    if not data.attrs.get("samples"):
        raise statistics.StatisticsError(
            f"{folder} holds the nominal cell alone: no Monte Carlo samples, no statistics"
        )
    return data


def need_macro_metrics(folder: Path, tables: xr.Dataset) -> None:
    """Raise RunFileError where a directory's tables lack what a macro needs."""
    missing = [name for name in MACRO_METRICS if name not in tables]
    if missing:
        raise RunFileError(f"{folder / TABLES} has no {', '.join(missing)}; `pimchar run` measures what a macro needs")


def open_gates(folder: Path, tables: xr.Dataset, published: bool) -> Gates | None:
    """Gates that a directory has characterized at the conditions of its tables; None stands for published ones."""
    if published or not (folder / GATES).is_file():
        return None
    process = technology.load(tables.attrs["technology"])
    try:
        return gatenumbers.characterized(source.load(folder / GATES), tables, process, MacroModel())
    except MacroError as error:
        raise MacroError(f"{error}; `pimchar macro --published` does without") from error
