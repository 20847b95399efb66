"""What ``pimchar network --headlines`` shows: published figures beside ours, and what each assumption makes of ours."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import pandas as pd

from analysis import headlines as model
from analysis.network import BASELINE, DDC
from analysis.silicon import MEGABIT
from pimchar.chain import HEADLINES, Headlines
from pimchar.render import WIDTH, table

PER_MM2 = 1e-6 / MEGABIT
"""Megabits per square millimetre of a density [m-2]."""
SHARES = (0.26, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Shares at which the curve is shown [1]; the CSV has all."""


def headlines(found: Headlines) -> str:
    """Tables of the headline figures of a directory, with what is assumed."""
    parts = (_summary(found), _sensitivities(found.speedups), _explained(found.speedups), _curve(found.curve))
    return "\n\n".join((*parts, _silicon(found), f"all columns: {', '.join(HEADLINES.values())}"))


def _fill(text: str) -> str:
    return textwrap.fill(text, WIDTH)


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _summary(found: Headlines) -> str:
    """Ours beside the published figure for each network, all as assumed."""
    head = (
        f"Headlines of DDC-PIM ({model.SOURCE}) beside what the mechanism gives, at {found.condition}. Same "
        "assumptions for both networks, no factor fitted: docs/network.md. Speed-up: cycles of the baseline (same "
        "macro, Q alone) over those of DDC, writing of weights included. Bound: depthwise layers at no cost, all "
        f"others at {model.BOUND:g}. Needed: gain of depthwise layers for the published figure, all others there"
    )
    rows = [
        (
            row["network"],
            f"{row['published']:.2f}",
            f"{row['speedup']:.2f}",
            f"{row['speedup'] / row['published']:.2f}",
            f"{row['bound']:.2f}",
            _percent(row["share"]),
            f"{row['gain_depthwise']:.2f}",
            f"{row['gain_others']:.2f}",
            f"{row['gain_needed']:.1f}",
        )
        for row in found.speedups[found.speedups["assumption"] == model.AS_ASSUMED.what].to_dict("records")
    ]
    headers = ("network", "published", "ours", "ours/published", "bound", "depthwise share", "depthwise gain", "others")
    return f"{_fill(head)}\n\n{table((*headers, 'needed'), rows)}"


def _sensitivities(speedups: pd.DataFrame) -> str:
    """Speed-up of all cycles with one assumption replaced at a time; beside it where it comes from."""
    each = {name: own.to_dict("records") for name, own in speedups.groupby("network", sort=False)}
    rows = [
        (
            together[0]["assumption"],
            together[0]["value"],
            *(cell for row in together for cell in _cells(row)),
        )
        for together in zip(*each.values(), strict=True)
    ]
    headers = [header for name in each for header in (name, "share", "depthwise")]
    title = "One assumption replaced at a time: speed-up, depthwise share of the baseline's cycles and depthwise gain"
    return f"{title}\n\n{table(('assumption', 'replaced by', *headers), rows)}"


def _cells(row: dict[str, Any]) -> tuple[str, str, str]:
    return f"{row['speedup']:.2f}", _percent(row["share"]), f"{row['gain_depthwise']:.2f}"


def _explained(speedups: pd.DataFrame) -> str:
    """Which single assumption comes nearest to the published figures."""
    near = model.explained(speedups)
    best, names = near.iloc[0], [name for name in model.PUBLISHED if name in near]
    numbers = ", ".join(f"{name} {best[name]:.2f} ({model.PUBLISHED[name]:.2f} published)" for name in names)
    return _fill(
        f"Nearest to both with one assumption replaced: {best['assumption']}, {best['value']}: {numbers}; "
        f"{_percent(best['off'])} off at most. No assumption here was chosen for that"
    )


def _curve(curve: pd.DataFrame) -> str:
    """Some points of the curve that meets each headline; a dash where no gain is enough."""
    rows = []
    for name, own in curve.groupby("network", sort=False):
        gains, speedup = dict(zip(own["share"].round(6), own["gain"], strict=True)), own["published"].iloc[0]
        shown = [f"{gains[share]:.1f}" if share in gains else "-" for share in SHARES]
        rows.append((name, f"{speedup:.2f}", _percent(model.least_share(speedup)), *shown))
    title = (
        "Depthwise gain that meets the published figure, over the depthwise share of the baseline's cycles, all others "
        f"at {model.BOUND:g}"
    )
    headers = ("network", "published", "least share", *(f"{100 * share:.0f} %" for share in SHARES))
    return f"{_fill(title)}\n\n{table(headers, rows)}"


def _silicon(found: Headlines) -> str:
    """Density and area efficiency over those of published macros, and of both designs over each other."""
    silicon = found.silicon
    head = (
        f"Weight density and area efficiency over published macros; DDC-PIM states up to {model.PUBLISHED_DENSITY}x "
        f"and {model.PUBLISHED_AREA_EFFICIENCY}x over comparators that are not known, so these stand beside and are "
        "not reproduced. Density: weight bits per area of a macro without buffers, two a cell for DDC. Efficiency: "
        "one-bit operations per second and area, ours at the supply next to the published one. Scaled: theirs carried "
        "to our node, area with its square. Mb: 2^20 bits; -: not published"
    )
    known = silicon[["density_ratio", "area_efficiency_ratio"]].notna().any(axis=1)
    rows = [
        (
            row["macro"],
            f"{row['node'] * 1e9:.0f} nm",
            f"{row['published_vdd']:g} V",
            f"{row['vdd']:g} V",
            row["design"],
            *(_cell(row[key] * PER_MM2) for key in ("published_density", "density")),
            *(_cell(row[key]) for key in ("density_ratio", "density_carried_ratio")),
            *(_cell(row[key]) for key in ("published_area_efficiency", "area_efficiency")),
            *(_cell(row[key]) for key in ("area_efficiency_ratio", "area_efficiency_carried_ratio")),
        )
        for row in silicon[known].to_dict("records")
    ]
    headers = ("macro", "node", "its VDD", "our VDD", "design", "Mb/mm2", "ours", "ratio", "scaled", "TOPS/mm2", "ours")
    others = ", ".join(silicon.loc[~known, "macro"].unique())
    before, after = (found.macro.sel(design=design) for design in (BASELINE, DDC))
    density, efficiency = (float(after[key] / before[key]) for key in ("weight_density", "tops_per_mm2"))
    last = (
        f"DDC over our own baseline at {found.condition}: density {density:.2f}, area efficiency {efficiency:.2f}. "
        f"Neither figure is known of {others}"
    )
    return f"{_fill(head)}\n\n{table((*headers, 'ratio', 'scaled'), rows)}\n\n{_fill(last)}"
