"""Magnetic tunnel junctions: macrospin subcircuits for stock ngspice, their parameters, and what has a closed form.

A macrospin with the unit vector m obeys the equation of Landau, Lifshitz and Gilbert with a damping-like torque,
``dm/dt = -g (m x (H - alpha a) + m x (m x (alpha H + a)))`` with ``g = gamma / (1 + alpha^2)``. Fields are in tesla.
``a`` is the torque of the junction's current along z (STT, Slonczewski, JMMM 159, 1996) and of the current in a heavy
metal below along y (SOT, Lee et al., APL 102, 112410, 2013). Current from the free layer into the reference layer is
positive: its electrons come from the reference layer and favour P, mz = 1.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.circuit import add_subcircuit
from netlists.testbench import Knob

HBAR, CHARGE, BOLTZMANN = 1.054571817e-34, 1.602176634e-19, 1.380649e-23
"""Reduced Planck constant [J s], elementary charge [C], Boltzmann constant [J/K] (SI brochure, 9th edition)."""
GAMMA = 1.76085963e11
"""Gyromagnetic ratio of the electron [rad/(s T)] (CODATA 2018)."""
CURIE, MS_EXPONENT, POLARIZATION_LOSS = 1420.0, 0.4, 2e-5
"""Curie temperature [K] and exponent [1] of ``Ms = Ms(0) (1 - T/Tc)^b``, and the coefficient of Bloch's law
``P = P(0) (1 - c T^1.5)`` [K^-1.5]; assumed, of the size usual for CoFeB."""
BARRIER_EXPONENT = 2.0
"""Power of Ms that the energy barrier follows over temperature [1]; assumed, near what interface anisotropy shows."""
LEAST_ANGLE = 1e-6
"""Initial angle where none is drawn [rad]: the resistance is that of the state to twelve digits."""
STIFFNESS = 1e3
"""How fast a magnetization is held at its start before it is released [1/ns]."""
RENORM = 20.0
"""How fast |m| returns to 1 [1/ns]: what integration loses in a step is back before the next precession."""
STEP_DAMPING, STEP_TURN = 0.1, 0.2
"""Largest steps: of the polar angle alone in damping times [1], of the whole vector in radians of precession."""
STATES = {"p": 1.0, "ap": -1.0}
"""Stored state to the sign of mz."""


@dataclass(frozen=True)
class Strip:
    """Heavy metal below the free layer.

    Attributes:
        width, thickness: cross-section that the write current goes through [m].
        resistance: from end to end [ohm]; the junction stands in the middle.
        spin_hall: spin Hall angle [1].
    """

    width: float
    thickness: float
    resistance: float
    spin_hall: float


@dataclass(frozen=True)
class Junction:
    """A perpendicular junction at one temperature.

    Attributes:
        area: of the junction [m2].
        ra: resistance-area product of P [ohm m2].
        tmr: (R_ap - R_p) / R_p at no bias [1].
        v_half: bias at which the TMR is half of that [V].
        ms: saturation magnetization [A/m].
        thickness: of the free layer [m].
        delta: energy barrier over k_B T without a field [1]; with one ``delta (1 - |field_x| / h_k)^2`` is left of it.
        damping: Gilbert's alpha [1].
        efficiency: of the spin-transfer torque at mz = 0 [1].
        asymmetry: lambda of ``efficiency / (1 + lambda mz)`` [1]; Slonczewski's P^2, 0: the same in both states.
        field_x: in-plane field [T]; a write by SOT needs one, its sign with that of the current decides the state.
        strip: heavy metal; None: there is none.
        temp: temperature that all of this holds at [K].
        source: citation, and what is assumed.
    """

    area: float
    ra: float
    tmr: float
    v_half: float
    ms: float
    thickness: float
    delta: float
    damping: float
    efficiency: float
    asymmetry: float = 0.0
    field_x: float = 0.0
    strip: Strip | None = None
    temp: float = 300.0
    source: str = "own values"

    def __post_init__(self) -> None:
        if isinstance(self.strip, Mapping):  # as a results directory keeps it
            object.__setattr__(self, "strip", Strip(**self.strip))
        may_vanish = {"asymmetry", "field_x", "strip", "source", "tmr"}
        for name in {field.name for field in fields(self)} - may_vanish:
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name}={value!r} is not positive (cell.junction)")
        if not 0 <= self.tmr < math.inf:
            raise ValueError(f"tmr={self.tmr!r} is negative (cell.junction)")
        if not abs(self.asymmetry) < 1:
            raise ValueError(f"asymmetry={self.asymmetry!r} is outside -1..1 (cell.junction)")
        if not abs(self.field_x) < self.h_k:
            raise ValueError(f"field_x={self.field_x!r} T is not below h_k={self.h_k:.3g} T: no state is stable")

    def at(self, temp: float) -> Junction:
        """The same junction at another temperature [K].

        Ms, polarization P and what follows from them: the torque goes with P, the TMR with Julliere's
        ``2 P^2 / (1 - P^2)``, the barrier with a power of Ms. RA stays: tunnelling hardly depends on temperature.
        """
        spin = (1 - POLARIZATION_LOSS * temp**1.5) / (1 - POLARIZATION_LOSS * self.temp**1.5)
        moment = ((1 - temp / CURIE) / (1 - self.temp / CURIE)) ** MS_EXPONENT
        square = self.tmr / (2 + self.tmr) * spin**2
        return replace(
            self, temp=temp, ms=self.ms * moment, tmr=2 * square / (1 - square), efficiency=self.efficiency * spin,
            delta=self.delta * moment**BARRIER_EXPONENT * self.temp / temp,
        )  # fmt: skip

    @property
    def r_p(self) -> float:
        """Resistance of P [ohm]."""
        return self.ra / self.area

    def tmr_at(self, bias: float) -> float:
        """TMR at a bias [V], by ``tmr / (1 + V^2 / v_half^2)``."""
        return self.tmr / (1 + (bias / self.v_half) ** 2)

    @property
    def moment(self) -> float:
        """Magnetic moment of the free layer [A m2]."""
        return self.ms * self.area * self.thickness

    @property
    def h_k(self) -> float:
        """Anisotropy field, demagnetization taken off [T]."""
        return 2 * self.delta * BOLTZMANN * self.temp / self.moment

    @property
    def rate(self) -> float:
        """``gamma / (1 + alpha^2)`` [rad/(s T)]."""
        return GAMMA / (1 + self.damping**2)

    @property
    def stt(self) -> float:
        """Torque of the junction's current at mz = 0 [T/A]."""
        return HBAR * self.efficiency / (2 * CHARGE * self.moment)

    @property
    def sot(self) -> float:
        """Torque of the strip's current [T/A]; 0 without a strip."""
        if self.strip is None:
            return 0.0
        section = self.strip.width * self.strip.thickness
        return HBAR * self.strip.spin_hall / (2 * CHARGE * self.ms * self.thickness * section)

    def critical_current(self, state: str) -> float:
        """Current of the junction at which a state loses its stability [A], 4 e alpha E_b / (hbar eta) (Sun, 2000)."""
        return self.damping * self.h_k * (1 + self.asymmetry * STATES[state]) / self.stt

    @property
    def critical_strip_current(self) -> float:
        """Current of the strip above which the SOT takes either state away [A] (Lee et al., APL 102, 112410, 2013).

        From a balance of torques, without damping. An integrated macrospin comes to it at a damping of 0.5; with less,
        a precession crosses earlier: at 0.93 of it for the damping of 0.3 of ``sot_umn``.
        """
        return (self.h_k / 2 - abs(self.field_x) / math.sqrt(2)) / self.sot

    def switching_time(self, current: float, angle: float) -> float:
        """Time from an initial angle [rad] to mz = 0 at a constant current against the state [s]; infinite where none.

        Sun's integral (PRB 62, 570, 2000) in full, of the axisymmetric macrospin without asymmetry.
        """
        return self.damping_time * float(travel_time(current / self.critical_current("p"), np.float64(angle)))

    @property
    def damping_time(self) -> float:
        """Time in which damping takes a small angle down by a factor e [s]: the unit of time of switching."""
        return 1 / (self.rate * self.damping * self.h_k)

    @property
    def polarity(self) -> float:
        """Sign of the write current, of the strip if there is one, that leads to P [1]."""
        return math.copysign(1.0, self.field_x) if self.strip else 1.0

    @property
    def axisymmetric(self) -> bool:
        """Whether one equation describes it: nothing acts across its axis."""
        return self.strip is None and not self.field_x

    @property
    def max_step(self) -> float:
        """Largest step that integrates it well [s]: a share of its damping time or of a precession."""
        precession = self.rate * self.h_k
        return STEP_DAMPING / (self.damping * precession) if self.axisymmetric else STEP_TURN / precession

    @property
    def sigma_angle(self) -> float:
        """Standard deviation of each of the two small angles that Boltzmann's law leaves at rest [rad]."""
        return 1 / math.sqrt(2 * self.delta)


