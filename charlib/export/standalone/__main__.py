"""A network on the macros, layer by layer: ``python -m PACKAGE NETWORK [--csv FILE] [CONDITION]``."""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from dataclasses import fields
from pathlib import Path

from . import Condition, evaluate
from .table import OutsideTable


def main() -> int:
    """Prints the totals; 2 if the table has no such condition or there is no such file."""
    parser = argparse.ArgumentParser(prog=__package__, description="A network on characterized PIM macros, in ZigZag.")
    parser.add_argument("network", help="ONNX file, YAML of ZigZag, or mobilenetv2, resnet18, alexnet")
    parser.add_argument("--csv", type=Path, help="file for the layers")
    for field in fields(Condition):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    asked = vars(parser.parse_args())
    network, file = _find(asked.pop("network")), asked.pop("csv")
    logging.disable(logging.WARNING)
    try:
        if not network.is_file():
            raise FileNotFoundError(f"{network} is not there")
        found = evaluate(str(network), Condition(**asked))
    except (OutsideTable, FileNotFoundError) as error:
        print(f"{__package__}: {error}", file=sys.stderr)
        return 2
    rows = found.rows()
    if file:
        with file.open("w", newline="", encoding="utf-8") as lines:
            writer = csv.DictWriter(lines, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    condition, array = found.condition, sum(row["array_energy_j"] for row in rows)
    print(f"{condition.design}, {condition.process}, {condition.vdd:g} V, {condition.temp_c:g} degC")
    print(f"cycle    {condition.numbers['cycle_time_s'] * 1e9:8.4f} ns")
    print(f"area     {sum(condition.parts('area', 'm2').values()):8.4f} mm2, all macros, no memories")
    print(f"passes   {sum(row['operations'] for row in rows):8d}")
    print(f"latency  {found.latency * 1e3:8.4f} ms")
    print(f"energy   {found.energy * 1e6:8.2f} uJ, of it the array {array * 1e6:.2f} uJ")
    print(f"leakage  {found.leakage * 1e6:8.2f} uJ, beside ZigZag's energy")
    return 0


def _find(name: str) -> Path:
    """A file, or one of the networks that come with ZigZag."""
    import zigzag

    stored = Path(zigzag.__file__).parent / "inputs" / "workload" / f"{name}.onnx"
    return stored if stored.is_file() else Path(name)


if __name__ == "__main__":
    sys.exit(main())
