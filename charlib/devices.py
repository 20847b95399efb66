"""Figures of merit of a technology's transistors, inverter and bit cell, as ngspice measures them on the model cards.

``python -m charlib.devices NAME`` prints a technology's targets beside what its cards give, as a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from charlib.metrics import METRICS
from charlib.session import ACCURACIES, Session, Solved
from charlib.waveforms import stack
from netlists.analyses import Analysis, Sweep, Transient
from netlists.bitcells import Sram6T
from netlists.circuit import GMIN, instance_text
from netlists.slim import Size
from netlists.technology import Technology, load
from netlists.testbench import Knob, Testbench
from netlists.testbenches import TESTBENCHES, Setting

EPS_SIO2 = 3.9 * 8.8541878128e-12
"""Permittivity of silicon dioxide [F/m], to which equivalent oxide thicknesses refer."""

WIDTH = 1e-6
"""Width of the measured transistors [m]: figures are per width, as they are published."""

LONG = 1e-6
"""Gate length of the transistor whose inversion capacitance gives the oxide thickness [m]: overlaps do not count."""

VDS_LINEAR = 0.05
"""Drain voltage of the linear threshold voltage [V], the customary one."""

I_THRESHOLD = 1e-7
"""Drain current at the threshold voltage for W = L [A], the customary constant-current definition of 100 nA W/L."""

VGS_STEP = 5e-3
"""Step of the gate sweeps [V]; currents in between are interpolated logarithmically, where they are straight."""

T_RAMP = 1e-9
"""Duration of the ramps that measure charges [s]; the cards' charges follow without delay, so it does not matter."""

WINDOW = 1e-9
"""Time that the first transient gives a gate [s]; a second one gives it ``WINDOW_DELAYS`` of its delays."""

WINDOW_DELAYS = 20.0
"""Window of the transient that is measured, in units of the gate's delay [1]."""

CIRCUIT_METRICS = ("snm_hold", "snm_read", "t_fo4", "e_fo4")
"""Metrics of the default cell and the unit inverter that count among a technology's figures."""


class DeviceError(RuntimeError):
    """The simulator did not solve a device measurement, or a target is no figure."""


@dataclass(frozen=True)
class Currents:
    """What a sweep of the gate says about one transistor type at minimum length.

    Attributes:
        ion, ioff: drain current per width at |Vds| = VDD, with |Vgs| = VDD and 0 [A/m].
        vth_lin, vth_sat: |Vgs| at 100 nA W/L with |Vds| = 50 mV and VDD [V].
        dibl: fall of the threshold voltage per drain voltage between the two [1].
        ss: subthreshold swing between |Vgs| = 0 and 0.1 V at |Vds| = VDD [V] per decade.
    """

    ion: float
    ioff: float
    vth_lin: float
    vth_sat: float
    dibl: float
    ss: float


@dataclass(frozen=True)
class GateCharges:
    """What a ramp of the gate says; source, drain and bulk are grounded.

    Attributes:
        t_inv: oxide thickness in inversion at |Vgs| = VDD, from a long gate [m].
        c_gate: gate capacitance per width, mean over 0..VDD [F/m].
        c_gate_on: the same at |Vgs| = VDD [F/m].
    """

    t_inv: float
    c_gate: float
    c_gate_on: float


@dataclass(frozen=True)
class DrainCharges:
    """What a ramp of the drain of a transistor that is off says; all are means over 0..VDD.

    Attributes:
        c_overlap: gate-to-drain capacitance per width, fringe included [F/m].
        c_junction_area: junction capacitance per area [F/m2].
        c_junction_edge: the same per length of the edges away from the gate [F/m].
        c_junction_gate: the same per length of the edge along the gate [F/m].
    """

    c_overlap: float
    c_junction_area: float
    c_junction_edge: float
    c_junction_gate: float


@dataclass(frozen=True)
class Comparison:
    """One target beside what the card gives.

    Attributes:
        key, target, tolerance, unit, source: of the :class:`netlists.technology.Target`.
        value: what the card gives.
    """

    key: str
    target: float
    tolerance: float
    unit: str
    source: str
    value: float

    @property
    def deviation(self) -> float:
        """Relative deviation of the card from the target [1]."""
        return self.value / self.target - 1.0

    @property
    def within(self) -> bool:
        """Whether the card lies within the tolerance."""
        return abs(self.deviation) <= self.tolerance


