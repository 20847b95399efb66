"""Figures of a results directory: one file each, which reads results and simulates nothing."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from matplotlib import figure as mpl_figure

from analysis import plots
from analysis.plots import NothingToDraw


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Attributes:
        name: file in this package that draws it, and name of its picture files.
        description: what it shows.
        needs: files of a results directory that it reads.
    """

    name: str
    description: str
    needs: tuple[str, ...]

    def missing(self, folder: Path) -> list[str]:
        """Files that a results directory lacks for it."""
        return [name for name in self.needs if not (folder / name).is_file()]

    def draw(self, results_dir: str | Path) -> mpl_figure.Figure:
        """The drawn figure; raises NothingToDraw, which says what the results lack."""
        folder = Path(results_dir)
        if missing := self.missing(folder):
            raise NothingToDraw(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        # Imported here, so that `python -m figures.NAME` finds its module not yet loaded.
        module = importlib.import_module(f"figures.{self.name}")
        with plots.style():
            return module.draw(folder)


def _table(*rows: Figure) -> Mapping[str, Figure]:
    return MappingProxyType({row.name: row for row in rows})


FIGURES: Mapping[str, Figure] = _table(
    Figure(
        "butterfly",
        "Hold and read transfer curves of both halves of the cell with their Monte Carlo cloud, and the largest square "
        "in each eye, whose side is the static noise margin.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "write_butterfly",
        "Curve of the half that is written beside the read curve of the other, for both written states, and the "
        "smallest square between them, whose side is the write noise margin.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "n_curve",
        "Current into the driven storage node of a cell at read, with the noise margins and trip values of the curve.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "lost_states",
        "Line voltage at which the cell is in a state, over the difference of its storage nodes: the write margins and "
        "the data retention voltage are where these curves turn.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "at_dc",
        "The cell at DC: low node and current as its word line rises, leakage of both states by path, and gate curves "
        "of its transistors with their thresholds.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "in_time",
        "Storage nodes of the nominal cell in a write, a read pulse, half-selection, PIM activations and a dip of the "
        "supply, the energy of write and read over their cycles, a read port, and an inverter that drives four.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "margins",
        "Distribution of the hold and the read margin: histograms, and a normal-probability plot on the same axis.",
        ("characterization.nc",),
    ),
    Figure(
        "qq",
        "Sorted samples of each metric against normal scores, with the line and the band of a normal distribution.",
        ("characterization.nc",),
    ),
    Figure(
        "tail",
        "Distribution of each metric and its tail: histogram on a logarithmic axis, and the share of samples beyond a "
        "value, with interval and normal distributions.",
        ("characterization.nc",),
    ),
    Figure(
        "correlation",
        "Correlation matrix of the metrics, Pearson's below the diagonal and Spearman's above.",
        ("characterization.nc",),
    ),
    Figure(
        "tornado",
        "How much one standard deviation of each transistor's threshold voltage moves each metric, by regression.",
        ("characterization.nc",),
    ),
    Figure(
        "shmoo",
        "Pass rate of each metric over supply and temperature for each process, or over supply and process.",
        ("characterization.nc",),
    ),
    Figure(
        "read_path",
        "Waveforms of a read in both stored states: the whole cycle, the event from word line to output, and the "
        "disturbance of the cell.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "operation",
        "Waveforms of the read path for all eight combinations of the stored bit and both inputs.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "computing_energy",
        "Energy of a computing cycle for every pair of successive inputs, and by part on both read paths.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "cycle_limits",
        "Shmoo of the read path over supply and cycle, with the shortest and the longest cycle that is right.",
        ("shmoo.nc",),
    ),
    Figure(
        "write_pulse",
        "The shortest word-line pulse that writes: waveforms of the cell around it, and the bisection that finds it.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "magnetization",
        "Write of an MRAM cell in both directions: lines, and the magnetization with its cloud of samples.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "tmr_bias",
        "Resistances and TMR of an MRAM cell's junction against its bias, with the law by which the TMR rolls off.",
        ("curves.nc", "characterization.nc"),
    ),
    Figure(
        "sense_levels",
        "Levels of two or three MRAM rows at the sense latch by how many cells are in P, with references between them.",
        ("characterization.nc",),
    ),
    Figure(
        "delay_energy",
        "Read delays of both outputs and energy of a read cycle against the supply for each process, with spread.",
        ("tables.nc",),
    ),
    Figure(
        "gates",
        "Delay, output slew and energy of a logic gate against its load, a line for each input slew.",
        ("periphery.nc",),
    ),
    Figure(
        "adder_tree",
        "Adder trees by events against all of their transistors: energy and latest arrival of every pair of vectors.",
        ("tree_check.nc",),
    ),
    Figure(
        "rows",
        "Read delay and energy of a read cycle against the rows of the column for each supply, with spread.",
        ("tables.nc",),
    ),
    Figure(
        "error_rate",
        "Probability that a column errs against the supply and against the cycle, counted and extrapolated.",
        ("errors.nc",),
    ),
    Figure(
        "rare_failure",
        "Failure regions of a cell in the two most important directions, and the convergence of its probability.",
        ("yield.nc",),
    ),
    Figure(
        "array_yield",
        "Reliability of a cell and yield of an array against the supply, with intervals.",
        ("yield.nc",),
    ),
    Figure(
        "switching_time",
        "Write delay of an STT junction against the current: closed forms, Fokker-Planck equation, simulated cells.",
        ("write_errors.nc",),
    ),
    Figure(
        "write_error",
        "Write error rate of an STT cell against the pulse by closed forms, Fokker-Planck equation and macrospins.",
        ("write_errors.nc",),
    ),
    Figure(
        "macro_parts",
        "Energy per cycle and area of a macro by component, both designs, rows held or read for every input bit.",
        ("macro.nc",),
    ),
    Figure(
        "silicon",
        "Density against efficiency of our macros and of published ones, carried to our node and supply.",
        ("macro.nc",),
    ),
    Figure(
        "recovery",
        "Recovered results of DDC macros against direct convolution, and what read errors do to results.",
        ("errors.nc",),
    ),
    Figure(
        "network",
        "Latency and energy of each network on the baseline and on the DDC macro, with the gain.",
        ("network.csv", "macro.nc"),
    ),
    Figure(
        "layers",
        "Cycles and speed-up of each layer of a network.",
        ("network.csv", "macro.nc"),
    ),
    Figure(
        "headlines",
        "Published speed-ups of networks beside the model's, with the sensitivity to each assumption.",
        ("headlines.csv", "headlines_curve.csv"),
    ),
    Figure(
        "engine",
        "Energy of an inference by place on in-MRAM engines and on SRAM macros, for short and long words.",
        ("engine.csv", "engine.nc"),
    ),
    Figure(
        "twin",
        "The table twin against ngspice: both numbers of every judged sample, and their difference with its limits.",
        ("twin.nc",),
    ),
    Figure(
        "column_check",
        "Equivalent column over the full one: waveforms of a read, errors and speed over the number of rows.",
        ("column_check.nc",),
    ),
)  # fmt: skip
"""All figures, in the order in which they are drawn."""


def draw_all(
    results_dir: str | Path, dest: str | Path | None = None, progress: Callable[[str], None] | None = None
) -> list[Path]:
    """Draw every figure that the results allow, each as SVG and PNG.

    Args:
        results_dir: results directory.
        dest: folder of the pictures; None is ``figures`` in the results directory.
        progress: takes one line per file written or figure skipped.

    Returns:
        Files written.
    """
    say = progress or (lambda line: None)
    folder = Path(results_dir) / "figures" if dest is None else Path(dest)
    written: list[Path] = []
    for row in FIGURES.values():
        try:
            paths = plots.save(row.draw(results_dir), folder, row.name)
        except NothingToDraw as reason:
            say(f"figure {row.name} skipped: {reason}")
            continue
        for path in paths:
            say(f"figure: {path}")
        written += paths
    return written


def main(name: str, arguments: Sequence[str] | None = None) -> int:
    """Command line of one figure, ``python -m figures.NAME DIR [--dest FOLDER]``; returns the exit code."""
    row = FIGURES[name]
    parser = argparse.ArgumentParser(prog=f"python -m figures.{name}", description=row.description)
    parser.add_argument("directory", metavar="DIR", type=Path, help="results directory")
    parser.add_argument("--dest", metavar="FOLDER", type=Path, help="folder of the pictures; DIR/figures if not given")
    given = parser.parse_args(arguments)
    try:
        paths = plots.save(row.draw(given.directory), given.dest or given.directory / "figures", name)
    except NothingToDraw as reason:
        print(f"{given.directory}: figure {name} not drawn: {reason}", file=sys.stderr)
        return 2
    for path in paths:
        print(path)
    return 0