JUNCTIONS: Mapping[str, Junction] = {
    "stt_40nm": Junction(
        area=math.pi * 40e-9**2 / 4, ra=5e-12, tmr=1.2, v_half=0.5, ms=1.2e6, thickness=1.3e-9, delta=60.0,
        damping=0.02, efficiency=0.6,
        source="assumed, of the size usual for CoFeB and MgO at a diameter of 40 nm",
    ),
    "sot_umn": Junction(
        area=45e-9 * 45e-9, ra=5e-12, tmr=2 * 0.73**2 / (1 - 0.73**2), v_half=0.5, ms=1.2e6, thickness=0.7e-9,
        delta=60.0, damping=0.3, efficiency=0.6, field_x=0.05, strip=Strip(45e-9, 5e-9, 560.0, 0.4),
        source="45 x 45 nm, RA 5 ohm um2, P 0.73 (TMR by Julliere), heavy metal 60 x 45 x 5 nm with spin Hall angle "
        "0.4: UMN model (Kim et al., CICC 2015); free layer 0.7 nm, heavy metal 560 ohm, v_half 0.5 V: OpenNVRAM; Ms, "
        "delta, damping, efficiency and field assumed",
    ),
}  # fmt: skip
"""Name in a run file to a junction at 300 K. A source says which numbers it stands for; the others are assumed."""


