"""Tables in the formats of other tools: one writer each, one row each in ``FORMATS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from charlib.errors import TableError
from charlib.export import hwcomponents, liberty, longform, netcdf, zigzag
from charlib.export.source import GATES, MACRO, TABLES


@dataclass(frozen=True)
class Format:
    """One row of the table.

    Attributes:
        write: results directory and an existing folder to the files written there.
        sources: files of a results directory that it writes from, each if it is there; one must be.
        meaning: what is written.
    """

    write: Callable[[Path, Path], list[Path]]
    sources: tuple[str, ...]
    meaning: str


MADE_BY = {
    TABLES: "`pimchar characterize` makes",
    GATES: "a run file with a section [periphery] makes",
    MACRO: "`pimchar run` makes",
}
"""How to come by a file."""

FORMATS: Mapping[str, Format] = {
    "netcdf": Format(netcdf.write, (TABLES, GATES), "the tables as they are, samples included"),
    "csv": Format(longform.write, (TABLES, GATES), "one file per quantity, a row per condition, units in the header"),
    "liberty": Format(liberty.write, (GATES, MACRO), "logic cells, and macros: one library each per condition"),
    "zigzag": Format(zigzag.write, (MACRO,), "a package with the macros as in-memory array of an accelerator"),
    "hwcomponents": Format(hwcomponents.write, (MACRO,), "a plug-in package with the macro as component models"),
}


def export(directory: Path, to: str, dest: Path) -> list[Path]:
    """Write a results directory's tables in a format.

    Args:
        directory: results. to: row of ``FORMATS``. dest: folder, made if need be; files of the same names are
            replaced, packages are not.

    Returns:
        Paths written.

    Raises:
        TableError: unknown format, nothing to write from, a file that is broken or lacks something, or a destination
            that is no folder and cannot become one.
    """
    if to not in FORMATS:
        raise TableError(f"format {to!r} is not one of {', '.join(FORMATS)}")
    sources = FORMATS[to].sources
    if not any((directory / name).is_file() for name in sources):
        lacking = ", and no ".join(f"{name}, which {MADE_BY[name]}" for name in sources)
        raise TableError(f"{directory} has no {lacking}")
    if dest.exists() and not dest.is_dir():
        raise TableError(f"{dest} is not a folder: name one for the files of {to}")
    try:
        dest.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(f"{dest} cannot be made: {error.strerror}") from error
    return FORMATS[to].write(directory, dest)
