"""A testbench: everything that decides what the simulator computes, and nothing about what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netlists.analyses import Analysis
from netlists.veriloga import CompiledModel


@dataclass(frozen=True)
class Knob:
    """One transistor whose threshold voltage varies.

    Attributes:
        parameters: simulator parameters that are set to the same number: one transistor may be drawn more than once,
            such as the cell in each of its two states.
        sigma: standard deviation of the local threshold variation [V].
        sign: sign of the parameter that raises |Vth|.
        shift: systematic shift of |Vth| [V].
    """

    parameters: tuple[str, ...]
    sigma: float
    sign: int
    shift: float = 0.0


@dataclass(frozen=True)
class Testbench:
    """A circuit at one condition with its analysis.

    Attributes:
        name: row of the testbench table that built it.
        deck: netlist text, complete but for the analysis.
        analysis: what to run.
        probes: vectors to fetch, as the simulator names them; the analysis's axis is fetched as well.
        knobs: device path to :class:`Knob`; a path is the same transistor in every testbench.
        values: numbers that a measurement needs: ``vdd`` [V], and for transients times [s].
        osdi: compiled Verilog-A models that the simulator loads before the deck.
    """

    name: str
    deck: str
    analysis: Analysis
    probes: tuple[str, ...]
    knobs: Mapping[str, Knob]
    values: Mapping[str, float]
    osdi: tuple[CompiledModel, ...] = ()

    @property
    def vectors(self) -> tuple[str, ...]:
        """Probes and, where the analysis has one, its axis, in the order the simulator returns them."""
        axis = self.analysis.axis
        return self.probes if axis is None else (*self.probes, axis)

    def knob_values(self, draws: np.ndarray) -> np.ndarray:
        """Parameters [V] for standard normals, both of shape (sample, knob); a positive draw raises |Vth|."""
        sigma, sign, shift = np.array([(k.sigma, k.sign, k.shift) for k in self.knobs.values()]).reshape(-1, 3).T
        return sign * (shift + sigma * draws)

    __test__ = False  # the name is the field's; pytest need not collect it
