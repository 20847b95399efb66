"""Re-running one stored sample alone: the same number bit for bit, and what a person needs to look into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from charlib.byhand import deck_of
from charlib.conditions import OFFSETS
from charlib.dataset import worse
from charlib.directory import read_manifest, write_whole
from charlib.errors import InvalidPlan, PlanMismatch
from charlib.metrics import METRICS
from charlib.session import Session, Solved, Unsolved
from charlib.status import Status
from charlib.twin import judge
from charlib.unit import BLOCK, Unit, solve_samples
from netlists.cells import restored
from netlists.readpath import ReadPath
from netlists.technology import load
from netlists.testbenches import TESTBENCHES, Setting

DECK, VECTORS, LOG = "deck.cir", "vectors.csv", "log.txt"


@dataclass(frozen=True)
class Reproduction:
    """A stored value beside the value of the same sample run alone.

    Attributes:
        stored, again: value in the metric's unit; NaN where it has none.
        stored_status, again_status: statuses.
        unit: unit of the metric.
        folder: holds the deck and the vectors.
    """

    stored: float
    again: float
    stored_status: Status
    again_status: Status
    unit: str
    folder: Path

    @property
    def identical(self) -> bool:
        """Whether the two agree in every bit."""
        same_value = np.float64(self.stored).tobytes() == np.float64(self.again).tobytes()
        return self.stored_status == self.again_status and (same_value or self.stored_status != Status.ok)


def reproduce(
    directory: str | Path,
    metric: str,
    process: str,
    vdd: float,
    temp: float,
    sample: int,
    dv_wl: float = 0.0,
    dv_bl: float = 0.0,
    dv_cell: float = 0.0,
    rows: int | None = None,
) -> Reproduction:
    """Run one sample of a results directory alone and compare.

    Args:
        directory: results directory.
        metric: name of a metric it holds.
        process, vdd [V], temp [K]: a condition of its grid.
        sample: number of the sample.
        dv_wl, dv_bl, dv_cell: offsets [V], where the grid has them. rows: of the grid; None: the read path's.

    Returns:
        The comparison. ``DIRECTORY/reproduce/...`` then holds the deck to run by hand and the vectors as CSV; of a
        search, those of its last trial.

    Raises:
        InvalidPlan: the directory has no such metric, condition or sample, or is the table twin's.
        PlanMismatch: no results there, or the technology's model files have changed. CellError: the cell's netlist.
        SimulatorMissing: no ngspice, or one that cannot load the technology's compiled models.
    """
    folder = Path(directory)
    manifest = read_manifest(folder)
    if manifest is None or not (folder / "characterization.nc").is_file():
        raise PlanMismatch(f"{folder} holds no finished characterization")
    if manifest["plan"].get("engine") == "twin":
        raise InvalidPlan(
            f"{folder} was solved from tables (engine='twin'), not in ngspice: {judge.FILE} in it has both numbers of "
            "the samples that were judged"
        )
    with xr.open_dataset(folder / "characterization.nc") as data:
        offsets = {"dv_wl": dv_wl, "dv_bl": dv_bl, "dv_cell": dv_cell}
        usual = dict.fromkeys(OFFSETS, 0.0) | {"rows": manifest["plan"]["readpath"]["rows"]}
        offsets["rows"] = usual["rows"] if rows is None else rows
        at = {"process": process, "vdd": vdd, "temp": temp, **offsets, "sample": sample}
        stored = _stored(data, metric, at, usual)
        unit = _unit(folder, manifest["plan"], data, metric, stored, sample)
        with Session(accuracy=unit.accuracy) as session:
            result, (solution,), (values,) = solve_samples(session, unit, sample, 1)
            lines = solution.lines if isinstance(solution, Solved) else session.lines
    measured = result.metrics[metric]
    if METRICS[metric].per_lobe:
        measured = worse(measured, METRICS[metric].fails_when)
    apart = "".join(f"{axis}{value:+g}V-" for axis, value in offsets.items() if value and axis in OFFSETS)
    apart += f"rows{offsets['rows']}-" if offsets["rows"] != usual["rows"] else ""
    place = f"{metric}-{process}-{vdd:g}V-{temp:g}K-{apart}{sample}"
    target = folder / "reproduce" / place
    testbench = unit.testbench.settable if unit.testbench.search else unit.testbench
    _write(target, deck_of(testbench, values, lines), solution)
    return Reproduction(
        stored=float(stored[metric]),
        again=float(measured.values[0]),
        stored_status=Status(int(stored[f"{metric}_status"])),
        again_status=Status(int(measured.status[0])),
        unit=METRICS[metric].unit,
        folder=target,
    )


def _stored(data: xr.Dataset, metric: str, at: Mapping[str, object], usual: Mapping[str, float]) -> xr.Dataset:
    """The Dataset at one sample, ``usual`` where it lacks an axis; raises InvalidPlan with what there is."""
    held = [name for name in METRICS if name in data]
    if metric not in held:
        raise InvalidPlan(f"metric={metric!r} is not one of {', '.join(held)} in these results")
    for axis, value in at.items():
        grid = data[axis].values.tolist() if axis in data.dims else [usual[axis]]
        near = [g for g in grid if g == value or (isinstance(g, float) and abs(g - value) < 1e-6)]
        if not near:
            legal = f"0..{grid[-1]}" if axis == "sample" else ", ".join(f"{g}" for g in grid)
            raise InvalidPlan(f"{axis}={value} is not one of {legal} in these results")
        data = data.sel({axis: near[0]}) if axis in data.dims else data.assign_coords({axis: near[0]})
    return data


def _unit(folder: Path, plan: dict, data: xr.Dataset, metric: str, stored: xr.Dataset, sample: int) -> Unit:
    """The unit that the sample belongs to, rebuilt from the directory alone."""
    technology = load(plan["technology"])
    if technology.model_sha256 != plan["model_sha256"]:
        raise PlanMismatch(f"the model files of {technology.name} are not those of these results")
    name = METRICS[metric].testbench
    window = float(stored[f"{name}_window"]) if f"{name}_window" in data else None
    readpath = ReadPath(**plan["readpath"] | {"rows": int(stored["rows"])})
    setting = Setting(
        technology, str(stored["process"].values), float(stored["vdd"]), float(stored["temp"]),
        restored(plan["cell"], folder).sized(technology), readpath, window,
        **{axis: float(stored[axis]) for axis in OFFSETS},
    )  # fmt: skip
    nominal = "seed" not in plan or data.attrs["samples"] == 0
    block = None if nominal else sample // BLOCK
    return Unit(
        TESTBENCHES[name].build(setting), block, plan.get("seed", 0), plan.get("local", False), plan["accuracy"]
    )


def _write(folder: Path, deck: str, solution: Solved | Unsolved) -> None:
    """The deck and, where there are any, the vectors; of a sample without an answer the reason and the log."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / DECK, lambda path: path.write_text(deck))
    if isinstance(solution, Unsolved):
        lines = "\n".join((solution.reason, *solution.log, ""))
        write_whole(folder / LOG, lambda path: path.write_text(lines))
        return
    header = ",".join(_with_unit(name) for name in solution.names)
    rows = solution.data.T
    write_whole(folder / VECTORS, lambda path: np.savetxt(path, rows, delimiter=",", header=header, comments=""))


def _with_unit(name: str) -> str:
    return f"{name} [{'s' if name == 'time' else 'A' if name.endswith('#branch') else 'V'}]"
