"""What the tests of several packages share."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings

from charlib.session import Session, Solved
from charlib.waveforms import Block, stack
from netlists import Setting, Sram6T, Sram8T, Stt1T1M, Testbench, pdk
from netlists.technology import load

_approx = pytest.approx


def approx(expected, rel=None, abs=None, nan_ok=False):
    """``pytest.approx`` without its absolute tolerance of 1e-12: femtojoules and picoseconds lie below that."""
    rel = 1e-6 if rel is None and abs is None else rel
    return _approx(expected, rel=rel, abs=0.0 if abs is None else abs, nan_ok=nan_ok)


pytest.approx = approx  # in every test

settings.register_profile("no_deadline", deadline=None)  # no timed assertions: the machine may be busy
settings.load_profile("no_deadline")


@pytest.fixture(scope="session")
def installed():
    """The published model libraries but for those to be compiled, installed once into the user's cache directory."""
    for package in map(pdk.package, pdk.available()):
        if not package.compiler:
            pdk.install(package, lambda _: None)


@pytest.fixture(scope="session")
def technology():
    return load("predictive28")


@pytest.fixture(scope="session")
def session():
    with Session() as session:
        yield session


@pytest.fixture(scope="session")
def reference():
    with Session(accuracy="reference") as session:
        yield session


@pytest.fixture
def setting(technology):
    """A setting by condition, with the default cell or a skewed one."""

    def make(process="tt", vdd=1.0, temp=298.15, shifts=None, window=None, **sizes):
        cell = Sram6T(shifts=shifts or {}, **sizes).sized(technology)
        return Setting(technology, process, vdd, temp, cell, window=window)

    return make


@pytest.fixture
def setting_for(setting, technology):
    """The same with a cell that a row of the testbench table is for."""

    def make(row, **arguments):
        at = setting(**arguments)
        cells = (at.cell, *(kind().sized(technology) for kind in (Sram8T, Stt1T1M)))
        return replace(at, cell=next(cell for cell in cells if not row.missing(cell)))

    return make


@pytest.fixture
def solve():
    """Block of a testbench at rows of threshold shifts in units of sigma; one nominal sample by default."""

    def run(session: Session, testbench: Testbench, draws=None) -> Block:
        draws = np.zeros((1, len(testbench.knobs))) if draws is None else draws
        results = session.solve(testbench, testbench.knob_values(draws))
        assert all(isinstance(r, Solved) for r in results), results
        return stack(testbench, [r.data for r in results])

    return run


@pytest.fixture
def widen(monkeypatch):
    """Gives the table twin tables of a transistor that is 2 % wider than in the cell, by its role."""
    from charlib.twin import cell  # compiled code, which few tests need

    right = cell.device_table

    def wrong(role):
        def table(session, folder, setting, transistor, grid):
            wider = replace(transistor, w=1.02 * transistor.w) if transistor.role == role else transistor
            return right(session, folder, setting, wider, grid)

        monkeypatch.setattr(cell, "device_table", table)

    return wrong
