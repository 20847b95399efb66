"""Least-squares fit of predictive28's transistor cards to the targets in its technology file.

``python -m charlib.fit_predictive28`` starts from the file's ``[start]`` values, prints what it finds, and with
``--write`` puts the parameters into the file.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from charlib.devices import currents, gate_charges, ion_at_leakage
from charlib.session import Session
from netlists.technology import document, from_document

NAME = "predictive28"
FITTED = ("ion", "ioff", "dibl", "ss", "t_inv")
"""Figures that the fit drives to their targets; all other targets are only reported."""

PULL = 0.05
"""Weight of a parameter's distance from its start, as a share of its range, against a deviation in tolerances.

Five figures do not determine the parameters; the pull picks, among the cards that meet them, the one nearest the start.
"""

MARGIN = 0.01
"""Share of its range that a fitted parameter keeps from either bound."""


@dataclass(frozen=True)
class Fit:
    """Outcome of the fit of one transistor type.

    Attributes:
        polarity: ``n`` or ``p``.
        parameters: fitted parameters in the card's units.
        figures: what the card gives for each of ``FITTED``.
        targets: the target of each.
        evaluations: number of cards simulated, those for the derivatives included.
    """

    polarity: str
    parameters: Mapping[str, float]
    figures: Mapping[str, float]
    targets: Mapping[str, float]
    evaluations: int


def with_parameters(data: Mapping[str, Any], polarity: str, parameters: Mapping[str, float]) -> dict[str, Any]:
    """Copy of a technology file's content with parameters of one transistor type replaced."""
    changed = copy.deepcopy(dict(data))
    changed["models"][polarity]["parameters"].update(parameters)
    return changed


def fitted_figures(session: Session, data: Mapping[str, Any], polarity: str) -> dict[str, float]:
    """What a technology file's card gives for each of ``FITTED``."""
    technology = from_document(data, NAME)
    values = vars(currents(session, technology, polarity)) | vars(gate_charges(session, technology, polarity))
    return {key: values[key] for key in FITTED}


def fit(session: Session, data: Mapping[str, Any], polarity: str) -> Fit:
    """Fit one transistor type by bounded least squares (trust region reflective), from the file's start.

    Residuals are the logarithms of figure over target, in tolerances, and each parameter's pull to its start.

    Args:
        session: simulator.
        data: parsed technology file with ``targets``, ``bounds`` and ``start``.
        polarity: ``n`` or ``p``.
    """
    start = data["start"][polarity]
    names = tuple(start)
    low, high = (np.array([data["bounds"][polarity][name][side] for name in names]) for side in (0, 1))
    rows = {row["key"]: row for row in data["targets"]}
    targets = {key: rows[f"{key}_{polarity}"]["value"] for key in FITTED}
    scales = np.array([rows[f"{key}_{polarity}"]["tolerance"] for key in FITTED])
    origin = (np.array([start[name] for name in names]) - low) / (high - low)
    count = 0

    def trial(share: np.ndarray) -> dict[str, float]:
        nonlocal count
        count += 1
        values = dict(zip(names, (low + share * (high - low)).tolist(), strict=True))
        return fitted_figures(session, with_parameters(data, polarity, values), polarity)

    def residuals(share: np.ndarray) -> np.ndarray:
        found = trial(share)
        off = np.log([found[key] / targets[key] for key in FITTED]) / scales
        return np.concatenate([off, PULL * (share - origin)])

    solution = least_squares(residuals, origin, bounds=(MARGIN, 1 - MARGIN), diff_step=1e-3, xtol=1e-8)
    return Fit(
        polarity=polarity,
        parameters=dict(zip(names, (low + solution.x * (high - low)).tolist(), strict=True)),
        figures=trial(solution.x),
        targets=targets,
        evaluations=count,
    )


def rewritten(text: str, result: Fit) -> str:
    """Technology file text with the fitted parameters of one transistor type put in place, comments kept."""
    head, section, rest = text.partition(f"[models.{result.polarity}.parameters]\n")
    body, bracket, tail = rest.partition("\n[")
    for name, value in result.parameters.items():
        body = re.sub(rf"(?m)^{name} = [^\s#]+", f"{name} = {value:.6g}", body)
    return head + section + body + bracket + tail


def report(result: Fit, bounds: Mapping[str, Any]) -> str:
    """Fitted parameters within their bounds, and figures beside their targets, as lines of text."""
    lines = [f"{result.polarity}MOS, {result.evaluations} cards simulated"]
    for name, value in result.parameters.items():
        low, high, source = bounds[name]
        lines.append(f"  {name:8s} {value:12.6g}  in {low:g} .. {high:g}  {source}")
    for key, value in result.figures.items():
        target = result.targets[key]
        lines.append(f"  {key:8s} {value:12.6g}  target {target:g}  {100 * (value / target - 1):+.2f} %")
    return "\n".join(lines)


def flavour_report(session: Session, data: Mapping[str, Any], result: Fit) -> str:
    """Cross-check as a line of text: Ion once the threshold alone is shifted to the leakage of a published flavour."""
    technology = from_document(with_parameters(data, result.polarity, result.parameters), NAME)
    flavour = data["flavour"]
    published, leakage = flavour[f"ion_{result.polarity}"], flavour["ioff"]
    ion = ion_at_leakage(session, technology, result.polarity, leakage)
    deviation = f"{100 * (ion / published - 1):+.2f} %"
    return f"  not fitted: ion at ioff {leakage:g} is {ion:.6g}, published {published:g}  {deviation}"


def main(arguments: list[str] | None = None) -> None:
    """Command line of the fit."""
    parser = argparse.ArgumentParser(prog="python -m charlib.fit_predictive28", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the fitted parameters into the technology file")
    write = parser.parse_args(arguments).write
    data = document(NAME)
    path = Path(str(resources.files("netlists") / "technologies" / f"{NAME}.toml"))
    with Session() as session:
        for polarity in "np":
            result = fit(session, data, polarity)
            lines = (report(result, data["bounds"][polarity]), flavour_report(session, data, result))
            sys.stdout.write("\n".join([*lines, ""]))
            if write:
                path.write_text(rewritten(path.read_text(encoding="utf-8"), result), encoding="utf-8")


if __name__ == "__main__":
    main()
