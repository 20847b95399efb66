"""A million samples of the table twin against a hundred thousand others of ngspice: the same distribution.

``PIMCHAR_TWIN`` names a folder for the results, so that a run which is broken off goes on later;
``PIMCHAR_TWIN_SAMPLES`` the numbers of samples, ``1000000 100000`` if it is not set.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tabulate import tabulate

from analysis import intervals, statistics
from analysis.samples import Samples
from charlib import Variation, characterize

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

TWIN, NGSPICE = map(int, os.environ.get("PIMCHAR_TWIN_SAMPLES", "1000000 100000").split())
SEEDS = {"twin": 1, "ngspice": 2}
"""Different ones: the same seed would be the same cells."""
QUANTILE, CONFIDENCE = 1e-4, 0.95
RMS, WORST = 0.05e-3, 0.2e-3
"""Largest difference of the same cell in both [V]: the limits of docs/twin.md."""
STATES = ("snm_read", "q", "qb")


def margins(folder, engine, samples, seed):
    """Read margins of the nominal condition [V]: the cell's, and those of both stored states."""
    data = characterize(
        metrics=["snm_read"], variation=Variation(samples=samples, seed=seed), engine=engine, accuracy="reference",
        out=folder,
    )  # fmt: skip
    assert (data["snm_read_status"] == 0).all()
    lobes = data["snm_read_lobes"].squeeze()
    return {"snm_read": data["snm_read"].values.ravel()} | {
        str(n): lobes.sel(lobe=n).values for n in data["lobe"].values
    }


def influences(values):
    """What each sample adds to mean, deviation and skewness: their errors follow, for any distribution.

    Source: Hampel, J. Am. Stat. Assoc. 69, 1974, for the method; the three follow from their moments.
    """
    mean, std, skewness = values.mean(), values.std(), stats.skew(values)
    z = (values - mean) / std
    return {
        "mean": (mean, std * z),
        "sigma": (std, std * (z**2 - 1) / 2),
        "skewness": (skewness, z**3 - 3 * z - skewness - 1.5 * skewness * (z**2 - 1)),
    }


def described(values):
    """Estimate, and interval at ``CONFIDENCE``, of each number of a distribution."""
    reach = stats.norm.ppf(1 - intervals.tail(CONFIDENCE)) / np.sqrt(values.size)
    found = {name: (at, at - reach * i.std(), at + reach * i.std()) for name, (at, i) in influences(values).items()}
    known = Samples(values, np.zeros(values.size, np.int8), "low", 0.0)
    parts = statistics.quantiles([known], np.array([QUANTILE]), CONFIDENCE)
    return found | {"quantile": tuple(float(part[0]) for part in parts)}


def row(state, name, ours, theirs):
    """A line of the table, in millivolts but for the skewness, and whether both intervals have a number in common."""
    scale = 1.0 if name == "skewness" else 1e3
    agrees = ours[1] <= theirs[2] and theirs[1] <= ours[2]
    numbers = [f"{scale * at:.4f} ({scale * low:.4f}..{scale * high:.4f})" for at, low, high in (ours, theirs)]
    return [state, name, *numbers, f"{scale * (ours[0] - theirs[0]):.4f}", "agrees" if agrees else "DIFFERS"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Folder, and the margins of either engine."""
    folder = Path(os.environ.get("PIMCHAR_TWIN", tmp_path_factory.mktemp("twin")))
    counts = {"twin": TWIN, "ngspice": NGSPICE}
    return folder, {engine: margins(folder / engine, engine, counts[engine], SEEDS[engine]) for engine in SEEDS}


def test_both_distributions_agree_within_their_intervals(found, capsys):
    _, each = found
    rows = []
    for state in STATES:
        ours, theirs = (described(each[engine][state]) for engine in SEEDS)
        rows += [row(state, name, ours[name], theirs[name]) for name in ours]
    headers = ("", "[mV], [1]", f"twin, {TWIN}", f"ngspice, {NGSPICE}", "difference", "")
    with capsys.disabled():
        print(f"\n{tabulate(rows, headers, disable_numparse=True)}")
    assert [line for line in rows if line[-1] != "agrees"] == []


def test_the_same_cells_have_the_same_margins(found, capsys):
    folder, each = found
    ours = margins(folder / "same", "twin", NGSPICE, SEEDS["ngspice"])
    off = np.concatenate([ours[state] - each["ngspice"][state] for state in STATES[1:]])
    rms, worst = np.sqrt(np.mean(off**2)), np.abs(off).max()
    with capsys.disabled():
        print(f"\n{off.size} margins of the same cells: mean {1e3 * off.mean():.5f}, rms {1e3 * rms:.5f}, ", end="")
        print(f"at worst {1e3 * worst:.5f} mV apart")
    assert rms <= RMS
    assert worst <= WORST
