"""Synthetic tables that tests of several packages share: laws simple enough to check by hand, in the real format."""

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.gatenumbers import NEEDED
from charlib.logicdata import gate_events
from netlists.arcs import levels_text, rest_states
from netlists.logic import GATES

CELL_AREA = 0.12e-12
SPREAD = 0.05


def synthetic_table() -> xr.Dataset:
    """SYNTHETIC, not silicon: delays ~ vdd^-1.5, energies ~ vdd^2, 5 % spread, ss slower by 20 %, ff faster."""
    coords = {"process": ["tt", "ff", "ss"], "vdd": [0.7, 0.8, 0.9, 1.0], "temp": [300.15]}
    vdd = xr.DataArray(coords["vdd"], dims="vdd", coords={"vdd": coords["vdd"]})
    corner = xr.DataArray([1.0, 0.8, 1.2], dims="process", coords={"process": coords["process"]})
    slow = (corner * (0.9 / vdd) ** 1.5).expand_dims(temp=coords["temp"])
    square = ((vdd / 0.9) ** 2 * xr.ones_like(corner)).expand_dims(temp=coords["temp"])
    laws = {
        "t_read_p": (100e-12 * slow, "s"),
        "t_read_n": (105e-12 * slow, "s"),
        "e_read": (3.0e-15 * square, "J"),
        "t_read_single": (99e-12 * slow, "s"),
        "e_read_single": (2.5e-15 * square, "J"),
        "i_leak": (20e-12 * square, "A"),
        "t_fo4": (15e-12 * slow, "s"),
    }
    table = xr.Dataset(attrs={"technology": "synthetic", "seed": 1, "ngspice_version": "none"})
    for name, (values, unit) in laws.items():
        mean = values.transpose("process", "vdd", "temp")
        count = xr.full_like(mean, 100, dtype=int)
        attrs = {"units": unit, "long_name": f"synthetic {name}"}
        table[name] = mean.assign_attrs(attrs)
        table[f"{name}_std"] = (SPREAD * mean).assign_attrs(attrs)
        table[f"{name}_n_ok"] = count.assign_attrs(units="1")
        table[f"{name}_n_failed"] = (0 * count).assign_attrs(units="1")
        table[f"{name}_n_unknown"] = (0 * count).assign_attrs(units="1")
    table["vdd"].attrs = {"units": "V", "long_name": "supply voltage"}
    table["temp"].attrs = {"units": "K", "long_name": "temperature"}
    return table


@dataclass(frozen=True)
class Flat:
    """SYNTHETIC gates: the same numbers at every slew, load and event; all scale with VDD^2, delays with 1/VDD."""

    delay: float = 10e-12
    slew: float = 20e-12
    energy: float = 2e-15
    pin: float = 0.3e-15
    leakage: float = 1e-9
    setup: float = 5e-12


FLAT = Flat()


def synthetic_gates(vdds=(0.7, 0.8, 0.9, 1.0), processes=("tt", "ff", "ss"), temps=(300.15,)) -> xr.Dataset:
    """Table of gates in the real format, of ``FLAT``; ``periphery.nc`` without statuses."""
    events = [event for kind in NEEDED for event in gate_events(kind)]
    arcs = [arc for event in events for arc in event.arcs]
    pins = [(kind, pin) for kind in NEEDED for pin in GATES[kind].inputs]
    states = [(kind, levels) for kind in NEEDED for levels, _ in rest_states(kind)]
    found = xr.Dataset(
        coords={
            "process": list(processes), "vdd": list(vdds), "temp": list(temps), "gate": list(NEEDED),
            "slew": ("slew", [1e-12, 1e-9], {"units": "s"}), "load": ("load", [1e-17, 1e-13], {"units": "F"}),
            "event": [e.name for e in events], "arc": [a.name for a in arcs],
            "arc_output": ("arc", [a.output for a in arcs]), "arc_output_edge": ("arc", [a.edge for a in arcs]),
            "pin": [f"{kind} {pin}" for kind, pin in pins],
            "pin_gate": ("pin", [kind for kind, _ in pins]), "pin_name": ("pin", [pin for _, pin in pins]),
            "state": list(range(len(states))), "state_gate": ("state", [kind for kind, _ in states]),
            "state_levels": ("state", [_levels(*state) for state in states]),
            "constraint": ["dff setup rise", "dff hold rise"], "constraint_gate": ("constraint", ["dff", "dff"]),
            "constraint_what": ("constraint", ["setup", "hold"]),
        }
    )  # fmt: skip
    for dim, rows in (("event", events), ("arc", [a.event for a in arcs])):
        for column, name in (("gate", "kind"), ("pin", "pin"), ("edge", "edge"), ("side", "state")):
            found = found.assign_coords({f"{dim}_{column}": (dim, [getattr(row, name) for row in rows])})
    ones = xr.DataArray(np.ones((len(processes), len(vdds), len(temps))), dims=("process", "vdd", "temp"))
    square, slow = ones * found["vdd"] ** 2, ones / found["vdd"]
    grid = xr.DataArray(np.ones((2, 2)), dims=("slew", "load"))
    for name, dim, value in (
        ("delay", "arc", FLAT.delay * slow * grid), ("output_slew", "arc", FLAT.slew * ones * grid),
        ("energy", "event", FLAT.energy * square * grid), ("capacitance", "pin", FLAT.pin * ones),
        ("leakage", "state", FLAT.leakage * ones), ("constraint_time", "constraint", FLAT.setup * slow),
    ):  # fmt: skip
        full = value.expand_dims({dim: found[dim]})
        found[name] = full.transpose("process", "vdd", "temp", dim, ...).drop_attrs()
    return found


def _levels(kind: str, levels: tuple[int, ...]) -> str:
    """A state as text; what a flip-flop holds is 0."""
    gate = GATES[kind]
    held = [(output, 0) for output in gate.outputs] if gate.clock else []
    return levels_text([*zip(gate.inputs, levels, strict=True), *held])


def made_up_mram(vdds=(0.9, 1.0)) -> xr.Dataset:
    """MADE-UP numbers of an MRAM cell at tt, not of any device: the same at every supply, 2 % of the ANDs wrong."""
    at = {"process": ["tt"], "vdd": list(vdds), "temp": [300.15]}
    ones = xr.DataArray(np.ones((1, len(vdds), 1)), at, list(at))
    cell = {"kind": "stt1t1m", "w_access": 600e-9, "l": 30e-9, "pulse": 10e-9}
    table = xr.Dataset(attrs={"technology": "predictive28", "cell": json.dumps(cell), "samples": 0})
    made = (("e_and", 20e-15, "J"), ("t_and", 1e-9, "s"), ("t_recharge_and", 2e-9, "s"), ("e_switch", 1e-12, "J"))
    for name, value, unit in made:
        table[name] = (value * ones).assign_attrs(units=unit, long_name=f"made-up {name}")
        for count, number in (("n_ok", 98), ("n_failed", 2), ("n_unknown", 0)):
            table[f"{name}_{count}"] = number * ones.astype(int)
    table["vdd"].attrs = {"units": "V", "long_name": "supply voltage"}
    table["temp"].attrs = {"units": "K", "long_name": "temperature"}
    return table
