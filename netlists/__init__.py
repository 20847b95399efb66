"""What is simulated: technologies, cells and testbenches as text. Nothing here runs a simulator."""

from netlists.bitcells import Cell, Sram6T, Sram8T
from netlists.netlistcell import CellError, NetlistCell
from netlists.readpath import ReadPath
from netlists.technology import Technology
from netlists.testbench import Knob, Testbench
from netlists.testbenches import TESTBENCHES, Setting

__all__ = [
    "TESTBENCHES", "Cell", "CellError", "Knob", "NetlistCell", "ReadPath", "Setting", "Sram6T", "Sram8T", "Technology",
    "Testbench",
]  # fmt: skip
