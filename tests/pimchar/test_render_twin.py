"""The check of the table twin as text: errors in their units, and what is beyond the limits."""

import numpy as np
import xarray as xr

from pimchar.render_twin import twin_check


def case(metric, units, rms, largest, magnitude):
    numbers = {"vdd": 1.0, "temp": 300.0, "mean": rms / 2, "rms": rms, "largest": largest, "sigmas": 1e-3}
    numbers |= {f"{part}_share": numbers[part] / magnitude for part in ("mean", "rms", "largest")}
    about = {"metric": metric, "units": units, "process": "tt", "magnitude": magnitude, "judged": 9, "differing": 0.0}
    about["answered"] = 1.0
    values = {name: ("case", [value]) for name, value in {**numbers, **about}.items()}
    return xr.Dataset(values | {"sample": (("case", "judged_sample"), np.arange(9)[None])})


def test_errors_are_shown_at_the_worst_condition_with_their_limits():
    data = xr.concat(
        [
            case("snm_read", "V", 1e-6, 4e-6, 0.2),
            case("snm_read", "V", 2e-6, 3e-6, 0.2),
            case("i_leak", "A", 2e-13, 3e-12, 1e-9),
        ],
        "case",
    )
    title, _, _, margin, leakage, reason = twin_check(data).splitlines()
    assert "9 samples" in title
    assert " ".join(margin.split()) == "snm_read 2 0.0010 mV 0.0020 mV 0.0040 mV 1.0e-03 4.0e-03 0.0% within"
    assert " ".join(leakage.split()) == "i_leak 1 0.0100 % 0.0200 % 0.3000 % 1.0e-03 1.5e-02 0.0% BEYOND at 1"
    assert reason == "i_leak at tt, 1 V, 26.85 degC is 0.003 of its value at worst off ngspice, beyond 0.002"


def test_a_metric_without_a_number_is_not_called_within_its_limits():
    bounds = case("snm_write", "V", np.nan, np.nan, np.nan).assign(judged=("case", [0]))
    assert twin_check(bounds).splitlines()[-1].endswith("not compared")
