"""The steps of a run, each from stored results to stored results: characterize, macro, network, figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd
import xarray as xr

import charlib
import figures
import netlists
from analysis import (
    comparison,
    correlation,
    errors,
    gatenumbers,
    headlines,
    logic,
    macro,
    network,
    onnxfile,
    plots,
    readpaths,
    sensitivity,
    statistics,
    vmin,
    workloads,
    worst,
)  # fmt: skip
from analysis.architecture import MacroGeometry, MacroModel
from analysis.logic import READINGS, Gates
from charlib import columncheck
from charlib.directory import write_whole
from netlists import technology
from pimchar import stored
from pimchar.runschema import RunFile, RunFileError

MACRO, NETWORK = "macro.nc", "network.csv"
STATISTICS, VMIN = "statistics.nc", "vmin.nc"
HEADLINES = {"speedups": "headlines.csv", "curve": "headlines_curve.csv", "silicon": "headlines_silicon.csv"}
LAYERS = "layers"
"""Folder of a results directory with the layers of networks that a user brings, one CSV file each."""
_SOURCE = "layers of "
"""What stands before the path of a network's file in the first line of its layers."""
COLUMN_CHECK = "column_check"
"""Figure of the check of the equivalent column."""


def check(run: RunFile, where: str) -> None:
    """Raise RunFileError where the macro model could not use the conditions, before anything is simulated.

    WorkloadError where a network's file cannot be used. The macro consists of gates of certain kinds, or of published
    ones, which are for one process and supply that the grid must hold then; it has columns of one length.
    """
    for file in run.network.files:
        onnxfile.from_onnx(file)
    hint = "`pimchar characterize` does without"
    if run.make_cell().states != netlists.Sram6T.states:
        raise RunFileError(f"kind={run.cell.kind!r}: the macro model is of SRAM cells; {hint} (cell.kind in {where})")
    if run.gates_wanted:
        if lacking := [kind for kind in gatenumbers.NEEDED if kind not in run.periphery.gates]:
            place = f"(periphery.gates in {where})"
            raise RunFileError(f"gates lack {', '.join(lacking)}, which the macro consists of; {hint} {place}")
    else:
        _check_published(run, where, hint)
    wanted = run.make_macro().rows_per_local_bitline
    if wanted not in (run.conditions.rows or (run.readpath.rows,)):
        place = f"({'conditions' if run.conditions.rows else 'readpath'}.rows in {where})"
        raise RunFileError(f"rows lack {wanted}, which a local bit line of the macro has; {hint} {place}")


def _check_published(run: RunFile, where: str, hint: str) -> None:
    """Raise RunFileError where published gates could not be carried to the conditions."""
    corner, vdd = logic.REFERENCE_PROCESSES[0], logic.REFERENCE_VDD
    if corner not in run.conditions.process:
        place = f"(conditions.process in {where})"
        raise RunFileError(f"process lacks {corner!r}, which the macro model refers to; {hint} {place}")
    low, high = min(run.conditions.vdd), max(run.conditions.vdd)
    if not low <= vdd <= high:
        place = f"(conditions.vdd in {where})"
        raise RunFileError(f"vdd={low:g}..{high:g} V lacks {vdd} V, which the macro model refers to; {hint} {place}")


@dataclass(frozen=True)
class Workers:
    """Where simulators run: ``count`` on this machine (None: one per core), or on the cluster of a ``scheduler``."""

    count: int | None = None
    scheduler: str | None = None


def run_all(run: RunFile, text: str, out: Path, workers: Workers, say: Callable[[str], None]) -> None:
    """The whole chain into a results directory; ``say`` takes one line per step."""
    metrics = tuple(dict.fromkeys((*run.characterize.metrics, *stored.MACRO_METRICS)))
    characterize(run, text, out, workers, metrics)
    say(f"macro: {out / MACRO}")
    evaluate_macro(out)
    for file in run.network.files:
        add_network(out, Path(file))
    say(f"network: {out / NETWORK}")
    evaluate_network(out)
    draw_figures(out, say)


