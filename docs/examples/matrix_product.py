"""A matrix product of 64 x 128 by 128 x 128 on one multiplier, in AccelForge (docs/export-hwcomponents.md).

Run it with Python 3.12, AccelForge and the exported package: ``PYTHONPATH=plugins python docs/examples/accelforge.py``.
"""

from pathlib import Path

import accelforge
from accelforge.examples import examples

ARCHITECTURE = Path(__file__).with_suffix(".yaml")


def main():
    """Prints time [s] and energy [J], leakage included, of the best mapping."""
    sizes = {"N_EINSUMS": 1, "M": 64, "KN": 128}
    spec = accelforge.Spec.from_yaml(str(ARCHITECTURE), examples.workloads.matmuls, jinja_parse_data=sizes)
    found = spec.map_workload_to_arch()
    print(f"latency {found.latency():.6e} s")
    for name, energy in found.energy(per_component=True).items():
        print(f"{name} {energy:.6e} J")


if __name__ == "__main__":
    main()
