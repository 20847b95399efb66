"""PySpice circuits by rule: diffusions on every transistor, one subcircuit per name, knobs found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySpice.Spice.Netlist import Circuit, Element, Netlist, SubCircuit

from netlists.analyses import Sweep
from netlists.slim import Size
from netlists.technology import Device, Technology
from netlists.testbench import Knob

GMIN = 1e-21
"""Conductance the solver adds to each junction [S].

The default of 1e-12 S would leak as much as ten cells. A cell of SKY130 leaks 3e-17 A (ss, 0.9 V, -40 degC), of which
this is two ten-thousandths.
"""


@dataclass(frozen=True)
class Transistor:
    """One transistor of a subcircuit.

    Attributes:
        name: element name without the leading M.
        role: key of ``Technology.devices``.
        nodes: drain, gate, source, bulk.
        w, length: channel width and length [m].
        drain, source: layout of each diffusion, ``end`` (own contact) or ``shared`` (half of a contact).
        multiplier: number of equal devices in parallel.
        fingers: number that the width is divided into.
        written: every parameter of the instance, sizes included, under the model's own names and in its unit, where a
            netlist states them; None: sizes and diffusions by the layout rule.
    """

    name: str
    role: str
    nodes: tuple[str, str, str, str]
    w: float
    length: float
    drain: str = "shared"
    source: str = "shared"
    multiplier: float = 1
    fingers: float = 1
    written: Mapping[str, float] | None = None

    @property
    def size(self) -> Size:
        """Width of one finger, and length."""
        return Size(self.w / self.fingers, self.length)


def diffusion(technology: Technology, w: float, layout: str) -> tuple[float, float]:
    """Area [m2] and perimeter [m], gate edge included, of one diffusion of a transistor of width ``w`` [m].

    Half of a shared contact has no edge towards its neighbour, so its perimeter counts the gate edge and two sides.
    """
    if layout == "shared":
        length = technology.geometry.diffusion_shared
        return w * length, w + 2 * length
    length = technology.geometry.diffusion_end
    return w * length, 2 * (w + length)


def add_transistors(netlist: Netlist, technology: Technology, transistors: Iterable[Transistor]) -> None:
    """Draw transistors with their diffusions into a circuit or subcircuit, as models or subcircuits."""
    for t in transistors:
        device = technology.devices[t.role]
        if t.written is None:
            element = _add_by_rule(netlist, technology, t)
        elif device.instance == "M":
            parameters = " ".join(f"{name}={value!r}" for name, value in t.written.items())
            element = netlist.MOSFET(t.name, *t.nodes, model=device.model, raw_spice=parameters)
        else:
            parameters = {name: f"{value:.12g}" for name, value in {**device.fixed, **t.written}.items()}
            element = netlist.X(t.name, device.model, *t.nodes, **parameters)
        element.size = t.size


def _add_by_rule(netlist: Netlist, technology: Technology, t: Transistor) -> Element:
    """Draw one transistor with the diffusions of the layout rule."""
    device = technology.devices[t.role]
    drain_area, drain_perimeter = diffusion(technology, t.w, t.drain)
    source_area, source_perimeter = diffusion(technology, t.w, t.source)
    if device.instance == "M":
        return netlist.MOSFET(
            t.name, *t.nodes, model=device.model, width=t.w, length=t.length,
            drain_area=drain_area, source_area=source_area,
            drain_perimeter=drain_perimeter, source_perimeter=source_perimeter, multiplier=t.multiplier,
        )  # fmt: skip
    lengths = {"w": t.w, "l": t.length, "pd": drain_perimeter, "ps": source_perimeter}
    areas = {"ad": drain_area, "as": source_area}
    return netlist.X(t.name, device.model, *t.nodes, **instance_parameters(device, lengths, areas, t.multiplier))


def instance_parameters(
    device: Device, lengths: Mapping[str, float], areas: Mapping[str, float], multiplier: float
) -> dict[str, str]:
    """Parameters of a subcircuit's instance under its own names and in its own unit.

    Args:
        device: what is drawn.
        lengths: ``w l pd ps`` [m].
        areas: ``ad as`` [m2].
        multiplier: number of equal devices in parallel.
    """
    values = {key: value / device.unit for key, value in lengths.items()}
    values |= {key: value / device.unit**2 for key, value in areas.items()} | {"m": multiplier}
    named = {device.parameters[key]: value for key, value in values.items() if key in device.parameters}
    return {name: f"{value:.12g}" for name, value in {**named, **device.fixed}.items()}


def instance_text(
    device: Device, name: str, nodes: Sequence[str], lengths: Mapping[str, float], areas: Mapping[str, float]
) -> str:
    """Deck line of one transistor with sizes and diffusions of its own; arguments as :func:`instance_parameters`.

    >>> instance_text(Device("nmos", "n", 1e-9, "pair", 1), "1", "dgsb", {"w": 1e-6, "l": 5e-8}, {"ad": 0.0})
    'm1 d g s b nmos w=1e-06 l=5e-08 ad=0.0'
    """
    if device.instance == "M":
        parameters = {key: repr(value) for key, value in {**lengths, **areas}.items()}
    else:
        parameters = instance_parameters(device, lengths, areas, 1)
    assignments = " ".join(f"{key}={value}" for key, value in parameters.items())
    return f"{device.instance.lower()}{name} {' '.join(nodes)} {device.model} {assignments}"


def transistor_knobs(
    technology: Technology,
    transistors: Iterable[Transistor],
    path: str,
    instances: Iterable[str],
    shifts: dict[str, float] | None = None,
    mismatch: bool = True,
) -> dict[str, Knob]:
    """Knobs of the transistors of a subcircuit.

    Args:
        technology: gives the laws of each role, at the process it is simulated in.
        transistors: of the subcircuit.
        path: path of the subcircuit for random numbers, such as ``cell``.
        instances: hierarchical names of its instances, such as ``xcell.xl``; all are set alike.
        shifts: systematic |Vth| shift [V] by transistor name.
        mismatch: each varies by itself; if not, there are knobs only where the whole die is shifted.

    Returns:
        ``path.name`` to the :class:`Knob` of the threshold, ``path.name:law`` to that of another parameter, in the
        order of the transistors.
    """
    names = tuple(instances)
    knobs = {}
    for t in transistors:
        device = technology.devices[t.role]
        if not (mismatch or device.shift or device.shared):
            continue
        share = math.sqrt(t.multiplier)  # equal devices set alike vary as their mean
        knobs[f"{path}.{t.name}"] = Knob(
            parameters=tuple(device.knob(i, t.name) for i in names),
            sigma=device.sigma_vth(t.w, t.length) / share if mismatch else 0.0,
            sign=device.shift_sign,
            shift=device.shift + (shifts or {}).get(t.name, 0.0),
            shared=device.shared,
        )
        for law in device.mismatch if mismatch else ():
            nominal = technology.nominal(device, law, *t.size)
            knobs[f"{path}.{t.name}:{law.name}"] = Knob(
                parameters=tuple(device.knob(i, t.name, law.parameter) for i in names),
                sigma=device.sigma(law, nominal, t.w, t.length) / share,
                sign=1,
                nominal=nominal,
                card=law.card,
            )
    return knobs


def nanometres(**lengths: float) -> str:
    """Subcircuit-name suffix that spells out its parameters, so that two cells never share a name.

    >>> nanometres(pd=105e-9, l=30.5e-9)
    'pd105_l30p5'
    """
    return "_".join(f"{key}{value * 1e9:.12g}".replace(".", "p") for key, value in lengths.items())


def add_subcircuit(circuit: Circuit, subcircuit: SubCircuit) -> None:
    """Define a subcircuit once; another one of the same name is an error, never a silent replacement."""
    for known in circuit.subcircuits:
        if known.name == subcircuit.name:
            if str(known) != str(subcircuit):
                raise ValueError(f"two different subcircuits are named {subcircuit.name}")
            return
    circuit.subcircuit(subcircuit)


class TechnologyCircuit(Circuit):
    """A circuit of one technology at one corner and temperature [K]; :func:`deck_text` gives it its models."""

    def __init__(self, title: str, technology: Technology, process: str, temp: float) -> None:
        super().__init__(title)
        self.technology, self.process, self.temp = technology, process, temp


def drawn_sizes(circuit: TechnologyCircuit) -> dict[str, set[Size]]:
    """Every transistor's model or subcircuit to the sizes in which the circuit and its subcircuits draw it."""
    models = {device.model for device in circuit.technology.devices.values()}
    sizes: dict[str, set[Size]] = {}
    for netlist in (circuit, *circuit.subcircuits):
        for element in netlist.elements:
            name = getattr(element, "subcircuit_name", None) or getattr(element, "model", None)
            if name in models:
                sizes.setdefault(name, set()).add(element.size)
    return sizes