def characterize(
    run: RunFile, text: str, out: Path, workers: Workers, metrics: tuple[str, ...] | None = None
) -> xr.Dataset:
    """The characterization of a run file, stored in ``out``: the cell's, which is returned, and that of its gates.

    Args:
        metrics: in place of the run file's, if given.
    """
    data = charlib.characterize(
        cell=run.make_cell(),
        technology=run.technology.name,
        conditions=run.make_conditions(),
        variation=run.make_variation(),
        readpath=run.make_readpath(),
        metrics=metrics or run.characterize.metrics,
        out=out,
        workers=workers.count,
        scheduler=workers.scheduler,
        engine=run.characterize.engine,
        max_failed=run.characterize.max_failed,
        timeout=run.characterize.timeout_s,
        judged=run.characterize.judged,
        run_file=text,
        progress=True,
    )
    if run.gates_wanted:
        characterize_gates(run, text, out, workers)
    return data


def characterize_gates(run: RunFile, text: str, out: Path, workers: Workers) -> xr.Dataset:
    """The logic gates of a run file that has a section ``[periphery]``, stored in ``out``."""
    return charlib.characterize_logic(
        technology=run.technology.name,
        conditions=run.make_conditions(),
        variation=run.make_gate_variation(),
        **run.periphery.model_dump(include={"gates", "slews", "loads"}),
        out=out,
        workers=workers.count,
        scheduler=workers.scheduler,
        max_failed=run.characterize.max_failed,
        timeout=run.characterize.timeout_s,
        run_file=text,
        progress=True,
    )


def check_twin(run: RunFile, out: Path | None, workers: int) -> xr.Dataset:
    """The table twin of a run file's cell against ngspice; the answer stored in ``out``, if given."""
    return charlib.twin_check(
        cell=run.make_cell(),
        technology=run.technology.name,
        conditions=run.make_conditions(),
        variation=run.make_variation(),
        out=out,
        workers=workers,
        judged=run.characterize.judged,
        progress=True,
    )


def check_column(
    run: RunFile, out: Path, axes: Mapping[str, tuple], samples: int, say: Callable[[str], None]
) -> xr.Dataset:
    """The equivalent column of a run file's technology and cell against the full one, stored and drawn in ``out``.

    Args:
        axes: ``rows``, ``positions`` and ``patterns`` of :func:`charlib.columncheck.column_check`, where not the
            default. samples: with mismatch.
    """
    process = technology.load(run.technology.name)
    cell = run.make_cell().sized(process)
    seed = run.variation.seed
    data = columncheck.column_check(
        cell, process, run.make_readpath(), **axes, samples=samples, seed=seed, out=out, say=say
    )
    for path in plots.save(figures.FIGURES[COLUMN_CHECK].draw(out), out / "figures", COLUMN_CHECK):
        say(f"figure: {path}")
    return data


def search_cycles(run: RunFile, text: str, out: Path, workers: Workers) -> xr.Dataset:
    """Limits of the read path's cycle at the conditions of a run file, stored in ``out``; see :func:`charlib.shmoo`."""
    return charlib.shmoo(
        cell=run.make_cell(),
        technology=run.technology.name,
        conditions=run.make_conditions(),
        variation=run.make_variation(),
        readpath=run.make_readpath(),
        out=out,
        workers=workers.count,
        scheduler=workers.scheduler,
        timeout=run.characterize.timeout_s,
        run_file=text,
    )


def compare_paths(folder: Path) -> xr.Dataset:
    """Both read paths side by side, from a directory's samples; see :func:`analysis.readpaths.compare`."""
    with stored.open_samples(folder) as data:
        return readpaths.compare(data)


@dataclass(frozen=True)
class Statistics:
    """What a run's samples say.

    Attributes:
        summary, correlation, sensitivity, worst: the root and three groups of ``statistics.nc``.
        remark: why there is no sensitivity, where ``sensitivity`` is empty.
    """

    summary: xr.Dataset
    correlation: xr.Dataset
    sensitivity: xr.Dataset
    worst: xr.Dataset
    remark: str = ""


