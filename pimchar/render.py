"""What the commands show: results as text for a terminal."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence

import pandas as pd
import xarray as xr
from matplotlib.ticker import EngFormatter
from tabulate import tabulate

import charlib
from charlib import METRICS, corners, devices, ngspice, tables
from charlib.conditions import OPTIONAL
from netlists import technology
from netlists.variation import MismatchLaw
from pimchar.runschema import ZERO_CELSIUS

WIDTH = 100
"""Width that paragraphs are wrapped to [characters]."""

SOURCE_WIDTH = 48
"""Width of a column of sources [characters]."""

PER_MICROMETRE = {
    "A/m": (1e-6, "A/um"),
    "F/m": (1e-6, "F/um"),
    "ohm/m": (1e-6, "ohm/um"),
    "F/m2": (1e-12, "F/um2"),
    "m2": (1e12, "um2"),
}
"""Unit to the factor and the unit it is shown in, where prefixes alone would not give the field's units."""


def quantity(value: float, unit: str) -> str:
    """A number with an SI prefix and its unit, four significant digits; a dash for a number that does not exist.

    The unit is one that takes a prefix (V, A, s, J, W, ...) or ``1`` for a plain number.

    >>> quantity(0.18234, "V"), quantity(float("nan"), "V"), quantity(3.2, "1"), quantity(1020.0, "A/m")
    ('182.3 mV', '-', '3.2', '1.020 mA/um')
    """
    if not math.isfinite(value):
        return "-" if math.isnan(value) else f"{value:+}"
    factor, unit = PER_MICROMETRE.get(unit, (1.0, unit))
    value = float(f"{value * factor:.3e}")
    if unit in ("1", "um2"):
        return f"{value:.4g} {unit}".removesuffix(" 1")
    places = 0 if value == 0 else 3 - math.floor(math.log10(abs(value))) % 3
    return EngFormatter(unit=unit, places=places)(value)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], widths: Sequence[int | None] | None = None) -> str:
    """Rows under headers; a column of numbers is aligned to the right, one with a width is wrapped."""
    cells = [[str(cell) for cell in row] for row in rows]
    align = ["right" if all(map(_numeric, column)) else "left" for column in zip(*cells, strict=True)]
    return tabulate(cells, headers=headers, colalign=align or None, disable_numparse=True, maxcolwidths=widths)


def _numeric(cell: str) -> bool:
    return cell == "-" or re.fullmatch(r"[+\-\N{MINUS SIGN}]?\d[\d.]*( \S+)?", cell) is not None


def condition_cells(process: object, vdd: float, temp: float, **optional: float) -> list[str]:
    """Cells of a condition; temp in [K] is shown in degC, optional axes in their units."""
    return [str(process), f"{vdd:g} V", celsius(temp), *(axis_cell(axis, value) for axis, value in optional.items())]


def axis_cell(axis: str, value: float) -> str:
    """A value of an optional axis with its unit."""
    return f"{value:g} {OPTIONAL[axis][0]}".removesuffix(" 1")


def celsius(temp: float) -> str:
    """A temperature [K] in degC."""
    return f"{round(temp - ZERO_CELSIUS, 6):g} degC"


def technologies() -> str:
    """What is at hand and what could be installed: ranges, licence, citation of every technology."""
    outlines = [technology.outline(full) for name in technology.available() for full in technology.flavours(name)]
    rows = [
        (t.name, "yes" if t.installed else "no", f"{t.vdd_range[0]:g}..{t.vdd_range[1]:g} V", t.licence, t.description)
        for t in outlines
    ]
    listed = table(("technology", "installed", "vdd", "licence", "description"), rows, [*[None] * 4, WIDTH - 62])
    cited = {t.name.partition("/")[0]: t.citation for t in outlines}
    absent = sorted({t.package for t in outlines if not t.installed})
    lines = [_paragraph(f"{name}: {citation}") for name, citation in cited.items()]
    lines += [f"not installed; to install: pimchar tech install {name}" for name in absent]
    return "\n".join([listed, "", *lines])


