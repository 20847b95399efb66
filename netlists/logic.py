"""Static CMOS gates as tables of transistors, their widths in unit widths of the technology.

Transistors in series are widened by their number, so that every gate drives about as a unit inverter does, and the
late input is next to the output. Inputs go to gates of transistors only, and an output to nothing inside: what drives
a gate sees a capacitance that does not depend on the gate's load, which tables over slew and load take for granted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres, transistor_knobs
from netlists.technology import Technology
from netlists.testbench import Knob

RAILS = ("vdd", "vss")


@dataclass(frozen=True)
class Mos:
    """One row of a gate's table.

    Attributes:
        name: element name without the leading M. role: ``n`` or ``p``, key of ``Technology.devices``.
        drain, gate, source: nodes; the bulk is on the rail of the role.
        width: in unit widths of the role [1].
    """

    name: str
    role: str
    drain: str
    gate: str
    source: str
    width: float = 1.0


@dataclass(frozen=True)
class Memory:
    """What a clocked gate begins with: the level of what it stores, and that of its clock."""

    stored: int
    clock: int


@dataclass(frozen=True)
class Gate:
    """A static CMOS gate.

    Attributes:
        inputs, outputs: ports; ``vdd`` and ``vss`` follow them.
        function: levels of the inputs, 0 or 1 each, to those of the outputs. Of a clocked gate: to what the outputs
            become at the clock's rising edge; they stay as they are otherwise.
        table: its transistors.
        clock: input at whose rising edge a clocked gate takes its data; empty for a gate without memory.
        storage: of a clocked gate, nets and outputs that hold what it stores, to their levels where that is 1.
        latched: those that do so while the clock is high, and follow the data while it is low.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    function: Callable[..., tuple[int, ...]]
    table: tuple[Mos, ...]
    clock: str = ""
    storage: Mapping[str, int] = field(default_factory=dict)
    latched: Mapping[str, int] = field(default_factory=dict)

    @property
    def data(self) -> str:
        """The data input of a clocked gate."""
        return next(name for name in self.inputs if name != self.clock)

    @property
    def memories(self) -> tuple[Memory | None, ...]:
        """What it can begin with; None alone for a gate without memory."""
        return tuple(Memory(s, c) for s in (0, 1) for c in (0, 1)) if self.clock else (None,)

    def held(self, memory: Memory | None) -> dict[str, int]:
        """Levels of the nets and outputs that hold what it begins with."""
        if memory is None:
            return {}
        nets = {**self.storage, **(self.latched if memory.clock else {})}
        return {net: one if memory.stored else 1 - one for net, one in nets.items()}

    @property
    def ports(self) -> tuple[str, ...]:
        return (*self.inputs, *self.outputs, *RAILS)

    def transistors(self, technology: Technology, scale: float = 1.0) -> tuple[Transistor, ...]:
        """Transistors of ``scale`` times the table's widths.

        Diffusions of one net and role are shared in pairs, an odd one has an end of its own; those on a rail are
        shared with the neighbouring gate.
        """
        unit = {"n": technology.w_n, "p": technology.w_p}
        count: dict[tuple[str, str], int] = {}
        for mos in self.table:
            for net in (mos.drain, mos.source):
                count[mos.role, net] = count.get((mos.role, net), 0) + 1
        layouts: dict[tuple[str, str], int] = {}

        def layout(role: str, net: str) -> str:
            layouts[role, net] = layouts.get((role, net), 0) + 1
            alone = layouts[role, net] == count[role, net] and count[role, net] % 2
            return "end" if alone and net not in RAILS else "shared"

        return tuple(
            Transistor(
                m.name, m.role, (m.drain, m.gate, m.source, "vss" if m.role == "n" else "vdd"),
                unit[m.role] * m.width * scale, technology.length,
                drain=layout(m.role, m.drain), source=layout(m.role, m.source),
            )
            for m in self.table
        )  # fmt: skip


def _placed(prefix: str, table: Iterable[Mos], nodes: Mapping[str, str], scale: float = 1.0) -> tuple[Mos, ...]:
    """A table as part of a larger one: elements and inner nets prefixed, ports renamed, widths scaled."""

    def net(name: str) -> str:
        return name if name in RAILS else nodes.get(name, f"{prefix}_{name}")

    return tuple(
        replace(m, name=f"{prefix}_{m.name}", drain=net(m.drain), gate=net(m.gate), source=net(m.source),
                width=m.width * scale)
        for m in table
    )  # fmt: skip


def _chain(*widths: float) -> tuple[Mos, ...]:
    """Inverters one after the other from ``a`` to ``y``, of given widths in unit inverters."""
    nets = ["a", *(f"x{i}" for i in range(1, len(widths))), "y"]
    pairs = zip(nets, nets[1:], widths, strict=False)
    return tuple(m for i, (a, y, w) in enumerate(pairs) for m in _placed(f"s{i}", INVERTER, {"a": a, "y": y}, w))


def _passed(prefix: str, a: str, y: str, on: str, on_b: str) -> tuple[Mos, ...]:
    """Transmission gate between two nets, open where ``on`` is high."""
    return Mos(f"{prefix}_n", "n", y, on, a), Mos(f"{prefix}_p", "p", y, on_b, a)


