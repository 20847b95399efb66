"""The equivalent column held against the full one: the same cells, sample by sample, and the time of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr

from charlib import ngspice
from charlib.directory import write_whole
from charlib.errors import CharacterizationError, InvalidPlan
from charlib.metrics import METRICS
from charlib.metrics.butterfly import LOBES
from charlib.metrics.energy import given
from charlib.session import Session, Solved
from charlib.unit import BLOCK, Unit
from charlib.waveforms import Block, stack
from netlists.bitcells import Cell
from netlists.column import POSITIONS, REPRESENTATIONS
from netlists.dynamic import PIM_WINDOW
from netlists.readpath import ReadPath
from netlists.setting import Setting
from netlists.technology import Technology
from netlists.testbenches import TESTBENCHES

FILE = "column_check.nc"
ROWS = (16, 64, 256)
PATTERNS = ("half", "worst", "random")
DIMS = ("case", "rows", "position", "pattern", "representation", "sample", "lobe")
MEASURED = {
    "t_read": ("s", "delay, word line to the output of the stored state"),
    "e_read": ("J", "energy of a read cycle, leakage taken off"),
    "t_precharge": ("s", "precharge time of the bit lines"),
    "i_leak": ("A", "current of all supplies of the column at rest"),
}
"""What is compared, with its unit."""
LIMITS = {"t_read": 0.01, "e_read": 0.02}
"""Largest relative errors that are aimed at [1]."""
FIRST_WINDOW, LAST_WINDOW = 0.1e-9, 1e-6
"""Windows of the nominal cycle that are tried, each twice the last [s]."""
REPEATS = {"equivalent": 9, "full": 1}
"""How often each representation is timed; the median counts."""
TIMEOUT = 600.0
"""Limit of one sample [s]: 512 rows drawn in full take a minute on a busy machine."""
DRAWN = ("wl", "bl", "blb", "p")
"""Nodes of the column with Q = 1 whose waveforms are kept, of the first sample of each case."""


@dataclass(frozen=True)
class Case:
    """A condition of the check.

    Attributes:
        name: of the condition. process, vdd [V], temp [K]: the condition. local: with mismatch.
    """

    name: str
    process: str
    vdd: float
    temp: float
    local: bool

    @property
    def label(self) -> str:
        drawn = ", mismatch" if self.local else ""
        return f"{self.process}, {self.vdd:g} V, {self.temp - 273.15:g} degC{drawn}"


def cases(technology: Technology) -> tuple[Case, Case]:
    """Nominal, and where leakage counts most: ff, 0.6 V, 125 degC with mismatch, or what of that is in range."""
    (low, _), (_, hot) = technology.vdd_range, technology.temp_range
    nominal = Case("nominal", "tt", technology.vdd_nominal, 298.15, local=False)
    return nominal, Case("leaky", "ff", max(0.6, low), min(398.15, hot), local=True)


def column_check(
    cell: Cell,
    technology: Technology,
    readpath: ReadPath | None = None,
    rows: Sequence[int] = ROWS,
    positions: Sequence[str] = POSITIONS,
    patterns: Sequence[str] = PATTERNS,
    samples: int = 2,
    seed: int = 1,
    out: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> xr.Dataset:
    """Measure the read cycle of equivalent and full columns.

    Args:
        cell: bit cell, sized. technology: of both.
        readpath: around the array; rows, position, pattern and representation are replaced.
        rows: of the columns. positions, patterns: of :class:`netlists.column.Array`.
        samples: with mismatch, where a case has it. seed: of these.
        out: folder of ``FILE``; None keeps nothing.
        say: takes a line per full column.

    Returns:
        Dataset over ``DIMS`` with ``MEASURED``, NaN where the operation failed; ``seconds`` per sample without lobe;
        waveforms of the largest column, ``<node>_<representation>`` over time [s].

    Raises:
        InvalidPlan: an illegal value, or a cell that no column is made of. CharacterizationError: not solved.
    """
    _check_request(cell, rows, positions, patterns, samples)
    readpath = readpath or ReadPath()
    at = cases(technology)
    grid = (tuple(case.name for case in at), tuple(rows), tuple(positions), tuple(patterns), REPRESENTATIONS)
    shape = tuple(map(len, grid))
    found = {name: np.full((*shape, samples, len(LOBES)), np.nan) for name in MEASURED}
    seconds, waves, windows = np.full(shape, np.nan), {}, {}
    columns = _columns(readpath, *grid[1:4])
    with Session(timeout=TIMEOUT) as session:
        for case, (index, column) in product(at, columns):
            setting = Setting(technology, case.process, case.vdd, case.temp, cell, column)
            key = (case.name, column.rows)
            windows[key] = windows.get(key) or _window(session, setting)
            setting = replace(setting, window=windows[key])
            for number, representation in enumerate(REPRESENTATIONS):
                place = (at.index(case), *index, number)
                of = replace(setting, readpath=replace(column, representation=representation))
                count = samples if case.local else 1
                block, seconds[place] = _solved(session, of, count, case.local, seed, REPEATS[representation])
                for name, values in _measured(block).items():
                    found[name][place][: len(values)] = values
                if column == columns[-1][1]:
                    waves[case.name, representation] = block
            say(_line(case, column, {name: values[place[:-1]] for name, values in found.items()}, seconds[place[:-1]]))
    data = _dataset(grid, samples, found, seconds, waves)
    data.attrs |= _provenance(technology, readpath, samples, seed) | {f"case_{case.name}": case.label for case in at}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_whole(out / FILE, lambda path: data.to_netcdf(path))
    return data


def errors(data: xr.Dataset) -> xr.Dataset:
    """Relative errors of the equivalent column [1], of every metric, and how many times faster it is."""
    metrics = data[[*MEASURED, "seconds"]]
    full, equivalent = (metrics.sel(representation=name, drop=True) for name in ("full", "equivalent"))
    found = equivalent[list(MEASURED)] / full[list(MEASURED)] - 1
    return found.assign(speed_up=full["seconds"] / equivalent["seconds"])


def unmatched(data: xr.Dataset) -> int:
    """Count of numbers that one representation has and the other has not, over all samples, states and metrics.

    Of the first sample, which every case has, one that both lack counts as well: there was nothing to compare.
    """
    lacking = np.isnan(data[list(MEASURED)])
    full, equivalent = (lacking.sel(representation=name, drop=True) for name in ("full", "equivalent"))
    first = lacking["sample"] == data["sample"][0]
    return sum(int(found.sum()) for found in ((full != equivalent) | (full & equivalent & first)).values())


def largest(data: xr.Dataset) -> dict[str, float]:
    """Largest errors of what has a limit [1], NaN where there is nothing to compare."""
    return {name: float(np.abs(errors(data)[name]).max()) for name in LIMITS}


def agrees(data: xr.Dataset) -> bool:
    """Whether no error is beyond its limit and no number is unmatched."""
    return unmatched(data) == 0 and all(error <= LIMITS[name] for name, error in largest(data).items())


def _check_request(
    cell: Cell, rows: Sequence[int], positions: Sequence[str], patterns: Sequence[str], samples: int
) -> None:
    """Raise InvalidPlan for what cannot be checked; values of the column itself are refused by the array."""
    if not 1 <= samples <= BLOCK:
        raise InvalidPlan(f"samples={samples!r} is outside 1..{BLOCK} (column-check)")
    if lacks := TESTBENCHES["read_path"].missing(cell):
        raise InvalidPlan(f"a cell of kind {cell.kind!r} makes no column: {lacks} (column-check)")
    for name, values in (("rows", rows), ("position", positions), ("pattern", patterns)):
        for value in values:
            if values.count(value) > 1:
                raise InvalidPlan(f"{name}={value} stands twice; every value once (column-check)")


def _columns(
    readpath: ReadPath, rows: Sequence[int], positions: Sequence[str], patterns: Sequence[str]
) -> list[tuple[tuple[int, int, int], ReadPath]]:
    """Read paths of all equivalent columns with their places on the grid."""
    axes = [list(enumerate(values)) for values in (rows, positions, patterns)]
    return [
        ((i, j, k), replace(readpath, rows=r, position=p, pattern=s, representation="equivalent"))
        for (i, r), (j, p), (k, s) in product(*axes)
    ]


def _window(session: Session, setting: Setting) -> float:
    """Window [s] of ``PIM_WINDOW`` times the slowest phase, as a clock would give.

    A window as long as a characterization's would let long columns leak away.
    """
    for window in _doubled(FIRST_WINDOW, LAST_WINDOW):
        tried = replace(setting, window=window)
        block, _ = _solved(session, tried, 1, local=False, seed=0, repeats=1)
        slowest = max(_measured(block)[name].max() for name in ("t_read", "t_precharge"))
        if np.isfinite(slowest) and slowest <= window / PIM_WINDOW:
            return float(f"{PIM_WINDOW * slowest:.2e}")
    where = f"{setting.process}, {setting.vdd:g} V"
    raise InvalidPlan(f"rows={setting.readpath.rows}: the nominal read fails at {where} (column-check)")


def _doubled(first: float, last: float) -> Iterator[float]:
    while first <= last:
        yield first
        first *= 2


def _solved(
    session: Session, setting: Setting, count: int, local: bool, seed: int, repeats: int
) -> tuple[Block, float]:
    """Waveforms of the first samples, or of the nominal cell, and the simulator's CPU time for one [s].

    Raises:
        CharacterizationError: a sample was not solved.
    """
    testbench = TESTBENCHES["read_path"].build(setting)
    unit = Unit(testbench, 0 if local else None, seed, local, "default")
    values = unit.knob_values(session, 0, count)
    session.prepare(testbench)
    runs, times = [], []
    for _ in range(repeats):
        before = session.cpu_time()
        runs.append(session.solve(testbench, values))
        times.append((session.cpu_time() - before) / count)
    solutions = runs[0]
    for i, solution in enumerate(solutions):
        if not isinstance(solution, Solved):
            sample = f"sample {i} of seed {seed}" if local else "the nominal cell"
            at = f"{setting.process}, {setting.vdd:g} V, {setting.temp - 273.15:g} degC"
            said = "; ".join((solution.reason, *solution.log))
            raise CharacterizationError(f"column-check: {setting.readpath.array}, {at}, {sample}: {said}")
    return stack(testbench, [solution.data for solution in solutions]), float(np.median(times))


def _measured(block: Block) -> dict[str, np.ndarray]:
    """``MEASURED`` of a block, shape (sample, lobe)."""
    delays = [METRICS[name].measure(block).values for name in ("t_read_p", "t_read_n")]
    currents = [given(block, state)[:, 0] for state in LOBES]
    return {
        "t_read": np.stack(delays, axis=1),
        "e_read": METRICS["e_read"].measure(block).values,
        "t_precharge": METRICS["t_precharge"].measure(block).values,
        "i_leak": np.stack(currents, axis=1),
    }


def _line(case: Case, column: ReadPath, found: Mapping[str, np.ndarray], seconds: np.ndarray) -> str:
    """Progress: one column with its errors; arrays over representation first."""
    parts = []
    for name, values in found.items():
        error = np.abs(values[REPRESENTATIONS.index("equivalent")] / values[REPRESENTATIONS.index("full")] - 1)
        parts.append(f"{name} {np.nanmax(error):.3%}" if np.isfinite(error).any() else f"{name} -")
    ratio = seconds[REPRESENTATIONS.index("full")] / seconds[REPRESENTATIONS.index("equivalent")]
    where = f"{case.name}: {column.rows} rows, {column.position}, {column.pattern}"
    return f"{where}: {', '.join(parts)}, {ratio:.0f} times faster"


def _dataset(
    grid: Sequence[Sequence],
    samples: int,
    found: Mapping[str, np.ndarray],
    seconds: np.ndarray,
    waves: Mapping[tuple[str, str], Block],
) -> xr.Dataset:
    coordinates = dict(zip(DIMS, (*grid, np.arange(samples), list(LOBES)), strict=True))
    data = xr.Dataset(coords={name: (name, list(values)) for name, values in coordinates.items()})
    for name, (unit, text) in MEASURED.items():
        data[name] = (DIMS, found[name], {"units": unit, "long_name": text})
    data["seconds"] = (
        DIMS[:5],
        seconds,
        {"units": "s", "long_name": "CPU time of the simulator for one sample, deck loaded"},
    )
    for representation in REPRESENTATIONS:
        blocks = [waves[case, representation] for case in grid[0]]
        points = max(block["time"].shape[1] for block in blocks)
        dims = ("case", f"point_{representation}")
        for node in ("time", *DRAWN):
            rows = [block[node if node == "time" else f"{node}_q"][0] for block in blocks]
            wave = np.stack([np.pad(row, (0, points - len(row)), "edge") for row in rows])
            about = {"units": "s" if node == "time" else "V", "long_name": f"{node} of the {representation} column"}
            data[f"{node}_{representation}"] = (dims, wave, about)
    return data


def _provenance(technology: Technology, readpath: ReadPath, samples: int, seed: int) -> dict[str, object]:
    return {
        "title": f"equivalent against full column, {technology.name}",
        "technology": technology.name,
        "model_sha256": technology.model_sha256,
        "readpath": str({name: value for name, value in asdict(readpath).items() if name != "representation"}),
        "samples": samples,
        "seed": seed,
        "ngspice_version": ngspice.version(),
        "limits": ", ".join(f"{name} {limit:g}" for name, limit in LIMITS.items()),
    }
