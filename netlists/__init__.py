"""What is simulated: technologies, cells and testbenches as text. Nothing here runs a simulator."""

from netlists.bitcells import Cell, Sram6T, Sram8T
from netlists.mramcells import Sot2T1M, Stt1T1M
from netlists.mtj import JUNCTIONS, Junction, Strip
from netlists.netlistcell import CellError, NetlistCell
from netlists.readpath import ReadPath
from netlists.technology import Technology
from netlists.testbench import Knob, Testbench
from netlists.testbenches import TESTBENCHES, Setting

__all__ = [
    "JUNCTIONS", "TESTBENCHES", "Cell", "CellError", "Junction", "Knob", "NetlistCell", "ReadPath", "Setting",
    "Sot2T1M", "Sram6T", "Sram8T", "Strip", "Stt1T1M", "Technology", "Testbench",
]  # fmt: skip
