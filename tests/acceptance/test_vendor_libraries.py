"""The real SKY130 and GF180MCU libraries, reduced and in full: identical operating points, signs, legal sizes.

The full SKY130 library takes half a minute and 1.8 GB per corner.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from charlib.session import Session, Solved
from netlists import pdk
from netlists.analyses import OperatingPoint
from netlists.slim import Size, SizeError, inner_transistor
from netlists.slimmed import SlimmedLibrary
from netlists.testbench import Knob, Testbench

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice, pytest.mark.usefixtures("installed")]

QUANTITIES = ("id", "gm", "gds", "gmbs", "vth", "cgg", "cgs", "cgd", "cdd", "capbd", "capbs", "qg", "qb", "qd")

BIAS = [(0, 1, 0), (0.3, 0.03, 0), (0.5, 0.5, 0), (1, 1, 0), (1, 0.5, -0.2), (0.7, -0.3, 0), (-0.1, 1, 0.1)]
"""Gate, drain and bulk voltage in units of the supply; p devices get the negative of each."""

SHIFT = 0.05
"""Change of delvto [V]."""


@dataclass(frozen=True)
class Vendor:
    """A library with the devices to try.

    Attributes:
        package, folder: where its files are. path, includes: files within the folder.
        corners: sections. unit: of length in instances [m]. vdd: supply [V].
        devices: sizes by name.
    """

    package: str
    folder: str
    path: str
    includes: tuple[str, ...]
    corners: tuple[str, ...]
    unit: float
    vdd: float
    devices: dict[str, list[Size]]

    def cut(self, corner, devices=None):
        parts = (*((name, "") for name in self.includes), (self.path, corner))
        library = SlimmedLibrary(pdk.package(self.package).source(self.folder), {corner: parts})
        return library.text(corner, devices or self.devices)

    def full(self, corner):
        folder = pdk.package(self.package).folder / self.folder
        before = "".join(f'.include "{folder / name}"\n' for name in self.includes)
        return f'{before}.lib "{folder / self.path}" {corner}\n'


def sizes(length, *widths):
    return [Size(w * 1e-6, length * 1e-6) for w in widths]


SKY = "sky130_fd_pr__"
VENDORS = {
    "sky130": Vendor(
        "sky130",
        "sky130/src/sky130_fd_pr/models",
        "sky130.lib.spice",
        (),
        ("tt", "ff", "ss", "fs", "sf"),
        1e-6,
        1.8,
        {
            f"{SKY}special_nfet_latch": sizes(0.15, 0.21),
            f"{SKY}special_nfet_pass": sizes(0.15, 0.14),
            f"{SKY}special_pfet_latch": sizes(0.15, 0.14),
            f"{SKY}nfet_01v8": sizes(0.15, 0.42, 0.65),
            f"{SKY}pfet_01v8": sizes(0.15, 0.42, 1.0),
        },
    ),
    "gf180mcu": Vendor(
        "gf180mcu",
        "c4m/pdk/gf180mcu/models",
        "sm141064.ngspice",
        ("design.ngspice",),
        ("typical", "ff", "ss", "fs", "sf"),
        1.0,
        3.3,
        {"nfet_03v3": sizes(0.28, 0.3, 0.5, 0.6), "pfet_03v3": sizes(0.28, 0.22, 1.2)},
    ),
}
CORNERS = [(name, corner) for name, vendor in VENDORS.items() for corner in vendor.corners]


def bench(vendor, models, cut):
    """Every device and size at one bias, set by three sources; the last knob is the delvto of all of them."""
    u, lines, probes, shifts = vendor.unit, [], [], []
    for i, (name, size) in enumerate((name, size) for name, sizes in vendor.devices.items() for size in sizes):
        sign, w, length = -1 if "pfet" in name else 1, size.w / u, size.length / u
        diffusion = 0.3e-6 / u
        lines += [f"e{node}{i} {node}{i} 0 v{node} 0 {sign}" for node in "dgb"]
        lines += [
            f"x{i} d{i} g{i} 0 b{i} {name} w={w:.12g} l={length:.12g} ad={w * diffusion:.12g} "
            f"as={0.8 * w * diffusion:.12g} pd={w + 2 * diffusion:.12g} ps={w + 1.6 * diffusion:.12g} "
            f"nrd=0.7 nrs=0.5 sa={1.2 * diffusion:.12g} sb={diffusion:.12g}"
        ]
        path = f"@m.x{i}.{inner_transistor(cut, name)}"
        probes += [f"{path}[{quantity}]" for quantity in QUANTITIES]
        shifts.append(f"{path}[delvto]")
    lines += [f"v{node} v{node} 0 0" for node in "gdb"]
    lines += [".options gmin=1e-15", f".save {' '.join(probes)}", ""]
    knobs = {f"v{node}": Knob((f"v{node}",), 1.0, 1) for node in "gdb"} | {"shift": Knob(tuple(shifts), 1.0, 1)}
    return Testbench("vendor", "\n".join(["vendor", models, *lines]), OperatingPoint(), tuple(probes), knobs, {})


def solve(testbench, rows):
    """Values of all probes, shape (row, probe)."""
    with Session(timeout=600) as session:
        results = session.solve(testbench, np.array(rows, dtype=float))
    assert all(isinstance(result, Solved) for result in results), results
    return np.array([result.data[:, 0] for result in results])


@pytest.mark.parametrize(("name", "corner"), CORNERS)
def test_operating_points_are_identical(name, corner):
    vendor = VENDORS[name]
    rows = [[vendor.vdd * v for v in bias] + [0.0] for bias in BIAS]
    cut = vendor.cut(corner)
    reduced, full = (solve(bench(vendor, models, cut), rows) for models in (cut, vendor.full(corner)))
    assert np.count_nonzero(reduced) > 0.9 * reduced.size
    assert np.char.mod("%.7e", reduced).tolist() == np.char.mod("%.7e", full).tolist()


@pytest.mark.parametrize("name", VENDORS)
def test_positive_delvto_raises_n_and_lowers_p_thresholds(name):
    """BSIM3 v3.2 and BSIM4 add delvto to vth0 of either type; the reported vth is type-normalized, |Vth|."""
    vendor = VENDORS[name]
    cut = vendor.cut(vendor.corners[0])
    testbench = bench(vendor, cut, cut)
    bias = [0.7 * vendor.vdd, vendor.vdd, 0.0]
    before, after = solve(testbench, [[*bias, 0.0], [*bias, SHIFT]])
    instances = [device for device, sizes in vendor.devices.items() for _ in sizes]
    for i, device in enumerate(instances):
        sign = -1 if "pfet" in device else 1
        change = dict(zip(QUANTITIES, (after - before)[i * len(QUANTITIES) :], strict=False))
        # The roll-off terms of BSIM hardly depend on vth0.
        assert change["vth"] == pytest.approx(sign * SHIFT, rel=0.1), device
        current = dict(zip(QUANTITIES, before[i * len(QUANTITIES) :], strict=False))["id"]
        assert sign * change["id"] * np.sign(current) < 0, device


@pytest.mark.parametrize(
    ("name", "device", "size", "legal"),
    [
        ("sky130", f"{SKY}special_nfet_latch", Size(0.3e-6, 0.15e-6), "legal w 0.2095..0.2105 um at this l"),
        (
            "sky130",
            f"{SKY}special_pfet_latch",
            Size(0.14e-6, 0.1e-6),
            r"legal l 0.0245..0.0805 um or 0.1495..0.1505 um",
        ),
        ("sky130", f"{SKY}nfet_01v8", Size(0.3e-6, 0.15e-6), r"legal w 0.36\.\."),
        ("gf180mcu", "pfet_03v3", Size(0.2e-6, 0.28e-6), r"legal w 0.22..100.001 um at this l"),
    ],
)
def test_legal_sizes_are_named(name, device, size, legal):
    vendor = VENDORS[name]
    with pytest.raises(SizeError, match=legal):
        vendor.cut(vendor.corners[0], {device: [size]})
