"""Testbenches with further parts in their decks."""

from dataclasses import replace

from netlists import Testbench


def loaded(bench: Testbench, node: str, farad: float) -> Testbench:
    """The same with a further capacitor [F] from a node to ground."""
    return replace(bench, deck=f"{bench.deck}cfurther_{node} {node} 0 {farad!r}\n")