def _held(prefix: str, a: str, y: str, on: str, on_b: str) -> tuple[Mos, ...]:
    """Clocked inverter of unit widths that holds a storage node where ``on`` is high: half the drive of what writes."""
    return (
        Mos(f"{prefix}_n", "n", y, on, f"{prefix}_nx"),
        Mos(f"{prefix}_na", "n", f"{prefix}_nx", a, "vss"),
        Mos(f"{prefix}_p", "p", y, on_b, f"{prefix}_px"),
        Mos(f"{prefix}_pa", "p", f"{prefix}_px", a, "vdd"),
    )


INVERTER = (Mos("n", "n", "y", "a", "vss"), Mos("p", "p", "y", "a", "vdd"))

NAND2 = (
    Mos("na", "n", "y", "a", "x", 2),
    Mos("nb", "n", "x", "b", "vss", 2),
    Mos("pa", "p", "y", "a", "vdd"),
    Mos("pb", "p", "y", "b", "vdd"),
)

NOR2 = (
    Mos("na", "n", "y", "a", "vss"),
    Mos("nb", "n", "y", "b", "vss"),
    Mos("pa", "p", "y", "a", "x", 2),
    Mos("pb", "p", "x", "b", "vdd", 2),
)

AO22 = (
    Mos("na", "n", "yn", "a", "xab", 2),
    Mos("nb", "n", "xab", "b", "vss", 2),
    Mos("nc", "n", "yn", "c", "xcd", 2),
    Mos("nd", "n", "xcd", "d", "vss", 2),
    Mos("pa", "p", "yn", "a", "xp", 2),
    Mos("pb", "p", "yn", "b", "xp", 2),
    Mos("pc", "p", "xp", "c", "vdd", 2),
    Mos("pd", "p", "xp", "d", "vdd", 2),
    *_placed("out", INVERTER, {"a": "yn", "y": "y"}),
)
"""AOI22 and an inverter, because sums of products are wanted as they are, and the load then drives no stack."""

XOR2 = (
    *_placed("ia", INVERTER, {"a": "a", "y": "an"}),
    *_placed("ib", INVERTER, {"a": "b", "y": "bn"}),
    Mos("na", "n", "y", "a", "x1", 2),
    Mos("nb", "n", "x1", "b", "vss", 2),
    Mos("nan", "n", "y", "an", "x2", 2),
    Mos("nbn", "n", "x2", "bn", "vss", 2),
    Mos("pa", "p", "y", "a", "x3", 2),
    Mos("pbn", "p", "x3", "bn", "vdd", 2),
    Mos("pan", "p", "y", "an", "x4", 2),
    Mos("pb", "p", "x4", "b", "vdd", 2),
)
"""Complementary form of twelve transistors: no pass transistors, so the output is driven by the rails alone."""

MUX2 = (
    *_placed("ia", INVERTER, {"a": "a", "y": "an"}),
    *_placed("ib", INVERTER, {"a": "b", "y": "bn"}),
    *_placed("is", INVERTER, {"a": "s", "y": "sn"}),
    *_passed("ta", "an", "yn", "sn", "s"),
    *_passed("tb", "bn", "yn", "s", "sn"),
    *_placed("out", INVERTER, {"a": "yn", "y": "y"}),
)
"""Transmission gates between inverters; bare ones would hand their load on to whatever drives them."""

HALF_ADDER = (
    *_placed("sum", XOR2, {"a": "a", "b": "b", "y": "s"}),
    *_placed("and", NAND2, {"a": "a", "b": "b", "y": "cn"}),
    *_placed("out", INVERTER, {"a": "cn", "y": "co"}),
)

FULL_ADDER = (
    Mos("pa", "p", "x1", "a", "vdd", 2),
    Mos("pb", "p", "x1", "b", "vdd", 2),
    Mos("pc", "p", "con", "ci", "x1", 2),
    Mos("pab", "p", "x2", "b", "vdd", 2),
    Mos("paa", "p", "con", "a", "x2", 2),
    Mos("na", "n", "x3", "a", "vss", 2),
    Mos("nb", "n", "x3", "b", "vss", 2),
    Mos("nc", "n", "con", "ci", "x3", 2),
    Mos("nab", "n", "x4", "b", "vss", 2),
    Mos("naa", "n", "con", "a", "x4", 2),
    Mos("spa", "p", "x5", "a", "vdd"),
    Mos("spb", "p", "x5", "b", "vdd"),
    Mos("spc", "p", "x5", "ci", "vdd"),
    Mos("spm", "p", "sn", "con", "x5"),
    Mos("sp3", "p", "x6", "a", "vdd"),
    Mos("sp2", "p", "x7", "b", "x6"),
    Mos("sp1", "p", "sn", "ci", "x7"),
    Mos("sna", "n", "x8", "a", "vss"),
    Mos("snb", "n", "x8", "b", "vss"),
    Mos("snc", "n", "x8", "ci", "vss"),
    Mos("snm", "n", "sn", "con", "x8"),
    Mos("sn3", "n", "x9", "a", "vss"),
    Mos("sn2", "n", "x10", "b", "x9"),
    Mos("sn1", "n", "sn", "ci", "x10"),
    *_placed("oc", INVERTER, {"a": "con", "y": "co"}),
    *_placed("os", INVERTER, {"a": "sn", "y": "s"}),
)
"""Mirror adder of 28 transistors (Weste, Eshraghian, Principles of CMOS VLSI Design, 2nd edition, 1993, chapter 8).

The carry in is next to the outputs. Transistors of the sum are of unit width, in series as well: a ripple goes through
one sum and many carries, which they then load least.
"""

