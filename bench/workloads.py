"""What is benchmarked: two testbenches of the default cell, the same samples for everybody, and plain scripts' ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import PchipInterpolator

import charlib
from charlib.session import Session, Solved
from charlib.unit import Unit
from netlists import TESTBENCHES, Setting, Sram6T, Testbench
from netlists.analyses import Sweep, Transient
from netlists.bitcells import SIDES
from netlists.circuit import deck_text
from netlists.technology import load
from netlists.testbenches import SWEEP_OPTIONS

CONDITIONS = charlib.Conditions(process=["tt"], vdd=[1.0], temp=[298.15])
"""Nominal corner, [V], [K]."""
SEED = 1
PLAIN_POINTS = 101
"""Points of an ordinary sweep: hundredths of the supply, as scripts take them."""
REFERENCE_POINTS = 1001
REFERENCE_STEPS = 4000

Vectors = Mapping[str, np.ndarray]
Curve = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Interpolation with the arguments of ``numpy.interp``."""


@dataclass(frozen=True)
class Workload:
    """One job that everybody does.

    Attributes:
        name: for the table.
        metric: what pimchar measures on it.
        testbench: what pimchar simulates.
        plain: what a script would simulate.
        measure: what a script would compute from one sample's vectors, in the metric's unit.
        reference: one sample's number at tight tolerances, given a reference session and the sample's knob values.
        error_unit: ``mV``, or ``%`` of the number itself.
        size: samples of a run.
        checked: samples whose error is looked at.
        rounds: how often everyone takes a turn.
        same_tolerance: ``plain`` with pimchar's solver tolerances, where that is something else.
    """

    name: str
    metric: str
    testbench: Testbench
    plain: Testbench
    measure: Callable[[Vectors], float]
    reference: Callable[[Workload, Session, np.ndarray], float]
    error_unit: str
    size: int
    checked: int
    rounds: int
    same_tolerance: Testbench | None = None

    def quick(self) -> Workload:
        """The same for a first impression: one round of short runs."""
        return replace(self, size=self.size // 4, checked=self.checked // 4, rounds=1)

    def references(self) -> np.ndarray:
        """Numbers of the first ``checked`` samples at tight tolerances, shape (sample,)."""
        with Session(accuracy="reference") as session:
            return np.array([self.reference(self, session, row) for row in self.samples(self.checked)])

    def errors(self, found: np.ndarray, exact: np.ndarray) -> np.ndarray:
        """Errors of the first samples in ``error_unit``, shape (sample,)."""
        exact = exact[: found.size]
        return (found - exact) * (1e3 if self.error_unit == "mV" else 100 / exact)

    def samples(self, count: int) -> np.ndarray:
        """Knob values [V] of the first samples, the ones pimchar draws, shape (sample, knob)."""
        with Session() as session:
            return Unit(self.testbench, 0, SEED, True, "default").knob_values(session, 0, count)


def alterations(testbench: Testbench, row: Sequence[float]) -> list[str]:
    """ngspice commands that set the knobs of one sample [V]."""
    knobs = zip(testbench.knobs.values(), row, strict=True)
    return [command.format(repr(float(value))) for knob, value in knobs for command in knob.commands]


def _setting(window: float | None = None) -> Setting:
    technology = load("predictive28")
    (process,), (vdd,), (temp,) = CONDITIONS.process, CONDITIONS.vdd, CONDITIONS.temp
    return Setting(technology, process, vdd, temp, Sram6T().sized(technology), window=window)


def transfer_curves(setting: Setting, points: int, options: Sequence[str] = ()) -> Testbench:
    """The ordinary butterfly: the input of both half cells swept uniformly, word line and bit lines at VDD."""
    circuit = setting.circuit("6T transfer curves, read")
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("wl", "wl", "0", setting.vdd)
    circuit.V("sweep", "inp", "0", 0.0)
    for side, (_, output, _) in SIDES.items():
        name = setting.cell.add_half(circuit, setting.technology, side)
        circuit.X(side, name, "inp", output, "vdd", "wl", "vdd", "0")
    knobs = setting.cell.half_knobs(setting.technology, {side: (f"x{side}",) for side in SIDES})
    sweep, probes = Sweep("vsweep", 0.0, setting.vdd, points), ("inp", "q", "qb")
    return Testbench("transfer", deck_text(circuit, probes, options), sweep, probes, knobs, {"vdd": setting.vdd})


def noise_margin(vectors: Vectors, places: int = 1001, curve: Curve = np.interp) -> float:
    """Static noise margin [V] of ordinary transfer curves, as scripts find it: curves turned by 45 degrees."""
    inp, q, qb = vectors["inp"], vectors["q"], vectors["qb"]
    left, right = (q - inp)[::-1], inp - qb
    s = np.linspace(max(left[0], right[0]), min(left[-1], right[-1]), places)
    distance = curve(s, right, inp) - curve(s, left, q[::-1])
    return min(distance.max(), -distance.min())


def _pchip(x: np.ndarray, xp: np.ndarray, fp: np.ndarray) -> np.ndarray:
    return PchipInterpolator(xp, fp)(x)


def _rise(time: np.ndarray, wave: np.ndarray, level: float) -> float:
    i = int(np.argmax(wave >= level))
    return float(np.interp(level, wave[i - 1 : i + 1], time[i - 1 : i + 1]))


def read_delay(vectors: Vectors) -> float:
    """Delay [s] from the word line to output P of the column that stores 1, both at 50 % of the supply."""
    half = CONDITIONS.vdd[0] / 2
    return _rise(vectors["time"], vectors["p_q"], half) - _rise(vectors["time"], vectors["wl_q"], half)


def _solve(session: Session, testbench: Testbench, row: np.ndarray) -> Vectors:
    (result,) = session.solve(testbench, row[None])
    if not isinstance(result, Solved):
        raise RuntimeError(f"{testbench.name}: no reference, {result.reason}")
    return result.vectors


def _reference_margin(workload: Workload, session: Session, row: np.ndarray) -> float:
    dense = replace(workload.plain, analysis=replace(workload.plain.analysis, points=REFERENCE_POINTS))
    return noise_margin(_solve(session, dense, row), 20_001, _pchip)


def _reference_delay(workload: Workload, session: Session, row: np.ndarray) -> float:
    stop = workload.testbench.analysis.stop
    fine = replace(workload.testbench, analysis=Transient(stop, stop / REFERENCE_STEPS))
    return read_delay(_solve(session, fine, row))


def butterfly() -> Workload:
    """The read butterfly: static noise margin."""
    setting = _setting()
    return Workload(
        name="read butterfly",
        metric="snm_read",
        testbench=TESTBENCHES["butterfly_read"].build(setting),
        plain=transfer_curves(setting, PLAIN_POINTS),
        measure=noise_margin,
        reference=_reference_margin,
        error_unit="mV",
        size=960,
        checked=64,
        rounds=20,
        same_tolerance=transfer_curves(setting, PLAIN_POINTS, (SWEEP_OPTIONS,)),
    )


def read_path() -> Workload:
    """The read-path transient: delay of output P, in the window that pimchar finds."""
    window = charlib.characterize(conditions=CONDITIONS, metrics=["t_read_p"], workers=1)["read_path_window"].item()
    testbench = TESTBENCHES["read_path"].build(_setting(window))
    return Workload(
        name="read-path transient",
        metric="t_read_p",
        testbench=testbench,
        plain=testbench,
        measure=read_delay,
        reference=_reference_delay,
        error_unit="%",
        size=32,
        checked=8,
        rounds=7,
    )
