"""The shared look of all figures: a style that reads in grey, axes with units, captions with conditions, files.

Nothing here touches matplotlib's global state for longer than a ``with`` block, and nothing opens a window.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from analysis import statistics
from analysis.column import nearest
from charlib.arrays import SAMPLE
from charlib.conditions import OPTIONAL
from charlib.directory import write_whole
from charlib.tables import rows_of
from netlists import technology
from netlists.setting import moved
from netlists.technology import TechnologyError

ROOM_TEMPERATURE = 298.15
"""Temperature that figures prefer [K]: 25 degC, the default of run files."""
ZERO_CELSIUS = 273.15
"""0 degC [K]."""
DPI = 120
"""Resolution of PNG files [1/inch]."""
CLOUD_DPI = 90
"""Resolution of the rasterized clouds inside SVG files [1/inch]; as vectors they would be half a megabyte."""
FORMATS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {"svg": {"dpi": CLOUD_DPI, "metadata": {"Date": None}}, "png": {"dpi": DPI, "pil_kwargs": {"optimize": True}}}
)
"""Kind of file to how it is saved; no date, so that the same figure gives the same file."""
WIDTH = 7.2
"""Width of every figure [inch]: a double column."""
SMALL = 7.5
"""Size of captions and of notes inside axes [pt]."""

STYLE: Mapping[str, object] = MappingProxyType(
    {
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
        "font.size": 9.0,
        "axes.titlesize": 9.0,
        "axes.labelsize": 9.0,
        "figure.titlesize": 11.0,
        "figure.titleweight": "bold",
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8.0,
        "legend.frameon": False,
        "legend.handlelength": 2.6,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.5,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": "0.9",
        "grid.linewidth": 0.6,
        "hatch.linewidth": 0.6,
        "svg.fonttype": "path",
        "svg.hashsalt": "pimchar",
    }
)
"""Settings in force while a figure is drawn and saved."""


@dataclass(frozen=True)
class Look:
    """How one series is told from the others, in colour and in grey."""

    color: str
    linestyle: str | tuple[float, tuple[float, ...]]
    marker: str


LOOKS: tuple[Look, ...] = (
    Look("0.0", "-", "o"),
    Look("#d55e00", (0, (5, 1.5)), "^"),
    Look("#0072b2", (0, (6, 1.5, 1, 1.5)), "s"),
    Look("#009e73", (0, (1.2, 1.2)), "D"),
    Look("#cc79a7", (0, (3, 1, 1, 1, 1, 1)), "v"),
)
"""Series in the order they are drawn: the colours of Okabe and Ito, each with a line style and a marker of its own."""

LIGHT, DARK, CLOUD = "0.78", "0.25", "0.6"
"""Fills of the first and the second of two things compared, and Monte Carlo clouds, as grey levels."""


class NothingToDraw(ValueError):
    """The results hold nothing that a figure could show; the message says what is missing."""


@contextmanager
def style() -> Iterator[None]:
    """Settings of :data:`STYLE`, taken back at the end."""
    with mpl.rc_context(dict(STYLE)):
        yield


@dataclass(frozen=True)
class Condition:
    """One point of the grid: process corner, supply [V], temperature [K]; by axis, if any, offsets [V] and rows."""

    process: str
    vdd: float
    temp: float
    offsets: Mapping[str, float] = field(default_factory=dict)

    @property
    def where(self) -> dict[str, str | float]:
        """Argument of ``Dataset.sel``."""
        return {"process": self.process, "vdd": self.vdd, "temp": self.temp, **self.offsets}

    def level(self, line: str) -> float:
        """Level [V] of ``wl`` that is on, of precharged ``bl``, of the supply of ``cell``."""
        return moved(self.vdd, self.offsets.get(f"dv_{line}", 0.0))

    def level_text(self, line: str) -> str:
        """The same for a caption.

        >>> Condition("tt", 0.9, 298.15, {"dv_wl": -0.1}).level_text("wl")
        '(VDD - 0.1 V)'
        """
        offset = self.offsets.get(f"dv_{line}", 0.0)
        return f"(VDD {'-' if offset < 0 else '+'} {abs(offset):g} V)" if offset else "VDD"

    @property
    def read_text(self) -> str:
        """Where word line and bit lines are at a read, for a caption."""
        wordline, lines = self.level_text("wl"), self.level_text("bl")
        same = f"word line and bit lines at {lines}"
        return same if wordline == lines else f"word line at {wordline}, bit lines at {lines}"

    def __str__(self) -> str:
        return f"{self.process}, VDD {self.vdd:g} V, {celsius(self.temp)}{offsets_text(self.offsets)}"


def offsets_text(offsets: Mapping[str, float]) -> str:
    """Offsets [V] and rows to go on with after a condition.

    >>> offsets_text({"dv_wl": -0.1, "rows": 64}), offsets_text({})
    (', dv_wl -0.1 V, 64 rows', '')
    """
    return "".join(
        f", {value:g} rows" if axis == "rows" else f", {axis} {value:g} V" for axis, value in offsets.items()
    )


def celsius(temp: float) -> str:
    """A temperature [K] as text.

    >>> celsius(298.15)
    '25 °C'
    """
    return f"{temp - ZERO_CELSIUS:g} °C"


def reference_condition(data: xr.Dataset) -> Condition:
    """The grid point that single-condition figures show: tt, nominal supply, 25 degC, no offset, or what is nearest.

    Without tt the first process; without a technology of the recorded name the highest supply.
    """
    processes = [str(p) for p in np.atleast_1d(data["process"].values)]
    vdds, temps = np.atleast_1d(data["vdd"].values), np.atleast_1d(data["temp"].values)
    return Condition(
        process="tt" if "tt" in processes else processes[0],
        vdd=nearest(vdds, _nominal_supply(data, vdds.max())),
        temp=nearest_temperature(temps),
        offsets=nearest_offsets(data),
    )


def nearest_offsets(data: xr.Dataset) -> dict[str, float]:
    """What is nearest to no offset [V] and to the read path's rows on each optional axis that a Dataset has."""
    grids = {axis: data[axis].values for axis in OPTIONAL if axis in data.dims}
    usual = {axis: rows_of(data) if axis == "rows" else 0.0 for axis in grids}
    return {axis: nearest(grid, usual[axis]) for axis, grid in grids.items()}


