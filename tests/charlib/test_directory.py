"""Files of a results directory: whole or not there."""

import subprocess
import sys

FILL = """
import resource, signal
from pathlib import Path
import numpy as np, xarray as xr
from charlib.directory import write_whole

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
data = xr.Dataset({"a": ("x", np.random.default_rng(1).random(100_000))})
try:
    write_whole(Path("big.nc"), data.to_netcdf)
except OSError as error:
    print(error)
"""


def test_a_dataset_for_which_the_disk_is_too_small_is_a_clear_error_and_leaves_no_file(tmp_path):
    """The limit on file size stands in for a full disk: the system refuses the write in the same way."""
    done = subprocess.run([sys.executable, "-c", FILL], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.startswith("big.nc cannot be written: "), done.stderr
    assert not list(tmp_path.iterdir())