@dataclass(frozen=True)
class Condition:
    """Where figures are measured: corner, temperature [K], supply [V] (None: the technology's nominal one)."""

    process: str = "tt"
    temp: float = 300.15
    vdd: float | None = None

    def supply(self, technology: Technology) -> float:
        """Supply voltage [V]."""
        return technology.vdd_nominal if self.vdd is None else self.vdd


TYPICAL = Condition()
"""Where the published figures were measured: typical corner, 27 degC, nominal supply."""


def currents(
    session: Session, technology: Technology, polarity: str, at: Condition = TYPICAL, shift: float = 0.0
) -> Currents:
    """Currents and threshold voltages of one transistor type.

    Args:
        session: simulator.
        technology: its cards are measured.
        polarity: ``n`` or ``p``.
        at: condition.
        shift: added to the |Vth| of both measured transistors [V].

    Raises:
        DeviceError: not solved.
    """
    vdd, sign, device = at.supply(technology), _sign(polarity), technology.devices[polarity]
    deck = _deck(technology, at, polarity, [technology.length], [
        "vg g 0 0", f"vsat dsat 0 {sign * vdd!r}", f"vlin dlin 0 {sign * VDS_LINEAR!r}",
        ".subckt measured d g s b", _transistor(technology, polarity, "1", "dgsb", technology.length), ".ends",
        "xsat dsat g 0 0 measured", "xlin dlin g 0 0 measured",
    ])  # fmt: skip
    sweep = Sweep("vg", 0.0, sign * vdd, 1 + round(vdd / VGS_STEP))
    knob = Knob(tuple(device.knob(instance, "1") for instance in ("xsat", "xlin")), 0.0, device.shift_sign, shift)
    solved = _solve(session, deck, sweep, ("g", "vsat#branch", "vlin#branch"), {"shift": knob})
    gate = sign * solved["g"]
    saturated, linear = (-sign * solved[f"{name}#branch"] / WIDTH for name in ("vsat", "vlin"))
    vth_sat, vth_lin = (_threshold(gate, current, technology.length) for current in (saturated, linear))
    decades = np.interp(0.1, gate, np.log10(saturated)) - np.log10(saturated[0])
    return Currents(
        ion=float(saturated[-1]),
        ioff=float(saturated[0]),
        vth_lin=vth_lin,
        vth_sat=vth_sat,
        dibl=(vth_lin - vth_sat) / (vdd - VDS_LINEAR),
        ss=0.1 / float(decades),
    )


def ion_at_leakage(session: Session, technology: Technology, polarity: str, ioff: float) -> float:
    """Ion per width [A/m] of a flavour whose Vth alone is shifted until Ioff per width is ``ioff`` [A/m].

    A cross-check against a published flavour of another threshold voltage; typical condition.

    Raises:
        DeviceError: not solved. ValueError: no shift within 0.3 V gives this Ioff.
    """

    def excess(shift: float) -> float:
        return float(np.log(currents(session, technology, polarity, shift=shift).ioff / ioff))

    return currents(session, technology, polarity, shift=brentq(excess, -0.3, 0.3, xtol=1e-5)).ion


def gate_charges(session: Session, technology: Technology, polarity: str, at: Condition = TYPICAL) -> GateCharges:
    """Oxide thickness in inversion and gate capacitances of one transistor type, from a ramp of the gate voltage.

    Raises:
        DeviceError: not solved.
    """
    vdd = _sign(polarity) * at.supply(technology)
    lines = [f"vr r 0 pwl(0 0 {T_RAMP!r} {vdd!r})", "vlong r glong 0", "vshort r gshort 0"]
    lengths = {"long": LONG, "short": technology.length}
    for name, length in lengths.items():
        lines.append(_transistor(technology, polarity, name, ("0", f"g{name}", "0", "0"), length))
    deck = _deck(technology, at, polarity, lengths.values(), lines)
    time, charge = _ramp(session, deck, ("vlong", "vshort"))
    mean = {name: abs(q[-1] / vdd) for name, q in charge.items()}
    # The last twentieth of the ramp: short enough for "at VDD", long enough to average the solver's steps.
    late = {name: abs((q[-1] - np.interp(0.95 * T_RAMP, time, q)) / (0.05 * vdd)) for name, q in charge.items()}
    return GateCharges(
        t_inv=EPS_SIO2 * WIDTH * LONG / float(late["vlong"]),
        c_gate=float(mean["vshort"]) / WIDTH,
        c_gate_on=float(late["vshort"]) / WIDTH,
    )