def nearest_temperature(temps: np.ndarray) -> float:
    """Temperature of a grid [K] that is nearest to 25 degC."""
    return nearest(temps, ROOM_TEMPERATURE)


def _nominal_supply(data: xr.Dataset, otherwise: float) -> float:
    """Nominal supply [V] of the technology that a Dataset names."""
    try:
        return technology.load(str(data.attrs.get("technology"))).vdd_nominal
    except TechnologyError:
        return otherwise


def samples(data: xr.Dataset) -> int:
    """Monte Carlo samples of a run; 0 for the nominal cell alone, also where nothing was drawn for its samples."""
    attrs = data.attrs
    drawn = attrs.get("local_variation") != "False" or not str(attrs.get("global_law", "none")).startswith("none")
    return int(attrs.get("samples", 0)) if drawn else 0


def chosen_metrics(data: xr.Dataset, most: int) -> tuple[list[str], str]:
    """Metrics that a figure with a panel for each has room for, and a sentence about those left out, or nothing.

    Metrics with a limit of their own come first, then the order of the results.
    """
    names = statistics.primary_metrics(data)
    order = sorted(names, key=lambda name: not np.isfinite(data[name].attrs.get("fail_limit", np.nan)))
    left_out = ", ".join(order[most:])
    return order[:most], f" Not drawn for want of room: {left_out}." if left_out else ""


