"""Tables as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

from charlib.directory import write_whole


def write(directory: Path, dest: Path) -> list[Path]:
    """Copies of ``tables.nc`` and ``periphery.nc``, as far as there are; each can be opened by itself."""
    found = [path for path in (directory / "tables.nc", directory / "periphery.nc") if path.is_file()]
    for path in found:
        write_whole(dest / path.name, lambda partial, path=path: shutil.copyfile(path, partial))
    return [dest / path.name for path in found]