def technology_sheet(name: str) -> str:
    """A technology: what it is, its ranges, devices and assumptions, where its corners lie, and its targets.

    Corners are measured where its models are installed; only they and targets need the simulator.
    """
    tech = technology.outline(name)
    low, high = (round(t - ZERO_CELSIUS, 6) for t in tech.temp_range)
    facts = {
        "technology": f"{tech.name}: {tech.description}",
        "installed": "yes" if tech.installed else f"no; pimchar tech install {tech.package}",
        "simulator": simulator_problem(tech),
        "citation": tech.citation,
        "licence": tech.licence,
        "not claimed": tech.claims_not,
        "range": f"vdd {tech.vdd_range[0]:g}..{tech.vdd_range[1]:g} V, {low:g}..{high:g} degC, {', '.join(tech.cards)}",
        "nominal": f"vdd {tech.vdd_nominal:g} V, bit cell {quantity(tech.geometry.cell_area, 'm2')}",
        **{f"assumed {i}": statement for i, statement in enumerate(tech.assumed, start=1)},
    }
    parts = ["\n".join(_paragraph(f"{key}: {text}") for key, text in facts.items() if text), _devices(tech)]
    if tech.global_law and tech.installed:
        parts.append(_corners(technology.load(name)))
    if tech.targets:
        parts.append(targets(devices.compare(technology.load(name))))
    return "\n\n".join(parts)


def simulator_problem(tech: technology.Technology) -> str:
    """What this machine's simulator lacks for a technology's compiled models; empty where it lacks nothing."""
    try:
        ngspice.check_models(tech.osdi)
    except charlib.SimulatorMissing as error:
        return str(error)
    return ""


def _devices(tech: technology.Technology) -> str:
    """Each role's model, default size and local variation."""
    widths = {"pd": tech.w_pd, "pu": tech.w_pu, "pg": tech.w_pg, "n": tech.w_n, "p": tech.w_p}
    rows = []
    for role, device in tech.devices.items():
        law = f"{device.avt * 1e9:.4g} mV um ({device.avt_of})"
        sizes = (f"{length * 1e9:.4g} nm" for length in (widths[role], tech.length))
        further = ", ".join(_law(law) for law in device.mismatch) or "-"
        sigma = quantity(device.sigma_vth(widths[role], tech.length), "V")
        rows.append((role, device.model, *sizes, law, sigma, further))
    return table(("device", "model", "W", "L", "AVT", "sigma Vth", "besides"), rows)


def _law(law: MismatchLaw) -> str:
    """Coefficient of a further mismatch law, in percent or in the parameter's unit, times micrometre."""
    per = (
        f"{1e8 * law.coefficient:.4g} % um"
        if law.relative
        else f"{1e6 * law.coefficient:.4g} um in units of {law.parameter}"
    )
    return f"{law.name} {per} ({law.of})"


def _corners(tech: technology.Technology) -> str:
    """Each corner's threshold shifts and its distance on the ellipse of global variation."""
    law = tech.global_law
    head = f"global variation: sigma |Vth| {quantity(law.sigma_n, 'V')} (n), {quantity(law.sigma_p, 'V')} (p), "
    head += f"correlation {law.correlation:g}; {law.source}"
    rows = [
        (row.process, quantity(row.shift_n, "V"), quantity(row.shift_p, "V"), f"{row.distance:.2f}")
        for row in corners.corners(tech)
    ]
    shown = table(("corner", "shift of |Vth|, n", "shift of |Vth|, p", "distance [sigma]"), rows)
    return f"{_paragraph(head)}\n\n{shown}"


def _paragraph(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="    ")


def targets(comparisons: Sequence[devices.Comparison]) -> str:
    """Targets beside what the cards give."""
    rows = [
        (
            row.key,
            quantity(row.target, row.unit),
            quantity(row.value, row.unit),
            f"{100 * row.deviation:+.2f} %",
            f"{100 * row.tolerance:.3g} %",
            "met" if row.within else "MISSED",
            row.source,
        )
        for row in comparisons
    ]
    headers = ("figure", "target", "card", "deviation", "tolerance", "", "source")
    return table(headers, rows, [*[None] * 6, SOURCE_WIDTH])