def reference_samples(data: xr.Dataset, most: int) -> tuple[xr.Dataset, Condition, list[str], str]:
    """Samples of a single-condition figure: the part of the results, its condition, and :func:`chosen_metrics`.

    Raises:
        NothingToDraw: no Monte Carlo samples.
    """
    if not samples(data):
        raise NothingToDraw("the run has no Monte Carlo samples")
    condition, (names, left_out) = reference_condition(data), chosen_metrics(data, most)
    return statistics.select(data, names).sel(condition.where), condition, names, left_out


def panels(figure: Figure, count: int, columns: int = 3, **shared: object) -> list[Axes]:
    """Axes of ``count`` panels, row by row; ``shared`` goes to ``Figure.subplots``."""
    rows = -(-count // columns)
    axes = figure.subplots(rows, min(columns, count), squeeze=False, **shared).ravel()
    for unused in axes[count:]:
        unused.remove()
    return list(axes[:count])


def provenance(data: xr.Dataset, condition: Condition | str, shown: str = "") -> str:
    """First sentence of a caption: technology, condition, samples, seed, simulator.

    Args:
        data: results with the attributes of a run.
        condition: one condition, or text for several.
        shown: what of the samples the figure shows, such as ``"first 50 drawn"``.
    """
    count = samples(data)
    drawn = f" ({shown})" if shown and count else ""
    many = "samples" if count > 1 else "sample"
    cells = f"{count} Monte Carlo {many}{drawn}, seed {data.attrs.get('seed')}" if count else "nominal cell only"
    name, version = data.attrs.get("technology", "unknown technology"), data.attrs.get("ngspice_version", "?")
    return f"{name}, {condition}; {cells}; ngspice {version}."


def read(path: Path, group: str | None = None) -> xr.Dataset:
    """A NetCDF file, of which what is asked for is read then, and not kept; without the coordinate of the samples.

    Raises NothingToDraw where file or group is missing or unreadable.
    """
    what = f"{path.name}, group {group}," if group else path.name
    if not path.is_file():
        raise NothingToDraw(f"{path.name} is missing")
    try:
        return xr.open_dataset(path, group=group, engine="netcdf4", cache=False, drop_variables=SAMPLE)
    except (OSError, ValueError, KeyError) as error:
        if group and "group not found" in str(error):
            raise NothingToDraw(f"{path.name} has no group {group}: the run did not ask for it") from error
        raise NothingToDraw(f"{what} is missing or not readable ({_first_line(error)})") from error


def curves(folder: Path, group: str, condition: Condition, names: Sequence[str]) -> xr.Dataset:
    """Curves of one testbench at a condition, samples and nominal; raises NothingToDraw where they are missing.

    Args:
        folder: results directory.
        group: testbench. names: its probes.
    """
    with read(folder / "curves.nc", group) as stored:
        wanted = [f"{name}{end}" for name in names for end in ("", "_nominal")]
        require(stored, tuple(wanted), f"curves.nc, group {group},")
        found = stored[wanted].sel(condition.where).load()
    if not all(np.isfinite(found[f"{name}_nominal"]).all() for name in names):
        raise NothingToDraw(f"{group} has no nominal curves at {condition}")
    return found


def readable(groups: Iterable[str], read_one: Callable[[str], xr.Dataset]) -> tuple[dict[str, xr.Dataset], list[str]]:
    """Those of some testbenches whose curves can be read, and why each of the others cannot."""
    found, reasons = {}, []
    for group in groups:
        try:
            found[group] = read_one(group)
        except NothingToDraw as reason:
            reasons.append(str(reason))
    return found, reasons


def cloud(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Thin lines of Monte Carlo samples behind what else is drawn, interrupted where a number is missing.

    Args:
        x, y: shape (sample, point).
    """
    lines = list(np.stack([x, y], axis=-1))
    axes.add_collection(LineCollection(lines, colors=CLOUD, linewidths=0.4, alpha=0.6, rasterized=True, zorder=1))


def read_csv(path: Path) -> pd.DataFrame:
    """A table; raises NothingToDraw where the file is missing, unreadable or without rows."""
    if not path.is_file():
        raise NothingToDraw(f"{path.name} is missing")
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise NothingToDraw(f"{path.name} is not readable ({_first_line(error)})") from error
    if frame.empty:
        raise NothingToDraw(f"{path.name} has no rows")
    return frame


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def require(data: xr.Dataset, names: tuple[str, ...], where: str) -> None:
    """Raise NothingToDraw unless every variable is in the Dataset."""
    missing = [name for name in names if name not in data]
    if missing:
        raise NothingToDraw(f"{where} has no {', '.join(missing)}")


def new_figure(height: float, title: str, caption: str) -> Figure:
    """An empty figure with its message on top and its caption below, both left-aligned.

    Args:
        height: [inch].
        title: the one message.
        caption: conditions, counts and what the marks mean; wrapped to the width.
    """
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.04, hspace=0.05)
    figure.suptitle(_wrap(title, mpl.rcParams["figure.titlesize"] * 1.15), x=0.012, ha="left")  # bold is wider
    figure.supxlabel(_wrap(caption, SMALL), x=0.012, ha="left", fontsize=SMALL, color="0.2",
                     linespacing=1.35)  # fmt: skip
    return figure


def _wrap(text: str, size: float) -> str:
    """Text in lines that fit the figure's width at a font size [pt]; DejaVu Sans is 0.53 em wide on average."""
    return "\n".join(textwrap.wrap(text, int(0.976 * WIDTH * 72 / (0.53 * size))))


def label_axis(axis: Axis, name: str, unit: str, log: bool = False) -> None:
    """Label an axis ``name [unit]`` with the SI prefix that suits its limits; data and limits stay in SI.

    Call it when the limits are final. ``unit`` is one that takes a prefix, or ``1`` for plain numbers.
    """
    low, high = sorted(np.abs(axis.get_view_interval()))
    exponent = 0 if unit == "1" else prefix_exponent(low if log else high)
    axis.set_label_text(f"{name} [{EngFormatter.ENG_PREFIXES[exponent]}{unit}]")
    if log:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=20))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    scaled = FuncFormatter(lambda value, _: f"{value / 10.0**exponent:.6g}")
    axis.set_major_formatter(EngFormatter() if unit == "1" else scaled)


