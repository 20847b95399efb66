"""What ``pimchar write-errors`` shows: pulses that an error rate takes, delays, losses at rest and under a read."""

from __future__ import annotations

import textwrap
from itertools import product

import numpy as np
import xarray as xr

from charlib.conditions import OPTIONAL
from pimchar.render import WIDTH, condition_cells, quantity, table

YEAR = 365.25 * 86400
"""Julian year [s]."""
PULSES = {
    "Fokker-Planck": "pulse_at_rate", "closed form": "pulse_at_rate_law", "angles alone": "pulse_at_rate_angle",
    "with spread": "pulse_at_rate_spread",
}  # fmt: skip
"""Header of a column to the pulse at the asked rate by one way."""


def write_errors(found: xr.Dataset) -> str:
    """Tables of writes, of delays, of losses, and of counted stochastic macrospins."""
    attrs, rate = found.attrs, found.attrs["rate"]
    longest = quantity(float(found["pulse"].max()), "s")
    head = (
        f"writes of {attrs['technology']} at constant current, mean of {attrs['samples'] or 1} samples, in the state "
        f"before the write; pulse of the cell {quantity(attrs['pulse'], 's')}; a dash: beyond {longest}, or outside of "
        f"the range of the closed form. Barrier spread by {100 * attrs['sigma_delta']:g} % (assumed), current as in "
        f"the samples. Junction: {attrs['junction']}"
    )
    axes = [axis for axis in ("process", "vdd", "temp", *OPTIONAL) if axis in found.dims]
    writes, delays, losses = [], [], []
    for place in product(*(found[axis].values for axis in axes)):
        at = found.sel(dict(zip(axes, place, strict=True)))
        cells = condition_cells(**dict(zip(axes, place, strict=True)))
        losses.append([*cells, *_losses(at)])
        for state in found["lobe"].values:
            here = at.sel(lobe=state)
            pulses = [quantity(float(here[name]), "s") for name in PULSES.values()]
            driven = [
                quantity(float(here["current"]), "A"),
                f"{float(here['drive']):.3f}",
                f"{float(here['delta']):.1f}",
            ]
            errors = [f"{float(here[name]):.2e}" for name in ("wer_cell", "wer_spread_cell")]
            writes.append([*cells, state, *driven, *errors, *pulses])
            delays.append([*cells, state, *_delays(here)])
    text = [textwrap.fill(head, WIDTH), f"error rate at the cell's pulse, and shortest pulse at {rate:g}"]
    text.append(table([*axes, "state", "current", "I/Ic", "Delta", "at the pulse", "with spread", *PULSES], writes))
    text.append("delay to mz = 0, mean and standard deviation")
    text.append(table([*axes, "state", *map(str, found["law"].values), "simulated cells"], delays))
    text.append("mean time to loss at rest, and rate of loss of AP under a read; in parentheses with spread")
    text.append(table([*axes, "at rest", "under a read"], losses))
    return "\n\n".join([*text, *_counted(found)])


def _delays(here: xr.Dataset) -> list[str]:
    cells = [_pair(here["delay_mean"].sel(law=law), here["delay_std"].sel(law=law)) for law in here["law"].values]
    return [*cells, _pair(here["simulated_mean"], here["simulated_std"]) if "simulated_mean" in here else "-"]


def _pair(mean: xr.DataArray, std: xr.DataArray) -> str:
    return "-" if np.isnan(mean) else f"{quantity(float(mean), 's')}, {quantity(float(std), 's')}"


def _losses(at: xr.Dataset) -> list[str]:
    """Years to loss at rest, and losses per second of reading."""
    years = [1 / YEAR / float(at[name]) for name in ("retention_rate", "retention_rate_spread")]
    rates = [float(at[name]) for name in ("disturb_rate", "disturb_rate_spread")]
    return [f"{years[0]:.2e} ({years[1]:.2e}) years", f"{rates[0]:.2e} ({rates[1]:.2e}) 1/s"]


def _counted(found: xr.Dataset) -> list[str]:
    """Counted macrospins beside the equation."""
    if "counted" not in found:
        return []
    attrs, columns = found.attrs, ("counted", "counted_ci_low", "counted_ci_high", "expected")
    head = (
        f"{attrs['macrospins']} stochastic macrospins from {attrs['counted_state']} at the reference condition, seed "
        f"{attrs['macrospin_seed']}, {100 * attrs['confidence']:g} % intervals"
    )
    each = zip(found["counted_pulse"].values, *(found[name].values for name in columns), strict=True)
    rows = [[quantity(pulse, "s"), *(f"{value:.3e}" for value in values)] for pulse, *values in each]
    return [head, table(["pulse", "counted", "from", "to", "Fokker-Planck"], rows)]