def reproduction(metric: str, found: charlib.Reproduction) -> str:
    """A stored sample beside the same one run alone, and where its deck and waveforms are."""
    rows = [
        (which, quantity(value, found.unit), repr(value), status.name)
        for which, value, status in (
            ("stored", found.stored, found.stored_status),
            ("alone", found.again, found.again_status),
        )
    ]
    verdict = "identical in every bit" if found.identical else "DIFFERENT"
    shown = table((metric, "value", f"in {found.unit}, all digits", "status"), rows)
    return f"{shown}\n\n{verdict}; by hand: cd {found.folder} && ngspice -b deck.cir"


def lookup_tables(data: xr.Dataset) -> str:
    """The grid of the tables, each metric's range, sample counts and interpolation error, and where to refine."""
    axes = {"vdd": "V", "temp": "K"} | {axis: unit for axis, (unit, _) in OPTIONAL.items() if axis in data.dims}
    grid = [f"process {', '.join(map(str, data['process'].values))}"]
    listed = {axis: ", ".join(f"{value:g}" for value in data[axis].values) for axis in axes}
    grid += [f"{axis} {listed[axis]} {unit}".removesuffix(" 1") for axis, unit in axes.items()]
    names = [name for name in METRICS if name in data]
    rows = [
        (
            name,
            quantity(float(data[name].min()), data[name].attrs["units"]),
            quantity(float(data[name].max()), data[name].attrs["units"]),
            *(int(data[f"{name}_{count}"].sum()) for count in ("n_ok", "n_failed", "n_unknown")),
            data[name].attrs.get("interpolation", "-"),
            *(_percent(float(data[name].attrs.get(f"left_out_error_{axis}", math.nan))) for axis in axes),
            data[name].attrs["long_name"],
        )
        for name in names
    ]
    headers = ("metric", "smallest", "largest", "ok", "failed", "unknown", "scale", *axes, "meaning")
    note = f"{', '.join(axes)}: largest error of the interpolation with one inner point left out; samples summed"
    more = "".join(f"\n{_refinement(r, axes[r.axis])}" for r in tables.refinements(data))
    return f"{'; '.join(grid)}\n{note}\n\n{table(headers, rows)}{more and chr(10)}{more}"


def _refinement(found: tables.Refinement, unit: str) -> str:
    """A line that says where more points are worth their time."""
    worst = ", ".join(f"{name} {_percent(error)}" for name, error in found.errors.items())
    points = f"{', '.join(f'{p:g}' for p in found.points)} {unit}".removesuffix(" 1")
    return f"refine {found.axis}: above {_percent(tables.REFINE)} are {worst}; points to add: {points}"


def _percent(ratio: float) -> str:
    return "-" if math.isnan(ratio) else f"{100 * ratio:.2g} %"


def network(frame: pd.DataFrame) -> str:
    """Every network, design and condition: ``frame`` has the rows of network.csv."""
    order = ["network", "process", "vdd_v", "temp_k", "design"]
    frame = frame.sort_values(order, kind="stable", key=lambda column: pd.factorize(column)[0])
    rows = [
        [row["network"], row["design"], *condition_cells(row["process"], row["vdd_v"], row["temp_k"])]
        + [quantity(row["latency_s"], "s"), quantity(row["energy_j"], "J"), f"{row['cycles']:.0f}"]
        + [f"{row['speedup']:.2f}", f"{row['speedup_with_load']:.2f}", f"{100 * row['utilization']:.1f} %"]
        for row in frame.to_dict("records")
    ]
    headers = ("network", "design", "process", "vdd", "temp", "latency", "energy", "cycles")
    note = "speed-up in cycles of computation over the baseline, and with the writing of weights"
    return f"{note}\n\n{table((*headers, 'speed-up', 'with load', 'utilization'), rows)}"