def travel_time(drive: float, angle: np.ndarray) -> np.ndarray:
    """Time of an axisymmetric macrospin without noise from a polar angle to the equator, in damping times [1].

    Sun's integral (PRB 62, 570, 2000) in full, ``dm/dt = (1 - m^2)(m - drive)`` for m = cos(angle), written so that no
    angle is too small for it. 0 from beyond the equator; infinite where the drive does not take it there.

    Args:
        drive: current against the state in critical currents [1]. angle: above 0 [rad], any shape.
    """
    angle = np.minimum(angle, math.pi / 2)
    m, log_rest = np.cos(angle), math.log(2) + 2 * np.log(np.sin(angle / 2))  # 1 - m = 2 sin^2(angle / 2)
    rest = np.exp(log_rest)
    over = drive - 1 + rest
    if abs(drive - 1) < 1e-9:
        return (np.arctanh(m) + m / rest) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        sides = -log_rest / (drive - 1) + np.log1p(m) / (drive + 1)
        found = sides / 2 + np.log(over / drive) / (drive**2 - 1)
    return np.where(over > 0, found, np.inf)


def _current(junction: Junction) -> str:
    """Expression of the current from free to reference layer [A]."""
    rolled = f"(1+V(tmr))*{junction.tmr!r}/(1+V(fl,rl)*V(fl,rl)/{junction.v_half**2!r})"
    return f"V(fl,rl)*{0.5 / junction.r_p!r}/(1+V(ra))*((1+V(mz))+(1-V(mz))/(1+{rolled}))"


def add_junction(circuit: Circuit, junction: Junction, state: str, release: float) -> str:
    """Define the subcircuit of a junction in a state.

    Its sources ``vstate`` [1], ``vangle`` and ``vturn`` [rad], ``vra`` and ``vtmr`` [1] may be altered: sign of mz,
    initial polar angle and azimuth, relative deviations of RA and TMR. None of them is divided by, nor its logarithm
    taken, where it is 0: there the simulator's first guess is, and from there it would not come back.

    Up to the time ``release`` [s], and at DC, the magnetization stands where they put it; that time should be no corner
    of a source, where a step ends. Without a strip and an in-plane field the one equation of the polar angle is exact;
    it is solved for ``s = artanh mz``, which is smooth however small the angle.

    Returns:
        The subcircuit's name; ports ``fl rl mz`` (free and reference layer; mz in volt), with a strip ``rl a b fl mz``,
        where ``fl`` is the middle of the strip from ``a`` to ``b``.
    """
    body = _axisymmetric if junction.axisymmetric else _three_components
    ports = ("fl", "rl", "mz") if junction.strip is None else ("rl", "a", "b", "fl", "mz")
    key = zlib.crc32(repr((junction, state, release)).encode())
    sub = SubCircuit(f"mtj_{state}_{key:08x}", *ports)
    for name, value in {"state": STATES[state], "angle": LEAST_ANGLE, "turn": 0.0, "ra": 0.0, "tmr": 0.0}.items():
        sub.V(name, name, "0", value)
    sub.B("g", "fl", "rl", current_expression=_current(junction))
    bend = f"/(1+{junction.asymmetry!r}*V(mz))" if junction.asymmetry else ""
    sub.B("stt", "stt", "0", voltage_expression=f"{junction.stt!r}*{_current(junction)}{bend}")
    body(sub, junction, release)
    add_subcircuit(circuit, sub)
    return sub.name