def evaluate_statistics(folder: Path, metrics: tuple[str, ...], confidence: float, sigma: float) -> Statistics:
    """Statistics of a directory's samples, also stored in the directory.

    Args:
        folder: results directory. metrics: which; none is all. confidence: of every interval [1]. sigma: level at
            which the worst corner is looked for [1].

    Raises:
        RunFileError: no characterization. StatisticsError: no Monte Carlo samples, an unknown metric, a bad confidence.
    """
    with stored.open_drawn(folder) as whole:
        data = statistics.select(whole, metrics or statistics.primary_metrics(whole))
        summary = statistics.summarize(data, confidence=confidence)
        together, corners = correlation.correlate(data, confidence=confidence), worst.worst_corners(data, sigma)
        try:
            found = Statistics(summary, together, sensitivity.sensitivity(data), corners)
        except sensitivity.NoDraws as reason:
            found = Statistics(summary, together, xr.Dataset(), corners, str(reason))
    write_whole(folder / STATISTICS, lambda path: _write_statistics(path, found))
    return found


def _write_statistics(path: Path, found: Statistics) -> None:
    """The summary as the file's root, the others as groups."""
    found.summary.to_netcdf(path)
    for group in ("correlation", "sensitivity", "worst"):
        getattr(found, group).to_netcdf(path, mode="a", group=group)


def evaluate_vmin(
    folder: Path, sigma: float, confidence: float, metrics: tuple[str, ...], t_read: float | None
) -> xr.Dataset:
    """Lowest supply that a directory's samples allow, also stored in the directory; see :func:`analysis.vmin.v_min`."""
    with stored.open_drawn(folder) as data:
        found = vmin.v_min(data, sigma, confidence, metrics or None, t_read)
    write_whole(folder / VMIN, lambda path: found.to_netcdf(path))
    return found


def evaluate_errors(folder: Path, rate: float, cycles: tuple[float, ...], confidence: float) -> xr.Dataset:
    """Error rates of a directory's samples, also stored; see :func:`analysis.errors.error_rates`."""
    with stored.open_drawn(folder) as data:
        found = errors.error_rates(data, rate, cycles, confidence)
    write_whole(folder / errors.FILE, lambda path: found.to_netcdf(path))
    return found


def evaluate_macro(folder: Path) -> xr.Dataset:
    """The macro of a directory whose rows are read once and held; see :func:`evaluate_macros`."""
    return evaluate_macros(folder)[READINGS[0]]


def evaluate_macros(folder: Path, published: bool = False) -> dict[str, xr.Dataset]:
    """The macro made of a directory's tables in the organization of its run file, for each reading of the array.

    Also stored in the directory, if not with ``published`` gates: rows held as the file's root, rows read for every
    input bit as a group. So networks and figures stand on the directory's own gates wherever it has any.

    Args:
        folder: results directory.
        published: take published gates where the directory has gates of its own, too, and store nothing.

    Raises:
        RunFileError: tables are missing. MacroError, TableError: the directory's gates do not serve.
    """
    run, tables = stored.open_run(folder), stored.open_tables(folder)
    found = _macros(folder, tables, run.make_macro(), stored.open_gates(folder, tables, published))
    if not published:
        write_whole(folder / MACRO, lambda path: _write_macros(path, found))
    return found


def compare_silicon(folder: Path, published: bool = False) -> dict[str, pd.DataFrame]:
    """A directory's technology beside published macros: ``reference``, ``made_of`` and ``beside`` of
    :mod:`analysis.comparison`; arguments and errors as of :func:`evaluate_macros`.
    """
    run, tables = stored.open_run(folder), stored.open_tables(folder)
    gates = stored.open_gates(folder, tables, published)
    same = _macros(folder, tables, comparison.REFERENCE, gates)
    own = _macros(folder, tables, run.make_macro(), gates)
    found = {"reference": comparison.reference(same), "made_of": comparison.made_of(same)}
    return found | {"beside": comparison.beside(own)}