def drain_charges(session: Session, technology: Technology, polarity: str, at: Condition = TYPICAL) -> DrainCharges:
    """Overlap and junction capacitances of one transistor type, from a ramp of the drain voltage, gate off.

    Three transistors with different drains tell area and edges apart.

    Raises:
        DeviceError: not solved.
    """
    vdd = _sign(polarity) * at.supply(technology)
    area, edge = 1e-12, 1e-6
    lines = [f"vr r 0 pwl(0 0 {T_RAMP!r} {vdd!r})", "vg ggate 0 0"]
    for name, ad, pd in (("gate", 0.0, WIDTH), ("area", area, WIDTH), ("edge", 0.0, WIDTH + edge)):
        gate = "ggate" if name == "gate" else "0"
        nodes = ("r", gate, "0", f"b{name}")
        lines += [f"vb{name} b{name} 0 0", _transistor(technology, polarity, name, nodes, technology.length, ad, pd)]
    deck = _deck(technology, at, polarity, [technology.length], lines)
    _, charge = _ramp(session, deck, ("vg", "vbgate", "vbarea", "vbedge"))
    mean = {name: float(abs(q[-1] / vdd)) for name, q in charge.items()}
    return DrainCharges(
        c_overlap=mean["vg"] / WIDTH,
        c_junction_area=(mean["vbarea"] - mean["vbgate"]) / area,
        c_junction_edge=(mean["vbedge"] - mean["vbgate"]) / edge,
        c_junction_gate=mean["vbgate"] / WIDTH,
    )


def circuit_metric(
    session: Session, technology: Technology, name: str, at: Condition = TYPICAL, window: float | None = None
) -> float:
    """A metric of the default bit cell or the unit inverter without variation, the worse of its lobes.

    Args:
        session: simulator.
        technology: its cards are measured.
        name: one of ``CIRCUIT_METRICS``.
        at: condition.
        window: time a transient gives each phase [s]; None: ``WINDOW_DELAYS`` of the inverter's own delays.

    Raises:
        DeviceError: not solved, or the circuit does not do what the metric measures.
    """
    metric = METRICS[name]
    if window is None and metric.testbench == "fo4":
        window = WINDOW_DELAYS * circuit_metric(session, technology, "t_fo4", at, WINDOW)
    cell = Sram6T().sized(technology)
    setting = Setting(technology, at.process, at.supply(technology), at.temp, cell, window=window)
    testbench = TESTBENCHES[metric.testbench].build(setting)
    nominal = testbench.knob_values(np.zeros((1, len(testbench.knobs))))
    measured = metric.measure(stack(testbench, [_solved(session, testbench, nominal).data]))
    if measured.status.any():
        raise DeviceError(f"{name} of {technology.name} at {at} has status {measured.status.tolist()}")
    return float(measured.values.min() if metric.fails_when == "low" else measured.values.max())


def measure(session: Session, technology: Technology, at: Condition = TYPICAL) -> dict[str, float]:
    """Every figure by the key that targets use: ``ion_n``, ``dibl_p``, ..., ``t_fo4``, ``snm_read``, ``cell_area``.

    Raises:
        DeviceError: not solved.
    """
    values: dict[str, float] = {}
    for polarity in "np":
        for figures in (currents, gate_charges, drain_charges):
            found = vars(figures(session, technology, polarity, at))
            values |= {f"{key}_{polarity}": value for key, value in found.items()}
    values |= {name: circuit_metric(session, technology, name, at) for name in CIRCUIT_METRICS}
    geometry = technology.geometry
    return values | {
        "cell_area": geometry.cell_area,
        "wire_capacitance": geometry.wire_capacitance,
        "wire_resistance": geometry.wire_resistance,
    }


