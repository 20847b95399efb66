"""Laws of variation: mismatch of single transistors, and what all transistors of a die share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

DRAWN = "mc"
"""Process whose transistors are drawn around the typical cards; ``mc_ss`` around those of the corner ``ss``."""

SHARED = {"n": "global.n", "p": "global.p"}
"""Transistor type to the path of the random number that a die's transistors of this type share."""

CORNERS: Mapping[str, tuple[int, int]] = {"tt": (0, 0), "ff": (-1, -1), "ss": (1, 1), "fs": (-1, 1), "sf": (1, -1)}
"""Corner to the sign of the |Vth| shift of its NMOS and its PMOS: fast is low."""


def drawn(corner: str) -> str:
    """What a process is called when global variation is drawn on top of a corner.

    >>> drawn("tt"), drawn("ss")
    ('mc', 'mc_ss')
    """
    return DRAWN if corner == "tt" else f"{DRAWN}_{corner}"


def corner_of(process: str) -> str:
    """Corner whose cards a process has; the inverse of :func:`drawn` for what is drawn.

    >>> corner_of("mc"), corner_of("mc_ss"), corner_of("ff")
    ('tt', 'ss', 'ff')
    """
    return "tt" if process == DRAWN else process.removeprefix(f"{DRAWN}_")


@dataclass(frozen=True)
class MismatchLaw:
    """How one parameter of a transistor besides its threshold voltage varies: coefficient / sqrt(area).

    Attributes:
        name: of the law, such as ``tox``; part of the path of its random numbers.
        parameter: of the simulator.
        coefficient: of Pelgrom's law: standard deviation times square root of the area, relative to ``nominal`` [m]
            or in the parameter's unit times metre.
        relative: which of the two.
        of: ``pair`` or ``device``, as for the threshold voltage.
        dw, dl: added to width and length in the law [m].
        card: the parameter stands on the transistor's own model card, not on its instance.
        nominal: value around which it varies; None: that of the card.
    """

    name: str
    parameter: str
    coefficient: float
    relative: bool
    of: str
    dw: float = 0.0
    dl: float = 0.0
    card: bool = False
    nominal: float | None = None


@dataclass(frozen=True)
class GlobalLaw:
    """Threshold variation from die to die: a normal distribution of two variables.

    Attributes:
        sigma_n, sigma_p: standard deviation of |Vth| of all NMOS and of all PMOS of a die [V].
        correlation: between the two [1].
        source: citation, or the word ``assumed`` and the reason.
        corner_sigma: distance of corners that have no cards of their own [1]; None: there are none.
    """

    sigma_n: float
    sigma_p: float
    correlation: float
    source: str
    corner_sigma: float | None = None

    def shares(self, polarity: str) -> tuple[tuple[str, float], ...]:
        """Paths of independent standard normals and what each adds to |Vth| of one transistor type [V].

        The NMOS takes ``global.n`` alone; the PMOS mixes both (Cholesky's factor of the correlation matrix).
        """
        if polarity == "n":
            return ((SHARED["n"], self.sigma_n),)
        independent = math.sqrt(1.0 - self.correlation**2)
        return ((SHARED["n"], self.sigma_p * self.correlation), (SHARED["p"], self.sigma_p * independent))

    def distance(self, shift_n: float, shift_p: float) -> float:
        """Mahalanobis distance of a pair of |Vth| shifts [V] from the mean, in sigma [1]."""
        n, p, rho = shift_n / self.sigma_n, shift_p / self.sigma_p, self.correlation
        return math.sqrt((n * n - 2 * rho * n * p + p * p) / (1.0 - rho * rho))

    def point(self, corner: str, distance: float) -> dict[str, float]:
        """|Vth| shifts [V] by transistor type of a corner at a distance [1] from the mean.

        All corners lie on one ellipse; ff and ss on its one axis, fs and sf on its other one, in units of each
        type's own standard deviation.
        """
        n, p = CORNERS[corner]
        along = distance * math.sqrt((1.0 + n * p * self.correlation) / 2.0)
        return {"n": n * along * self.sigma_n, "p": p * along * self.sigma_p}
