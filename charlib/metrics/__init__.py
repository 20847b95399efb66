"""The metrics table: what can be measured, from which testbench, and which side of it fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from charlib.errors import InvalidPlan
from charlib.metrics import (
    butterfly,
    dynamic,
    followed,
    logic,
    mram,
    mramlogic,
    ncurve,
    operation,
    readpath,
    readport,
    static,
    threshold,
)
from charlib.metrics.periphery import QUANTITIES, Quantity
from charlib.metrics.vectors import PAIR_QUANTITIES
from charlib.waveforms import Block, Measured
from netlists.operation import VARIANTS
from netlists.testbench import Testbench


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    Attributes:
        unit: SI unit.
        long_name: what a plot's axis says.
        testbench: row of ``netlists.TESTBENCHES`` it is measured on.
        measure: block of waveforms to numbers; on a testbench with a search, of one trial.
        fails_when: side that fails, ``low`` or ``high``.
        fail_limit: where it fails, in the metric's unit; infinite where the metric itself sets no limit.
        per_lobe: measured for each stored state; the metric is then the worse one.
        version: raised whenever ``measure`` changes its numbers.
        source: publication of the definition.
    """

    unit: str
    long_name: str
    testbench: str
    measure: Callable[[Block], Measured]
    fails_when: str
    fail_limit: float
    per_lobe: bool = False
    version: int = 1
    source: str = "own definition"

    def shape(self, testbench: Testbench) -> tuple[int, ...]:
        """Shape of one sample's numbers on a testbench."""
        return (2,) if self.per_lobe else ()


SEEVINCK = "Seevinck, List, Lohstroh, JSSC 22(5), 1987"
WANG = "Wang, Nalam, Calhoun, ISLPED 2008"
N_CURVE = "Wann et al., VLSI-TSA 2005; Grossar et al., JSSC 41(11), 2006"
TAKEDA = "Takeda et al., ISSCC 2006"
QIN = "Qin et al., ISQED 2004"
GROSSAR = "Grossar et al., JSSC 41(11), 2006"
DONG = "Dong, Li, Huang, ICCAD 2008"
ORTIZ_CONDE = "Ortiz-Conde et al., Microelectronics Reliability 42(4-5), 2002"
WESTE = "Weste and Harris, CMOS VLSI Design, 4th ed., 2010"
"""Publications of definitions; what was read of them, and where a metric departs from them, says docs/metrics.md."""


_SIDED = {"": "", "_single": ", output P only"}
_COST = ("high", math.inf, True)
_OPERATION = {
    "t_compute": ("s", "slowest delay word line to output", "truth", operation.t_compute, "high", math.inf, False, 2),
    "v_glitch": ("V", "highest level of an output at 0", "truth", operation.v_glitch, "high", math.inf, False),
    "e_compute": ("J", "energy per computing cycle", "compute", operation.e_compute(""), *_COST),
    **{
        f"e_compute_{part}": ("J", f"energy per computing cycle, {text}", "compute", operation.e_compute(part), *_COST)
        for part, text in {
            "bitline": "bit lines and cells", "precharge": "precharge signal", "drivers": "word line and inputs",
            "gates": "output gates",
        }.items()
    },
    "e_compute_leak": ("J", "leakage over a computing cycle", "compute", operation.e_compute_leak, *_COST, 3),
    "t_held": ("s", "slowest delay input to output, row held", "held", operation.t_held, "high", math.inf, False, 2),
    "e_held_row": ("J", "energy of reading a row into its latch", "held", operation.e_held_row(""), *_COST),
    "e_held_latch": ("J", "part of the latch in reading a row", "held", operation.e_held_row("latch"), *_COST),
    "e_held_input": ("J", "energy per input bit, row held", "held", operation.e_held_input(""), *_COST),
}  # fmt: skip
"""Metrics of a read path at work: complementary, and with ``_single`` behind the name those of output P alone."""