def compare(technology: Technology) -> tuple[Comparison, ...]:
    """Every target of a technology beside what its typical cards give at 300.15 K.

    Raises:
        DeviceError: not solved, or a target whose key is no figure.
    """
    with Session() as session:
        values = measure(session, technology)
    for target in technology.targets:
        if target.key not in values:
            raise DeviceError(f"target {target.key!r} of {technology.name} is not one of {', '.join(values)}")
    return tuple(Comparison(t.key, t.value, t.tolerance, t.unit, t.source, values[t.key]) for t in technology.targets)


def markdown(comparisons: Sequence[Comparison]) -> str:
    """Comparisons as a Markdown table in SI units."""
    lines = ["| figure | unit | target | card | deviation | tolerance | source |", "|---|---|---|---|---|---|---|"]
    for row in comparisons:
        deviation, tolerance = f"{100 * row.deviation:+.2f} %", f"{100 * row.tolerance:.3g} %"
        numbers = f"{row.target:.4g} | {row.value:.4g} | {deviation} | {tolerance}"
        lines.append(f"| {row.key} | {row.unit} | {numbers} | {row.source} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the comparison of one technology."""
    parser = argparse.ArgumentParser(prog="python -m charlib.devices", description=__doc__)
    parser.add_argument("name", help="technology")
    sys.stdout.write(f"{markdown(compare(load(parser.parse_args(arguments).name)))}\n")


def _sign(polarity: str) -> float:
    """Sign of a transistor type's drain and gate voltages."""
    return {"n": 1.0, "p": -1.0}[polarity]


def _threshold(gate: np.ndarray, current: np.ndarray, length: float) -> float:
    """|Vgs| [V] where the current per width [A/m] is 100 nA / L, on a logarithmic scale."""
    return float(np.interp(np.log10(I_THRESHOLD / length), np.log10(current), gate))


def _transistor(
    technology: Technology, polarity: str, name: str, nodes: Sequence[str], length: float, ad: float = 0.0,
    pd: float = WIDTH,
) -> str:  # fmt: skip
    """Deck line of a measured transistor; a perimeter of one width is the gate edge alone."""
    lengths = {"w": WIDTH, "l": length, "pd": pd, "ps": WIDTH}
    return instance_text(technology.devices[polarity], name, nodes, lengths, {"ad": ad, "as": 0.0})


def _deck(
    technology: Technology, at: Condition, polarity: str, lengths: Iterable[float], lines: Sequence[str]
) -> str:  # fmt: skip
    """Deck of transistors of one type and some lengths."""
    options = f".options gmin={GMIN!r} temp={round(at.temp - 273.15, 9)!r}"
    sizes = {technology.devices[polarity].model: {Size(WIDTH, length) for length in lengths}}
    models = technology.model_text(at.process, sizes).rstrip()
    return "\n".join([f"* {technology.name}", models, options, ACCURACIES["reference"][0], *lines, ""])


def _ramp(session: Session, deck: str, sources: Sequence[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Time [s] and the charge [C] that each source has carried since the start."""
    probes = tuple(f"{name}#branch" for name in sources)
    solved = _solve(session, deck, Transient(T_RAMP, T_RAMP / 200), probes)
    time = solved["time"]
    steps = np.diff(time)
    charge = {}
    for name, probe in zip(sources, probes, strict=True):
        current = solved[probe]
        charge[name] = np.concatenate([[0.0], np.cumsum(steps * (current[1:] + current[:-1]) / 2)])
    return time, charge


def _solve(
    session: Session, deck: str, analysis: Analysis, probes: tuple[str, ...], knobs: Mapping[str, Knob] | None = None
) -> Mapping[str, np.ndarray]:
    """Vectors of one deck, the axis included; knobs are set to their systematic shifts."""
    saved = f"{deck}.save {' '.join(probes)}\n"
    testbench = Testbench("device", saved, analysis, probes, knobs or {}, values={})
    return _solved(session, testbench, testbench.knob_values(np.zeros((1, len(testbench.knobs))))).vectors


def _solved(session: Session, testbench: Testbench, values: np.ndarray) -> Solved:
    (result,) = session.solve(testbench, values)
    if not isinstance(result, Solved):
        raise DeviceError(f"{result.reason} (testbench {testbench.name}); {'; '.join(result.log)}")
    return result


if __name__ == "__main__":
    main()
