"""Tables as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

from charlib.directory import write_whole
from charlib.export import source


def write(directory: Path, dest: Path) -> list[Path]:
    """Copies of ``tables.nc`` and ``periphery.nc``, as far as there are; each can be opened by itself.

    Raises TableError for one that cannot be read.
    """
    found = [path for path in (directory / source.TABLES, directory / source.GATES) if path.is_file()]
    for path in found:
        source.load(path)
        write_whole(dest / path.name, lambda partial, path=path: shutil.copyfile(path, partial))
    return [dest / path.name for path in found]