_SENSES = {
    "sense": "read of one row", "and": "AND of two rows", "or": "OR of two rows", "and3": "AND of three rows",
    "maj3": "majority of three rows",
}  # fmt: skip
_SENSED = {
    f"{stem}_{operation}": Metric(
        unit,
        f"{text}, {name}",
        f"mram_{operation}",
        partial(measure, operation=operation),
        fails,
        limit,
        per_lobe=lobes,
    )
    for operation, name in _SENSES.items()
    for stem, unit, text, measure, fails, limit, lobes in (
        ("v", "V", "margin at the sense latch", mramlogic.v_margin, "low", 0.0, True),
        ("t", "s", "delay word line to output", mramlogic.t_decide, "high", math.inf, True),
        ("t_recharge", "s", "precharge time of the lines", mramlogic.t_recharge, "high", math.inf, False),
        ("e", "J", "energy of an operation", mramlogic.e_operation, "high", math.inf, False),
    )
} | {
    f"v_level_{name}": Metric(
        "V", f"line of {text} at the sense latch", bench, partial(mramlogic.v_level, case=case), "low", -math.inf
    )
    for name, text, bench, case in (
        *((bits, f"two cells {bits}", "mram_and", bits) for bits in ("00", "01", "11")),
        *((bits, f"three cells {bits}", "mram_and3", bits) for bits in ("000", "001", "011", "111")),
        *((name, f"the reference of {name.upper()}", f"mram_{name}", "ref0") for name in ("and", "or", "and3", "maj3")),
    )
}
"""Metrics of sensing; lines of cells are the same in AND and OR, so they are measured once."""