def new_circuit(title: str, technology: Technology, process: str, temp: float) -> TechnologyCircuit:
    """A circuit of one technology at one corner and temperature [K]."""
    return TechnologyCircuit(title, technology, process, temp)


def add_places(circuit: Circuit, places: Iterable[float], **others: Iterable[float]) -> Sweep:
    """A source ``s`` that takes given voltages in turn [V], as close or as far apart as they are.

    Args:
        others: further sources by name, and as many voltages that each takes meanwhile [V].

    Returns:
        The sweep over them, one point each.
    """
    circuit.V("sweep", "index", "0", 0.0)
    for name, voltages in {"s": places, **others}.items():
        steps = [float(place) for place in voltages]
        table = ", ".join(f"{i}, {place!r}" for i, place in enumerate(steps))
        source = "places" if name == "s" else f"places_{name}"
        circuit.B(source, name, "0", voltage_expression=f"pwl(V(index), {table})")
    return Sweep("vsweep", 0.0, len(steps) - 1.0, len(steps))


def first_guesses(levels: Mapping[str, float]) -> list[str]:
    """Deck lines from which an operating point is looked for: nodes to their levels [V].

    >>> first_guesses({"q": 1.0})
    ['.nodeset v(q)=1.0']
    """
    return [f".nodeset v({node})={level!r}" for node, level in levels.items()]


def deck_text(circuit: TechnologyCircuit, probes: Iterable[str], lines: Iterable[str] = ()) -> str:
    """Netlist text of a circuit with its models, the vectors to keep and further lines, such as :func:`first_guesses`.

    Raises:
        TechnologyError: a transistor's size is outside of what its model covers.
    """
    celsius = round(circuit.temp - 273.15, 9)
    models = circuit.technology.model_text(circuit.process, drawn_sizes(circuit)).rstrip()
    circuit.raw_spice = f"{models}\n.options gmin={GMIN!r} temp={celsius!r}\n"
    return "\n".join([str(circuit).rstrip(), *lines, f".save {' '.join(probes)}", ""])