def _macros(folder: Path, tables: xr.Dataset, geometry: MacroGeometry, gates: Gates | None) -> dict[str, xr.Dataset]:
    """One macro for each reading of the array."""
    stored.need_macro_metrics(folder, tables)
    reads = dict(zip(READINGS, (1, geometry.input_bits), strict=True))
    area, memories = tables.attrs["cell_area"], memory_attrs()
    return {
        name: macro.evaluate(tables, geometry, area, MacroModel(reads_per_pass=count), gates).assign_attrs(memories)
        for name, count in reads.items()
    }


def memory_attrs() -> dict[str, str]:
    """What the file of a macro says of the memories that networks have around it: their energies, and from where."""
    memories = network.Memories()
    sources = {item.name: item.metadata["source"] for item in fields(memories)}
    return {"memories": json.dumps(asdict(memories)), "memory_sources": json.dumps(sources)}


def _write_macros(path: Path, found: Mapping[str, xr.Dataset]) -> None:
    """The first as the file's root, the others as groups."""
    first, *others = found
    found[first].to_netcdf(path)
    for name in others:
        found[name].to_netcdf(path, mode="a", group=name)


def add_network(folder: Path, file: Path) -> None:
    """Store the layers of an ONNX file in a results directory, under the file's name.

    A file that changed takes the place of what it held before.

    Raises:
        WorkloadError: the file cannot be used, or the directory has another network of this name from another
            folder.
    """
    source, target = file.resolve(), folder / LAYERS / f"{file.name}.csv"
    text = workloads.to_csv(onnxfile.from_onnx(file), f"{_SOURCE}{source}")
    if target.is_file():
        head, _, held = target.read_text(encoding="utf-8").partition("\n")
        other = head.removeprefix(f"# {_SOURCE}")
        if other != str(source) and held != text.partition("\n")[2]:
            hint = f"rename one, or remove {target}"
            raise workloads.WorkloadError(f"{source} and {other} are different networks of one name; {hint}")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, lambda path: path.write_text(text, encoding="utf-8"))


def evaluate_network(folder: Path) -> pd.DataFrame:
    """The networks of a directory on its macro, one row per network, design and condition; also stored.

    Those that the run file names, and those whose layers are stored in the directory.
    """
    run, array = stored.open_run(folder), evaluate_macro(folder)
    names, mapping = list(run.network.names), run.make_mapping()
    names += sorted(path.name.removesuffix(".csv") for path in (folder / LAYERS).glob("*.csv"))
    each = [network.evaluate(workloads.load(name, folder / LAYERS), array, mapping, name=name) for name in names]
    frame = pd.concat([network.to_frame(one) for one in each], ignore_index=True)
    write_whole(folder / NETWORK, lambda path: frame.to_csv(path, index=False))
    return frame


@dataclass(frozen=True)
class Headlines:
    """Published headline figures beside ours; each frame is stored as CSV.

    Attributes:
        condition: where the macro works.
        macro: the macro there, rows held.
        speedups, curve: of :mod:`analysis.headlines`. silicon: of :func:`analysis.comparison.beside`, rows held.
    """

    condition: plots.Condition
    macro: xr.Dataset
    speedups: pd.DataFrame
    curve: pd.DataFrame
    silicon: pd.DataFrame


def evaluate_headlines(folder: Path) -> Headlines:
    """Headline figures of a directory's macro at its reference condition; also stored."""
    array = evaluate_macro(folder)
    at = plots.reference_condition(array)
    supplies = array.sel({dim: [value] for dim, value in at.where.items() if dim != "vdd"})
    speedups = headlines.speedups(supplies.sel(vdd=[at.vdd]))
    beside = comparison.beside({READINGS[0]: supplies})
    found = Headlines(at, array.sel(at.where), speedups, headlines.curve(), beside)
    for name, file in HEADLINES.items():
        frame = getattr(found, name)
        write_whole(folder / file, lambda path, frame=frame: frame.to_csv(path, index=False))
    return found


def draw_figures(folder: Path, say: Callable[[str], None]) -> None:
    """Every figure that a directory's results allow, stored in the directory; raises RunFileError if it has none."""
    if all(row.missing(folder) for row in figures.FIGURES.values()):
        stored.file_of(folder, stored.CHARACTERIZATION)
    figures.draw_all(folder, progress=say)