COMPRESSOR42 = (
    *_placed("first", FULL_ADDER, {"a": "a", "b": "b", "ci": "c", "co": "co", "s": "sum"}),
    *_placed("second", FULL_ADDER, {"a": "d", "b": "ci", "ci": "sum", "co": "carry", "s": "s"}),
)
"""Two full adders; the first one's sum, the last to come, takes the fast input of the second one."""

DFF = (
    *_placed("ic", INVERTER, {"a": "clk", "y": "cn"}),
    *_placed("ip", INVERTER, {"a": "cn", "y": "cp"}),
    *_placed("id", INVERTER, {"a": "d", "y": "dn"}),
    *_passed("tm", "dn", "m", "cn", "cp"),
    *_placed("im", INVERTER, {"a": "m", "y": "mn"}),
    *_held("hm", "mn", "m", "cp", "cn"),
    *_passed("ts", "mn", "l", "cp", "cn"),
    *_placed("il", INVERTER, {"a": "l", "y": "ln"}),
    *_held("hl", "ln", "l", "cn", "cp"),
    *_placed("out", INVERTER, {"a": "ln", "y": "q"}),
)
"""Master and slave latch of transmission gates, held by clocked inverters; the output is apart from what is stored."""


def _full_adder(a: int, b: int, ci: int) -> tuple[int, int]:
    return (a + b + ci) % 2, (a + b + ci) // 2


def _compressor42(a: int, b: int, c: int, d: int, ci: int) -> tuple[int, int, int]:
    first, co = _full_adder(a, b, c)
    s, carry = _full_adder(d, ci, first)
    return s, carry, co


GATES: Mapping[str, Gate] = {
    "inverter": Gate(("a",), ("y",), lambda a: (1 - a,), INVERTER),
    "nand2": Gate(("a", "b"), ("y",), lambda a, b: (1 - (a & b),), NAND2),
    "nor2": Gate(("a", "b"), ("y",), lambda a, b: (1 - (a | b),), NOR2),
    "ao22": Gate(("a", "b", "c", "d"), ("y",), lambda a, b, c, d: ((a & b) | (c & d),), AO22),
    "xor2": Gate(("a", "b"), ("y",), lambda a, b: (a ^ b,), XOR2),
    "mux2": Gate(("a", "b", "s"), ("y",), lambda a, b, s: (b if s else a,), MUX2),
    "half_adder": Gate(("a", "b"), ("s", "co"), lambda a, b: (a ^ b, a & b), HALF_ADDER),
    "full_adder": Gate(("a", "b", "ci"), ("s", "co"), _full_adder, FULL_ADDER),
    "compressor42": Gate(("a", "b", "c", "d", "ci"), ("s", "carry", "co"), _compressor42, COMPRESSOR42),
    "dff": Gate(("d", "clk"), ("q",), lambda d, clk: (d,), DFF, "clk", {"q": 1, "l": 1, "ln": 0}, {"m": 0, "mn": 1}),
    # A row select to a word line of 16 cells, about fourteen unit inputs with its wire on predictive28.
    "wl_driver": Gate(("a",), ("y",), lambda a: (a,), _chain(1, 4)),
    # An input bit to the active-low line of 16 NOR gates of read paths, about thirty unit inputs with its wire.
    "input_driver": Gate(("a",), ("y",), lambda a: (1 - a,), _chain(1, 3, 9)),
}
"""Gates by kind. Drivers are unit chains whose last stage has a fan-out of about four at the load named; wider lines
take a larger ``scale``.
"""


def add_gate(circuit: Circuit, technology: Technology, kind: str, scale: float = 1.0) -> str:
    """Define a gate of ``GATES``; returns the subcircuit's name, derived from its sizes."""
    widths = nanometres(n=technology.w_n * scale, p=technology.w_p * scale, l=technology.length)
    gate = SubCircuit(f"{kind}_{widths}", *GATES[kind].ports)
    add_transistors(gate, technology, GATES[kind].transistors(technology, scale))
    add_subcircuit(circuit, gate)
    return gate.name


def gate_knobs(
    technology: Technology,
    kind: str,
    path: str,
    instances: Iterable[str],
    scale: float = 1.0,
    mismatch: bool = True,
) -> dict[str, Knob]:
    """Knobs of instances of a gate, all set alike; arguments as of :func:`transistor_knobs`."""
    return transistor_knobs(technology, GATES[kind].transistors(technology, scale), path, instances, mismatch=mismatch)
