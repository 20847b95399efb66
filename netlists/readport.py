"""The read path of cells with a read port: one read bit line, precharged, and an inverter on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from netlists.column import Array
from netlists.readpath import ReadPath


@dataclass(frozen=True)
class ReadPort(ReadPath):
    """A read bit line RBL with one selected cell, whose driver pulls it down where Q is 0.

    The sense is single-ended as of domino logic: output R, an inverter on RBL, can only rise, and only after the line
    has fallen. Bit lines and word line of the cells are at rest. Attributes are those of :class:`netlists.ReadPath`,
    its driver of the word line here that of the read word line.
    """

    variants: ClassVar[tuple[str, ...]] = ("r",)
    word: ClassVar[str] = "rwl"
    chargers: ClassVar[Mapping[str, tuple[str, str]]] = {"pre": ("rbl", "")}

    outputs: str = "r"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()

    @property
    def lines(self) -> tuple[str, ...]:
        return ("rbl",)

    @property
    def readers(self) -> dict[str, tuple[str, float, tuple[str, ...]]]:
        return {"sense": ("inverter", 1.0, ("rbl", "r", "vr", "vss"))}

    @property
    def array(self) -> Array:
        return replace(super().array, read_port=True)


def read_port_of(readpath: ReadPath) -> ReadPort:
    """The read port's path of the same sizes and rows."""
    return ReadPort(**asdict(readpath) | {"outputs": "r", "held": False})
