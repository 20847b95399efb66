"""A plain PySpice loop: one shared ngspice, and for each sample PySpice's own way from the circuit to the arrays."""

from __future__ import annotations

import numpy as np
from PySpice.Spice.Netlist import Circuit
from PySpice.Spice.NgSpice.Shared import NgSpiceShared
from PySpice.Spice.Simulation import CircuitSimulator

from bench.workloads import Vectors, Workload, alterations
from netlists import Testbench
from netlists.analyses import Sweep


class AlteringNgSpice(NgSpiceShared):
    """PySpice's shared ngspice that sets a sample's knobs in every circuit it loads.

    Cheaper than writing each sample's circuit anew in Python, so the loop is not made slower than it need be.
    """

    alterations: tuple[str, ...] = ()

    def load_circuit(self, circuit: str) -> None:
        super().load_circuit(circuit)
        for command in self.alterations:
            self.exec_command(command)


def simulator(testbench: Testbench, ngspice: NgSpiceShared) -> CircuitSimulator:
    """PySpice's simulator of a testbench's deck."""
    circuit = Circuit(testbench.name)
    circuit.raw_spice = testbench.deck.split("\n", 1)[1]  # PySpice writes a title of its own
    return circuit.simulator(temperature=25, nominal_temperature=27, simulator="ngspice-shared", ngspice_shared=ngspice)


def solution(testbench: Testbench, spice: CircuitSimulator) -> Vectors:
    """One sample's vectors through PySpice's analyses."""
    analysis = testbench.analysis
    if isinstance(analysis, Sweep):
        step = (analysis.stop - analysis.start) / (analysis.points - 1)
        found = spice.dc(**{analysis.source: slice(analysis.start, analysis.stop, step)})
    else:
        found = spice.transient(step_time=analysis.max_step, end_time=analysis.stop, max_time=analysis.max_step)
    vectors = {name: np.array(wave) for name, wave in found.nodes.items()}
    return vectors | ({"time": np.array(found.time)} if analysis.axis else {})


def solve(workload: Workload, count: int) -> np.ndarray:
    """The workload's number of each of the first samples, one by one."""
    ngspice = AlteringNgSpice.new_instance()
    spice = simulator(workload.plain, ngspice)
    numbers = []
    for row in workload.samples(count):
        ngspice.alterations = alterations(workload.plain, row)
        numbers.append(workload.measure(solution(workload.plain, spice)))
    return np.array(numbers)
