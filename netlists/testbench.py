"""A testbench: everything that decides what the simulator computes, and nothing about what is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr

from netlists.analyses import Analysis
from netlists.veriloga import CompiledModel

LAWS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": lambda draws: draws,
    "rayleigh": lambda draws: np.sqrt(-2 * log_ndtr(-draws)),
    "uniform": ndtr,
}
"""Law of a knob to its quantile [1] at the probability of a standard normal number; times ``sigma``."""
FORGOTTEN = 0.4
"""How far a stored node may be from its level where an analysis begins, as a share of the highest level [1]: farther,
and the bit is not there.
"""
HOLDER = 1e4
"""Resistance that holds a stored node at its level [ohm], about as much as a transistor that is on."""


class Lump(NamedTuple):
    """What a transistor that is drawn once stands for.

    Attributes:
        members: paths of the transistors; in each sample it has the threshold at which its current, when it is off, is
            the mean of theirs.
        like: path of such a transistor in ``Testbench.off``.
    """

    members: tuple[str, ...]
    like: str


@dataclass(frozen=True)
class Knob:
    """One parameter of one transistor that varies, its threshold voltage unless said otherwise.

    Attributes:
        parameters: simulator parameters that are set to the same number: one transistor may be drawn more than once,
            such as the cell in each of its two states. Where the number is one of several in a list, the whole
            assignment with ``{}`` in the number's place.
        sigma: standard deviation of the local variation, in the parameter's unit; [V] for a threshold.
        sign: sign of the parameter that raises |Vth|.
        shift: systematic shift of |Vth| [V].
        nominal: value of the parameter where nothing varies.
        shared: paths of random numbers that a die's transistors share, and what one sigma of each adds to |Vth| [V].
        card: the parameter stands on the model card that the transistor has for itself.
        lump: the transistors that it stands for; ``sigma`` is then that of one of them.
        law: key of ``LAWS``; what follows the standard normal number.
    """

    parameters: tuple[str, ...]
    sigma: float
    sign: int
    shift: float = 0.0
    nominal: float = 0.0
    shared: tuple[tuple[str, float], ...] = ()
    card: bool = False
    lump: Lump | None = None
    law: str = "normal"

    @property
    def commands(self) -> tuple[str, ...]:
        """Simulator commands that set the parameters, ``{}`` for the value; ngspice finds a card by its instance."""
        verb = "altermod" if self.card else "alter"
        return tuple(f"{verb} {p}" if "{}" in p else f"{verb} {p} = {{}}" for p in self.parameters)

    @property
    def content(self) -> list:
        """All that it is, for the key of a result; the law only where it is not the normal one."""
        return [value for name, value in vars(self).items() if name != "law" or value != "normal"]


@dataclass(frozen=True)
class Search:
    """A number of a source that is varied until an operation just works, by itself for each stored state.

    Attributes:
        parameters: simulator parameter of each stored state, as those of a :class:`Knob`.
        low, high: from where to where it is looked for, in the parameter's unit; halved by ratio where ``low`` is
            above 0, by difference where it is 0.
        works: at which of the two the operation is easier, ``low`` or ``high``.
        relative, absolute: the search ends where what works and what does not are no further apart than ``relative``
            [1] times the former plus ``absolute``, in the metric's unit.
        guess: where most samples are, if that is known; ``low`` is then above 0.
    """

    parameters: tuple[str, ...]
    low: float
    high: float
    works: str
    relative: float
    absolute: float
    guess: float | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Where the operation is easiest, and where it is hardest."""
        return (self.low, self.high) if self.works == "low" else (self.high, self.low)