METRICS: Mapping[str, Metric] = {
    "snm_hold": Metric(
        "V", "hold static noise margin", "butterfly_hold", butterfly.snm, "low", 0.0, per_lobe=True, version=2,
        source=SEEVINCK,
    ),
    "snm_read": Metric(
        "V", "read static noise margin", "butterfly_read", butterfly.snm, "low", 0.0, per_lobe=True, version=2,
        source=SEEVINCK,
    ),
    "i_read": Metric("A", "read current", "read_current", static.i_read, "low", 0.0, per_lobe=True),
    "i_leak": Metric("A", "cell leakage", "leakage", static.i_leak, "high", math.inf, per_lobe=True),
    "i_leak_vdd": Metric(
        "A", "cell leakage from the supply", "leakage", static.i_leak_vdd, "high", math.inf, per_lobe=True
    ),
    "i_leak_bl": Metric(
        "A", "cell leakage from bit line BL", "leakage", static.i_leak_bl, "high", math.inf, per_lobe=True
    ),
    "i_leak_blb": Metric(
        "A", "cell leakage from bit line BLB", "leakage", static.i_leak_blb, "high", math.inf, per_lobe=True
    ),
    "v_bump": Metric(
        "V", "rise of the low node at read", "read_current", static.v_bump, "high", math.inf, per_lobe=True,
        source=GROSSAR,
    ),
    "snm_write": Metric(
        "V", "write static noise margin", "write_butterfly", butterfly.snm_write, "low", 0.0, per_lobe=True, source=WANG
    ),
    "wm_bl": Metric(
        "V", "bit-line write margin", "write_bl", followed.wm_bl, "low", 0.0, per_lobe=True, source=WANG, version=2,
    ),
    "wm_wl": Metric(
        "V", "word-line write margin", "write_wl", followed.wm_wl, "low", 0.0, per_lobe=True,
        source=TAKEDA, version=2,
    ),
    "svnm": Metric(
        "V", "static voltage noise margin (N-curve)", "n_curve", ncurve.svnm, "low", 0.0, per_lobe=True,
        source=N_CURVE,
    ),
    "sinm": Metric(
        "A", "static current noise margin (N-curve)", "n_curve", ncurve.sinm, "low", 0.0, per_lobe=True,
        source=N_CURVE,
    ),
    "wtv": Metric(
        "V", "write trip voltage (N-curve)", "n_curve", ncurve.wtv, "high", math.inf, per_lobe=True,
        source=N_CURVE,
    ),
    "wti": Metric(
        "A", "write trip current (N-curve)", "n_curve", ncurve.wti, "high", math.inf, per_lobe=True,
        source=N_CURVE,
    ),
    "drv": Metric(
        "V", "data retention voltage", "retention", followed.drv, "high", math.inf, per_lobe=True,
        source=QIN, version=4,
    ),
    "t_read_p": Metric("s", "delay word line to P = INP and Q", "read_path", readpath.t_read_p, "high", math.inf),
    "t_read_n": Metric("s", "delay word line to N = INN and not Q", "read_path", readpath.t_read_n, "high", math.inf),
    "t_precharge": Metric(
        "s", "precharge time of the bit lines", "read_path", readpath.t_precharge, "high", math.inf, per_lobe=True,
        version=3,
    ),
    "e_read": Metric(
        "J", "energy of a read cycle, both outputs", "read_path", readpath.e_read, "high", math.inf, per_lobe=True,
        version=2
    ),
    "e_read_single": Metric(
        "J", "energy of a read cycle, output P only", "read_path_single", readpath.e_read, "high", math.inf,
        per_lobe=True, version=4,
    ),
    "t_read_single": Metric(
        "s", "delay word line to P, output P only", "read_path_single", readpath.t_read_p, "high", math.inf
    ),
    "t_precharge_single": Metric(
        "s", "precharge time of the bit lines, output P only", "read_path_single", readpath.t_precharge, "high",
        math.inf, per_lobe=True, version=3,
    ),
    **{
        f"{name}{ending}": Metric(unit, f"{text}{_SIDED[ending]}", f"{bench}{ending}", *others)
        for ending in VARIANTS.values()
        for name, (unit, text, bench, *others) in _OPERATION.items()
    },
    **{
        name: Metric("s", text, "truth", measure, "low", 0.0, version=version)
        for name, (text, measure, version) in {
            "t_race_recovery": ("bit lines precharged to end of precharge", operation.t_race_recovery, 2),
            "t_race_wordline": ("end of precharge to word line", operation.t_race_wordline, 2),
            "t_race_sample": ("output to its sampling", operation.t_race_sample, 1),
            "t_race_precharge": ("fall of the word line to next precharge", operation.t_race_precharge, 2),
        }.items()
    },
    "i_leak_path": Metric(
        "A", "leakage of the read path without bit lines", "compute", operation.i_leak_path, "high", math.inf,
        per_lobe=True, version=2,
    ),
    **{
        name: Metric("F", f"capacitance of {line}", "compute", measure, "high", math.inf, per_lobe=True, version=2)
        for name, (line, measure) in {
            "c_wl": ("a cell's word line", operation.c_wl),
            "c_pre": ("the precharge signal", operation.c_pre),
            "c_inp": ("input INP", operation.c_inp),
            "c_inn": ("input INN", operation.c_inn),
        }.items()
    },
    "t_hold_line": Metric(
        "s", "time that a floating bit line holds", "line_hold", operation.t_hold_line, "low", 0.0, per_lobe=True,
        version=2,
    ),
    "t_bl": Metric(
        "s", "delay word line to a bit-line difference", "read_path", readpath.t_bl, "high", math.inf, per_lobe=True
    ),
    "e_precharge": Metric(
        "J", "energy of the precharge in a read cycle", "read_path", readpath.e_precharge, "high", math.inf,
        per_lobe=True,
    ),
    "t_read_port": Metric("s", "delay read word line to output R", "read_port", readport.t_read_port, "high", math.inf),
    "t_rbl": Metric("s", "delay read word line to read bit line", "read_port", readport.t_rbl, "high", math.inf),
    "t_precharge_port": Metric(
        "s", "precharge time of the read bit line", "read_port", readport.t_precharge_port, "high", math.inf
    ),
    "e_read_port": Metric(
        "J", "energy of a read cycle through the read port", "read_port", readport.e_read_port, "high", math.inf,
        per_lobe=True,
    ),
    "t_write": Metric(
        "s", "delay word line to crossing storage nodes at write", "write", dynamic.t_write, "high", math.inf,
        per_lobe=True,
    ),
    "e_write": Metric("J", "energy of a write cycle", "write", dynamic.e_write, "high", math.inf, per_lobe=True),
    "t_pulse_write": Metric(
        "s", "shortest word-line pulse that writes", "write_pulse", dynamic.t_pulse_write, "high", math.inf,
        per_lobe=True, version=2, source=WANG,
    ),
    "t_pulse_read": Metric(
        "s", "longest word-line pulse that a read survives", "read_pulse", dynamic.t_pulse_read, "low", 0.0,
        per_lobe=True, version=3, source=DONG,
    ),
    "v_half": Metric(
        "V", "lowest difference of the storage nodes, half-selected", "half_select", dynamic.lowest_difference, "low",
        0.0, per_lobe=True,
    ),
    "v_pim": Metric(
        "V", "lowest difference of the storage nodes over PIM activations", "pim_row", dynamic.lowest_difference,
        "low", 0.0, per_lobe=True,
    ),
    "v_dip": Metric(
        "V", "lowest level of a supply dip that the bit survives", "supply_dip", dynamic.v_dip, "high", math.inf,
        per_lobe=True,
    ),
    "t_fo4": Metric("s", "fanout-of-four inverter delay", "fo4", logic.t_fo4, "high", math.inf, source=WESTE),
    "e_fo4": Metric("J", "fanout-of-four inverter energy of a cycle", "fo4", logic.e_fo4, "high", math.inf, version=2),
    "vth_pd": Metric(
        "V", "threshold voltage of a pull-down", "threshold", threshold.vth_pd, "high", math.inf, source=ORTIZ_CONDE
    ),
    "vth_pu": Metric(
        "V", "threshold voltage of a pull-up", "threshold", threshold.vth_pu, "high", math.inf, source=ORTIZ_CONDE
    ),
    "vth_pg": Metric(
        "V", "threshold voltage of a pass gate", "threshold", threshold.vth_pg, "high", math.inf, source=ORTIZ_CONDE
    ),
    "r_p": Metric("ohm", "resistance of the junction in P at a read", "mram_read", mram.r_p, "high", math.inf),
    "r_ap": Metric("ohm", "resistance of the junction in AP at a read", "mram_read", mram.r_ap, "low", 0.0),
    "tmr": Metric("1", "TMR at a read", "mram_read", mram.tmr, "low", 0.0),
    "v_tmr_half": Metric("V", "bias that halves the TMR", "mram_bias", mram.v_tmr_half, "low", 0.0),
    "i_sense": Metric("A", "read current", "mram_read", mram.i_sense, "low", 0.0, per_lobe=True),
    "i_margin": Metric("A", "difference of the read currents", "mram_read", mram.i_margin, "low", 0.0),
    "i_write": Metric("A", "write current before the flip", "mram_drive", mram.i_write, "low", 0.0, per_lobe=True),
    "i_c": Metric(
        "A", "critical current of the write pulse", "mram_critical", mram.i_c, "high", math.inf, per_lobe=True
    ),
    "t_flip": Metric(
        "s", "delay at two critical currents to mz = 0", "mram_constant", mram.t_flip, "high", math.inf, per_lobe=True
    ),
    "t_switch": Metric("s", "delay word line to mz = 0", "mram_write", mram.t_switch, "high", math.inf, per_lobe=True),
    "e_switch": Metric("J", "energy of a write pulse", "mram_write", mram.e_switch, "high", math.inf, per_lobe=True),
    "t_pulse_switch": Metric(
        "s", "shortest word-line pulse that flips", "mram_pulse", mram.t_pulse_switch, "high", math.inf, per_lobe=True
    ),
    "v_offset": Metric(
        "V", "offset of the sense latch", "mram_offset", mramlogic.v_offset, "high", math.inf, per_lobe=True
    ),
    **_SENSED,
}  # fmt: skip


def testbench_metrics(testbench: str) -> dict[str, Metric | Quantity]:
    """All that is measured on one testbench, of a cell or of a gate, by name."""
    return {
        name: metric
        for name, metric in (METRICS | QUANTITIES | PAIR_QUANTITIES).items()
        if metric.testbench == testbench
    }


def check_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """The names as a tuple; raises InvalidPlan for an empty list, a repetition or an unknown name."""
    names = () if isinstance(names, str) else tuple(names)
    if not names or len(set(names)) < len(names):
        raise InvalidPlan(f"metrics={list(names)} must be a list without repetition (characterize.metrics)")
    for name in names:
        if name not in METRICS:
            raise InvalidPlan(f"metric {name!r} is not one of {', '.join(METRICS)} (characterize.metrics)")
    return names