def prefix_exponent(size: float) -> int:
    """Power of ten of the SI prefix for numbers up to ``size``; 0 where that is no number."""
    if not np.isfinite(size) or size <= 0:
        return 0
    known = EngFormatter.ENG_PREFIXES
    return int(np.clip(3 * np.floor(np.log10(size * (1 + 1e-9)) / 3), min(known), max(known)))


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """A number with its unit and SI prefix, for labels inside axes.

    >>> quantity(0.21345, "V"), quantity(1.5e-11, "s"), quantity(1.0, "V")
    ('213 mV', '15 ps', '1 V')
    """
    return EngFormatter(unit)(float(f"{value:.{digits}g}"))


def label_point(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    ha: str = "left",
    weight: str = "normal",
) -> None:
    """Small text on a white ground beside a point.

    Args:
        at: the point, in data. offset: from there [pt]. ha: side of the text that lies there. weight: of the font.
    """
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}
    axes.annotate(text, at, offset, textcoords="offset points", ha=ha, va="center", fontsize=SMALL, fontweight=weight,
                  bbox=box, zorder=9)  # fmt: skip


def legend_row(axes: Axes, handles: Sequence[Artist], columns: int, title: str | None = None) -> None:
    """Turn an axes of its own into a legend over the figure's width."""
    axes.set_axis_off()
    axes.legend(
        handles=list(handles), loc="center", ncols=columns, mode="expand", borderaxespad=0.0, title=title,
        title_fontsize=8.0, alignment="left",
    )  # fmt: skip


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``folder/name.svg`` and ``folder/name.png``, each whole; the same figure gives the same SVG.

    Returns:
        The two paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind, options in FORMATS.items():
        path = folder / f"{name}.{kind}"
        with style():
            write_whole(path, lambda p, k=kind, o=options: figure.savefig(p, format=k, **o))
        paths.append(path)
    return paths