def _integrated(sub: SubCircuit, node: str, slope: str, start: str, release: float) -> None:
    """A node of the slope [1/ns] once released, and of a start before; 1 nF turns 1/ns into ampere."""
    sub.C(node, node, "0", 1e-9)
    held = f"{STIFFNESS!r}*(({start})-V({node}))"
    sub.B(node, "0", node, current_expression=f"time > {release!r} ? {slope} : {held}")


def _axisymmetric(sub: SubCircuit, junction: Junction, release: float) -> None:
    """mz from one equation, ds/dt = g (alpha H_k mz + a) with mz = tanh s."""
    slope = f"{junction.rate * 1e-9!r}*({junction.damping * junction.h_k!r}*V(mz)+V(stt))"
    _integrated(sub, "s", slope, f"-V(state)*ln(tan(max(V(angle),{LEAST_ANGLE!r})/2))", release)
    sub.B("mz", "mz", "0", voltage_expression="tanh(V(s))")


def _three_components(sub: SubCircuit, junction: Junction, release: float) -> None:
    """All of m, from around the direction in which the field leaves it at rest."""
    if junction.strip is not None:
        sub.R("a", "a", "fl", junction.strip.resistance / 2)
        sub.R("b", "fl", "b", junction.strip.resistance / 2)
        sub.B("sot", "sot", "0", voltage_expression=f"{junction.sot / junction.strip.resistance!r}*V(a,b)")
    else:
        sub.V("sot", "sot", "0", 0.0)
    alpha, hx = junction.damping, repr(junction.field_x)
    m = [f"V({node})" for node in ("mx", "my", "mz")]
    sub.B("hz", "hz", "0", voltage_expression=f"{junction.h_k!r}*V(mz)")
    turning = (hx, f"(-{alpha!r}*V(sot))", f"(V(hz)-{alpha!r}*V(stt))")
    pulling = (f"{alpha * junction.field_x!r}", "V(sot)", f"({alpha!r}*V(hz)+V(stt))")
    sub.B("along", "along", "0", voltage_expression="+".join(f"{a}*{b}" for a, b in zip(m, pulling, strict=True)))
    sub.B("norm", "norm", "0", voltage_expression="+".join(f"{a}*{a}" for a in m))
    tilt = junction.field_x / junction.h_k
    upright = math.sqrt(1 - tilt * tilt)
    across, up = "sin(V(angle))*cos(V(turn))", "cos(V(angle))"
    starts = (
        f"{tilt!r}*{up}+{upright!r}*{across}", "sin(V(angle))*sin(V(turn))",
        f"V(state)*({upright!r}*{up}-{tilt!r}*{across})",
    )  # fmt: skip
    for i, node in enumerate(("mx", "my", "mz")):
        j, k = (i + 1) % 3, (i + 2) % 3
        cross = f"{m[j]}*{turning[k]}-{m[k]}*{turning[j]}"
        torque = f"-{junction.rate * 1e-9!r}*({cross}+{m[i]}*V(along)-{pulling[i]}*V(norm))"
        _integrated(sub, node, f"{torque}-{RENORM!r}*(V(norm)-1)*{m[i]}", starts[i], release)


def junction_knobs(
    junction: Junction, path: str, instances: Iterable[str], sigma_ra: float, sigma_tmr: float, thermal: bool
) -> dict[str, Knob]:
    """Knobs of a junction, at its temperature.

    Args:
        path: of its random numbers. instances: hierarchical names of its instances, all set alike.
        sigma_ra, sigma_tmr: relative standard deviations [1].
        thermal: its initial direction is drawn from Boltzmann's law; with no draw it is the median angle.

    Returns:
        ``path:ra`` and ``path:tmr``; ``path:angle``, and ``path:turn`` where the azimuth has a meaning.
    """
    spreads = {"ra": (sigma_ra, "normal"), "tmr": (sigma_tmr, "normal")}
    if thermal:
        spreads["angle"] = (junction.sigma_angle, "rayleigh")
        if not junction.axisymmetric:
            spreads["turn"] = (2 * math.pi, "uniform")
    names = tuple(instances)
    return {
        f"{path}:{name}": Knob(tuple(f"v.{i}.v{name}" for i in names), sigma, 1, law=law)
        for name, (sigma, law) in spreads.items()
    }
