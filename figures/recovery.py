"""Recovered results of DDC macros against direct convolution, and what errors of the read path do to results."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import fcc, functional, plots
from analysis.architecture import DESIGNS, Design
from analysis.errors import FILE
from analysis.functional import ReadErrors
from analysis.workloads import Layer

LAYER = Layer("synthetic", "pointwise", 1, 64, 4, 4, 32, 1, 1)
"""Layer that is run: 512 results of 64 products each."""
DDC = next(design for design in DESIGNS if design.outputs == 2)
"""Design that recovers."""
SEED = 1
DRAWS = 8
"""Arrays of cells whose errors are drawn at each rate."""
KINDS = ("missed", "false")
"""Errors of a read that are drawn."""
RATES = (1e-3, 1e-2, 1e-1)
"""Rates of errors of a read [1]."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no error rates are stored."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, ("cycle_min", "cycle_max"), FILE)
        rates = stored.load()
    at = plots.reference_condition(rates)
    weights, inputs = _operands()
    paired = _stored(DDC, weights)
    found = functional.run(LAYER, inputs, paired, DDC).outputs
    direct = _direct(paired.weights(), inputs)
    caption = (
        f"{plots.provenance(rates, at)} {LAYER.inputs_per_window} inputs, {LAYER.filters} filters, {LAYER.windows} "
        f"windows, 8 bits; SYNTHETIC normal weights and uniform inputs. Left: dots, direct convolution with the paired "
        f"weights; crosses, with the weights before pairing, not retrained. Right: root mean square error over that of "
        f"the results; cells that err, at every read, drawn {DRAWS} times. Missed: an output that is due stays "
        f"low; false: one rises that is not due. Dotted: {_reached(rates.sel(at.where))}."
    )
    noise = _noises(weights, inputs)
    worst = max(noise[DDC.name, kind][0] for kind in KINDS)
    title = f"{(found == direct).sum()} of {direct.size} recovered results equal the direct convolution; "
    title += f"cells that err with probability {RATES[0]:g} cost {100 * worst:.2g} %"
    figure = plots.new_figure(4.2, title, caption)
    left, right = figure.subplots(1, 2)
    _identity(left, found, direct, _direct(weights, inputs))
    for (name, kind), look in zip(noise, plots.LOOKS, strict=False):
        right.plot(RATES, noise[name, kind], color=look.color, linestyle=look.linestyle, marker=look.marker,
                   label=f"{name}, {kind}")  # fmt: skip
    right.axvline(rates.attrs["rate"], color=plots.DARK, linewidth=0.8, linestyle=":")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("rate of errors of a read [1]")
    right.set_ylabel("error of results, rms over rms [1]")
    right.legend(loc="best")
    return figure


def _operands() -> tuple[np.ndarray, np.ndarray]:
    """Synthetic weights and inputs."""
    rng = np.random.default_rng(SEED)
    weights, _ = fcc.quantize(rng.normal(size=(LAYER.filters, LAYER.inputs_per_window)))
    return weights, rng.integers(0, 256, (LAYER.batch, LAYER.channels, LAYER.height, LAYER.width))


def _direct(weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Direct 1 x 1 convolution."""
    return np.tensordot(inputs, weights, (1, 1)).transpose(0, 3, 1, 2)


def _stored(design: Design, weights: np.ndarray) -> fcc.Stored:
    """What the cells of a design hold."""
    return fcc.plain(weights) if design.outputs == 1 else fcc.complementary(weights, fcc.matched(weights))


def _identity(ax: Axes, found: np.ndarray, direct: np.ndarray, before: np.ndarray) -> None:
    """Recovered results over direct ones."""
    ax.plot(before.ravel(), found.ravel(), "x", color=plots.CLOUD, markersize=3.0, label="weights before pairing")
    ax.plot(direct.ravel(), found.ravel(), "o", color="black", markersize=2.0, label="paired weights")
    ax.axline((0, 0), slope=1, color="0.5", linewidth=0.8, zorder=0)
    plots.label_axis(ax.xaxis, "direct convolution", "1")
    plots.label_axis(ax.yaxis, "recovered by the macro", "1")
    ax.legend(loc="best")


def _noises(weights: np.ndarray, inputs: np.ndarray) -> dict[tuple[str, str], list[float]]:
    """Design and kind of error to the root mean square error of results over that of the results [1], by rate."""
    found = {}
    for design in DESIGNS:
        stored = _stored(design, weights)
        exact = functional.run(LAYER, inputs, stored, design).outputs
        for kind in KINDS:
            errors = [ReadErrors(**{kind: rate}, fixed=True) for rate in RATES]
            changes = [_with_errors(design, stored, inputs, one) - exact for one in errors]
            found[design.name, kind] = [float(np.sqrt(np.mean(c**2.0) / np.mean(exact**2.0))) for c in changes]
    return found


def _with_errors(design: Design, stored: fcc.Stored, inputs: np.ndarray, errors: ReadErrors) -> np.ndarray:
    """Results with errors, shape ``(draw, image, filter, row, column)``."""
    generators = [np.random.default_rng([SEED, i]) for i in range(DRAWS)]
    return np.array([functional.run(LAYER, inputs, stored, design, errors=errors, rng=g).outputs for g in generators])


def _reached(here: xr.Dataset) -> str:
    """What the failure rate of the run asks of the cycle."""
    ends = [float(here[name]) for name in ("cycle_min", "cycle_max")]
    known = [f"{word} {plots.quantity(end, 's')}" for word, end in zip(("from", "to"), ends, strict=True) if end == end]
    return f"{here.attrs['rate']:g}, which this column keeps at cycles {' '.join(known) or 'that are not known'}"


if __name__ == "__main__":
    sys.exit(figures.main("recovery"))