@dataclass(frozen=True)
class Points:
    """Settings that every sample of a testbench is simulated at, one analysis each.

    Attributes:
        parameters: simulator parameters that are altered, each as those of a :class:`Knob`.
        rows: values of all parameters at each point, in their units.
    """

    parameters: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Testbench:
    """A circuit at one condition with its analysis.

    Attributes:
        name: row of the testbench table that built it.
        deck: netlist text, complete but for the analysis.
        analysis: what to run.
        probes: vectors to fetch, as the simulator names them; the analysis's axis is fetched as well.
        knobs: device path to :class:`Knob`; a path is the same transistor in every testbench.
        values: numbers that a measurement needs: ``vdd`` [V], which is the cell's supply where nothing else has one;
            other levels where they are not VDD [V]; for transients times [s].
        osdi: compiled Verilog-A models that the simulator loads before the deck.
        search: what is searched on it; None where one analysis is all.
        off: transistors that lumps stand for, each alone and off, with their thresholds as knobs and their currents as
            probes, in the same order; None where there are no lumps.
        points: settings that it is simulated at; None where it is at one.
        trapezoidal: no other integration gives its numbers: gear damps what precesses until it never switches.
        stored: storage node of a cell to the level at which it begins [V].
    """

    name: str
    deck: str
    analysis: Analysis
    probes: tuple[str, ...]
    knobs: Mapping[str, Knob]
    values: Mapping[str, float]
    osdi: tuple[CompiledModel, ...] = ()
    search: Search | None = None
    off: Testbench | None = None
    points: Points | None = None
    trapezoidal: bool = False
    stored: Mapping[str, float] = field(default_factory=dict)

    @property
    def holders(self) -> str:
        """Deck lines that hold every stored node at its level."""
        lines = []
        for i, (node, level) in enumerate(self.stored.items()):
            lines += [f"Vhold{i} hold{i} 0 {level!r}", f"Rhold{i} hold{i} {node} {HOLDER!r}"]
        return "\n".join(lines)

    def from_stored(self, data: np.ndarray) -> float:
        """Largest distance of a stored node from its level at the first point, as a share of the highest level [1].

        Args:
            data: of ``vectors``, shape (vector, point).
        """
        if not self.stored:
            return 0.0
        first = dict(zip(self.vectors, data[:, 0], strict=True))
        away = [abs(first[node] - level) for node, level in self.stored.items() if node in first]
        return max(away, default=0.0) / max(self.stored.values())

    @property
    def settable(self) -> Testbench:
        """The same with what is searched, or differs between its points, as further knobs behind the others."""
        kind, altered = (
            ("search", [(p,) for p in self.search.parameters]) if self.search else ("point", self.points.parameters)
        )
        further = {f"{kind}.{i}": Knob(parameters, 0.0, 1) for i, parameters in enumerate(altered)}
        return replace(self, knobs={**self.knobs, **further}, search=None, points=None)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Probes and, where the analysis has one, its axis, in the order the simulator returns them."""
        axis = self.analysis.axis
        return self.probes if axis is None else (*self.probes, axis)

    @property
    def shared(self) -> tuple[str, ...]:
        """Paths of the random numbers that a die's transistors share; none without global variation."""
        return tuple(dict.fromkeys(path for knob in self.knobs.values() for path, _ in knob.shared))

    def knob_values(self, draws: np.ndarray, shared: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Parameters of samples, shape (sample, knob), in their units; a positive draw raises |Vth|.

        Args:
            draws: standard normals of shape (sample, knob).
            shared: path to standard normals of shape (sample,), for the paths of ``self.shared``; None: zero.
        """
        knobs = self.knobs.values()
        columns = np.array([(k.sigma, k.sign, k.shift, k.nominal) for k in knobs]).reshape(-1, 4).T
        sigma, sign, shift, nominal = columns
        quantiles = np.stack([LAWS[k.law](draws[:, i]) for i, k in enumerate(knobs)], axis=1) if knobs else draws
        deviation = shift + sigma * quantiles
        for column, knob in enumerate(knobs):
            for path, each in knob.shared if shared else ():
                deviation[:, column] += each * shared[path]
        return nominal + sign * deviation

    __test__ = False  # the name is the field's; pytest need not collect it
