"""hwcomponents and AccelForge: the macro as a plug-in package, which both find by its name."""

from __future__ import annotations

from pathlib import Path

from charlib.export import macrotable

MODULE = "hwcomponents_plugin.py"


def write(directory: Path, dest: Path) -> list[Path]:
    """``hwcomponents_pimchar_<technology>/`` in a folder; raises TableError if it exists or there is no macro."""
    data = macrotable.open_macro(directory, macrotable.VARIABLES)
    return macrotable.write_package(dest / f"hwcomponents_pimchar_{macrotable.name(data)}", data, MODULE, {}, {})
