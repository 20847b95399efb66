"""What is simulated: technologies, cells and testbenches as text. Nothing here runs a simulator."""

from netlists.bitcells import Sram6T
from netlists.readpath import ReadPath
from netlists.technology import Technology
from netlists.testbench import Knob, Testbench
from netlists.testbenches import TESTBENCHES, Setting

__all__ = ["TESTBENCHES", "Knob", "ReadPath", "Setting", "Sram6T", "Technology", "Testbench"]
