"""One transistor of a technology: its model, how an instance is written, and the laws of its variation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from netlists.variation import MismatchLaw

UNITS = {"m": 1.0, "um": 1e-6}
"""Unit of the lengths on an instance [m]; areas are in its square."""

ALTER = {"M": "@m.{path}.m{name}[delvto]", "X": "@m.{path}.x{name}.m{model}[delvto]"}
"""Simulator parameter that shifts the threshold voltage of a model's or a subcircuit's instance.

A subcircuit holds, in every open library, one transistor that is named after it.
"""


class TechnologyError(ValueError):
    """A technology that does not exist, or a value outside its validity range."""


@dataclass(frozen=True)
class Device:
    """One transistor model.

    Attributes:
        model: name of the model card or subcircuit in the deck.
        polarity: ``n`` or ``p``.
        avt: Pelgrom coefficient of the threshold voltage [V m].
        avt_of: ``pair`` (standard deviation of the difference of a pair) or ``device``.
        shift_sign: sign of ``delvto`` that raises |Vth|: +1 or -1.
        avt_dw, avt_dl: added to width and length in the mismatch law [m].
        instance: ``M``, an instance of a model, or ``X``, of a subcircuit.
        alter: simulator parameter that shifts the threshold, with ``{path} {name} {model}`` to be filled in.
        unit: of the lengths on an instance of a subcircuit [m].
        parameters: ``w l ad as pd ps m`` to what an instance of the subcircuit calls it; what is missing is not stated.
        fixed: further parameters of an instance of the subcircuit.
        mismatch: laws of further parameters that vary.
        shift: systematic |Vth| shift of all of them in the process at hand [V].
        shared: see :attr:`netlists.testbench.Knob.shared`; empty unless global variation is drawn.
    """

    model: str
    polarity: str
    avt: float
    avt_of: str
    shift_sign: int
    avt_dw: float = 0.0
    avt_dl: float = 0.0
    instance: str = "M"
    alter: str = ALTER["M"]
    unit: float = 1.0
    parameters: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    mismatch: tuple[MismatchLaw, ...] = ()
    shift: float = 0.0
    shared: tuple[tuple[str, float], ...] = ()

    def written(self, w: float, length: float) -> dict[str, float | None]:
        """Parameters of an instance of the subcircuit by its own names and in its unit; None: they depend on layout."""
        known = {"w": w / self.unit, "l": length / self.unit, "m": 1.0}
        named = {name: known.get(key) for key, name in self.parameters.items()}
        return {**named, **self.fixed}

    def sigma_vth(self, w: float, length: float) -> float:
        """Standard deviation of the threshold voltage of one device [V], width and length in [m].

        Pelgrom's law (JSSC 24(5), 1989): AVT / sqrt(W L) for a coefficient of single devices; a pair's coefficient
        is divided by sqrt(2), because the variance of a difference is twice that of one device.
        """
        return self._pelgrom(self.avt, self.avt_of, w, length, (self.avt_dw, self.avt_dl))

    def sigma(self, law: MismatchLaw, nominal: float, w: float, length: float) -> float:
        """Standard deviation of another parameter of one device in its unit, around ``nominal``; sizes in [m]."""
        scale = nominal if law.relative else 1.0
        return abs(scale) * self._pelgrom(law.coefficient, law.of, w, length, (law.dw, law.dl))

    def _pelgrom(self, coefficient: float, of: str, w: float, length: float, more: tuple[float, float]) -> float:
        area = (w + more[0]) * (length + more[1])
        if area <= 0:
            raise TechnologyError(f"w={w:g} m, l={length:g} m is too small for the mismatch law of {self.model}")
        return coefficient / math.sqrt((2.0 if of == "pair" else 1.0) * area)

    def knob(self, path: str, name: str, parameter: str | None = None) -> str:
        """Simulator parameter of transistor ``name`` in the instance at ``path``; None: the one that shifts Vth."""
        threshold = self.alter.format(path=path, name=name, model=self.model).lower()
        return threshold if parameter is None else f"{threshold.partition('[')[0]}[{parameter.lower()}]"
