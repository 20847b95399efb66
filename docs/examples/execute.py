"""Executes notebooks in place: ``python docs/examples/execute.py FILE.ipynb ...``.

Their output is that of the checkout they lie in; nothing of the machine or the time goes into the file.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def execute(path: Path) -> None:
    """Execute one notebook in its own folder; raises nbclient's CellExecutionError, and writes nothing then."""
    notebook = nbformat.read(path, as_version=4)
    folder = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, kernel_name="python3", resources=folder, record_timing=False).execute()
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for file in sys.argv[1:]:
        execute(Path(file))
