"""Write errors, write delays, read disturb and retention of a run of STT cells, from its stored currents.

The junction is driven by the current that its cell lets through before the flip, constant over the pulse. Laws are
those of :mod:`analysis.switching`, deep tails those of :mod:`analysis.fokkerplanck`, and stochastic macrospins of
:mod:`analysis.macrospins` are counted beside them where counting sees anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from analysis import fokkerplanck, macrospins, plots, switching
from analysis.intervals import StatisticsError, clopper_pearson, tail
from analysis.switching import Reduced, boltzmann_angle, rayleigh_angle, reduced
from charlib.status import Status
from netlists.mtj import STATES, Junction

FILE = "write_errors.nc"
"""File of a results directory that holds what :func:`write_errors` returns."""
NEEDED = ("i_write_lobes", "i_sense_lobes")
"""Variables of a characterization that it is made from."""
PULSES = 80
"""Widths of pulses between 0 and the longest one."""
LONGEST = 2e-6
"""Longest pulse that is looked at [s]: twice the longest that a cell has."""
QUANTILES = (0.5, 0.9, 0.99, 0.999)
"""Shares of writes that are done by a delay [1]."""
STARTS = {"rayleigh": rayleigh_angle, "boltzmann": boltzmann_angle}
"""Law of the initial angle without noise afterwards; the first is what a simulation draws."""
LAWS = (*STARTS, "thermal")
"""Those, and the Fokker-Planck equation: initial angle and thermal field during the pulse."""
DRIVES = np.geomspace(0.5, 5.0, 61)
"""Currents over the critical one at which delays are drawn [1]."""
HIGH = 4.0
"""Barrier over k_B T from which on the law of high barriers is drawn [1]."""
SIGMAS, NODES, FINE = 8.0, 17, 1601
"""Standard deviations to either side over which a spread is averaged, numbers where it is evaluated, and points between
them where its logarithm is interpolated [1]."""
NARROWEST = 0.05
"""Least barrier that a spread is followed to, over the mean one [1]."""
COUNTED = 7
"""Pulses at which stochastic macrospins are counted."""
SEEN = (0.8, 5.0)
"""Their error rates: from the first [1] down to the second over the number of samples."""


@dataclass(frozen=True)
class Request:
    """What is asked of a run.

    Attributes:
        junction: at the temperature of its numbers.
        pulse: of the cell [s].
        longest: pulse that is looked at [s]; None: twice the cell's.
        rate: of errors that a pulse is looked for at [1].
        sigma_delta: relative standard deviation of the barrier from junction to junction [1]; assumed.
        samples: of stochastic macrospins; 0: none. seed: of them. confidence: of their intervals [1].
    """

    junction: Junction
    pulse: float
    longest: float | None = None
    rate: float = 1e-9
    sigma_delta: float = 0.05
    samples: int = 4096
    seed: int = 1
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.longest is None:
            object.__setattr__(self, "longest", 2 * self.pulse)
        if not 0 < self.longest <= LONGEST:
            raise StatisticsError(f"longest={self.longest!r} s is outside 0..{LONGEST:g} s")
        if not 1e-300 < self.rate < 1:
            raise StatisticsError(f"rate={self.rate!r} is outside 1e-300..1")
        if not 0 <= self.sigma_delta <= (1 - NARROWEST) / SIGMAS:
            raise StatisticsError(f"sigma_delta={self.sigma_delta!r} is outside 0..{(1 - NARROWEST) / SIGMAS:.3g}")
        tail(self.confidence)


@dataclass(frozen=True)
class Cases:
    """Every condition and state in reduced units, arrays of shape (case,); see :class:`analysis.switching.Reduced`."""

    delta: np.ndarray
    drive: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, each: list[Reduced]) -> Cases:
        """Of one object for each case."""
        return cls(*(np.array([getattr(one, name) for one in each]) for name in ("delta", "drive", "unit")))

    def scaled(self, barrier: np.ndarray) -> Cases:
        """With barriers times factors of shape (factor, case), flattened: the anisotropy field goes with the barrier,
        and with it the critical current and the inverse of the damping time.
        """
        parts = (self.delta * barrier, self.drive / barrier, self.unit / barrier)
        return Cases(*(part.ravel() for part in parts))


def write_errors(data: xr.Dataset, request: Request) -> xr.Dataset:
    """Write errors and the rest over the conditions of a characterization.

    Args:
        data: with the variables of ``NEEDED``, and ``t_switch_lobes`` if it is to be beside them.

    Raises:
        StatisticsError: a number out of range, or a variable that is missing. SwitchingError: the junction is none that
            the laws hold for.
    """
    for name in NEEDED:
        if name not in data:
            metric = name.removesuffix("_lobes")
            raise StatisticsError(f"write errors need {metric} as well: add it to characterize.metrics")
    currents = data["i_write_lobes"]
    dims = tuple(dim for dim in currents.dims if dim != "sample")
    mean = currents.mean("sample").transpose(*dims)
    spread = (currents.std("sample", ddof=1) if currents.sizes["sample"] > 1 else 0 * mean).transpose(*dims) / mean
    junctions = [request.junction.at(float(temp)) for temp in data["temp"].values]
    at = np.broadcast_to(np.arange(len(junctions)).reshape([-1 if d == "temp" else 1 for d in dims]), mean.shape)
    cases = Cases.of(
        [reduced(junctions[k], current) for k, current in zip(at.ravel(), mean.values.ravel(), strict=True)]
    )
    found = xr.Dataset(coords={dim: data[dim] for dim in dims}, attrs=_attrs(data, request))
    found["current"] = mean.assign_attrs(units="A", long_name="write current against the state, mean of the samples")
    found["current_spread"] = spread.assign_attrs(units="1", long_name="its relative standard deviation")
    for name, text in {"delta": "energy barrier over k_B T", "drive": "write current over the critical one"}.items():
        found[name] = (dims, getattr(cases, name).reshape(mean.shape), {"units": "1", "long_name": text})
    unit = {"units": "s", "long_name": "damping time of a small angle"}
    found["damping_time"] = (dims, cases.unit.reshape(mean.shape), unit)
    found = found.merge(_errors(cases, spread.values.ravel(), dims, mean.shape, request))
    found = found.merge(_delays(cases, dims, mean.shape)).merge(_curves(junctions, request))
    found = found.merge(_stability(data, junctions, request)).merge(_simulated(data, dims))
    return found.merge(_counted(found, request), combine_attrs="no_conflicts")


def _attrs(data: xr.Dataset, request: Request) -> dict[str, object]:
    """What it was made with: of the run, and of the request."""
    kept = ("technology", "samples", "seed", "ngspice_version", "cell")
    own = {name: getattr(request, name) for name in ("pulse", "rate", "sigma_delta", "confidence")}
    own |= {"macrospins": request.samples, "macrospin_seed": request.seed, "junction": request.junction.source}
    return {name: data.attrs[name] for name in kept if name in data.attrs} | own


def _errors(cases: Cases, spread: np.ndarray, dims: tuple, shape: tuple, request: Request) -> xr.Dataset:
    """Error rates against the pulse by each law, and the pulses that the asked rate takes."""
    pulses = np.linspace(0, request.longest, PULSES + 1)[1:]
    each = zip(cases.delta, cases.drive, (pulses[:, None] / cases.unit).T, strict=True)
    by_angle, law = zip(*((switching.unswitched_by_angle(*a), switching.unswitched(*a)) for a in each), strict=True)
    exact, bound = fokkerplanck.unswitched(cases.delta, cases.drive, pulses[:, None] / cases.unit)
    # Deviations of the current act on current less critical current as those of the barrier do.
    sigma = np.hypot(request.sigma_delta, cases.drive * np.nan_to_num(spread))
    apart = averaged(cases, sigma, pulses)
    rates = {
        "wer": (exact.T, "probability that a write pulse does not flip (Fokker-Planck)"),
        "wer_bound": (bound.T, "bound of its relative error, from two grids"),
        "wer_law": (np.array(law), "the same by the closed form"),
        "wer_angle": (np.array(by_angle), "the same by initial angles alone"),
        "wer_spread": (apart.T, "the same averaged over the spread of barrier and current"),
    }
    about = {"units": "s", "long_name": "width of the write pulse"}
    found = xr.Dataset(coords={"pulse": ("pulse", pulses, about)})
    for name, (values, text) in rates.items():
        found[name] = ((*dims, "pulse"), values.reshape(*shape, -1), {"units": "1", "long_name": text})
        if name != "wer_bound":
            needed = np.array([pulse_at(request.rate, pulses, row) for row in values]).reshape(shape)
            text = f"shortest pulse at the asked error rate: {text}"
            found[name.replace("wer", "pulse_at_rate")] = (dims, needed, {"units": "s", "long_name": text})
    for name in ("wer", "wer_spread"):
        values, text = rates[name]
        own = np.array([error_at(request.pulse, pulses, row) for row in values]).reshape(shape)
        about = {"units": "1", "long_name": f"at the cell's pulse of {request.pulse:g} s: {text}"}
        found[f"{name}_cell"] = (dims, own, about)
    about = {"units": "1", "long_name": "relative spread of the barrier, that of the current counted in"}
    found["sigma_total"] = (dims, sigma.reshape(shape), about)
    return found


def pulse_at(rate: float, pulses: np.ndarray, errors: np.ndarray) -> float:
    """Pulse [s] at which error rates fall to a rate, logarithms straight in between; NaN where they never do."""
    if not errors[-1] <= rate:
        return math.nan
    return float(np.interp(-math.log(rate), -np.log(np.r_[1.0, errors]), np.r_[0.0, pulses]))


def error_at(pulse: float, pulses: np.ndarray, errors: np.ndarray) -> float:
    """Error rate [1] at a pulse [s], the inverse of :func:`pulse_at`; NaN beyond the pulses."""
    logarithm = np.interp(pulse, np.r_[0.0, pulses], np.log(np.r_[1.0, errors]), right=math.nan)
    return math.exp(logarithm)


def averaged(cases: Cases, sigma: np.ndarray, pulses: np.ndarray) -> np.ndarray:
    """Error rates [1] averaged over a normal spread of the barrier, shape (pulse, case).

    Args:
        sigma: relative standard deviation [1], shape (case,). pulses: [s], shape (pulse,).
    """
    reach = min(SIGMAS, (1 - NARROWEST) / max(float(sigma.max()), 1e-9))
    node = np.linspace(-reach, reach, NODES)
    scaled = cases.scaled(1 + node[:, None] * sigma)
    exact, _ = fokkerplanck.unswitched(scaled.delta, scaled.drive, pulses[:, None] / scaled.unit)
    return normal_average(node, np.log(exact).reshape(len(pulses), NODES, -1).swapaxes(0, 1))


def normal_average(node: np.ndarray, logarithm: np.ndarray) -> np.ndarray:
    """Mean of a quantity over a standard normal number, from its logarithm at nodes along the first axis."""
    fine = np.linspace(node[0], node[-1], FINE)
    weight = np.exp(-(fine**2) / 2)
    values = np.exp(PchipInterpolator(node, logarithm, axis=0)(fine))
    return np.tensordot(weight / weight.sum(), values, axes=1)


def _delays(cases: Cases, dims: tuple, shape: tuple) -> xr.Dataset:
    """Mean and deviation of the delay to mz = 0 by each law, quantiles by initial angles."""
    moments, quantiles = [], []
    for delta, drive, unit in zip(cases.delta, cases.drive, cases.unit, strict=True):
        moments.append(unit * _moments(delta, drive))
        quantiles.append(
            [unit * switching.delay_quantile(delta, drive, np.array(QUANTILES), law) for law in STARTS.values()]
        )
    mean, std = np.moveaxis(np.array(moments), -1, 0)
    found = xr.Dataset(coords={"law": list(LAWS), "start": list(STARTS), "quantile": list(QUANTILES)})
    for name, values, text in (("delay_mean", mean, "mean"), ("delay_std", std, "standard deviation")):
        about = {"units": "s", "long_name": f"{text} of the write delay at constant current"}
        found[name] = ((*dims, "law"), values.reshape(*shape, -1), about)
    about = {"units": "s", "long_name": "quantile of the write delay by initial angles alone"}
    found["delay_quantile"] = ((*dims, "start", "quantile"), np.reshape(quantiles, (*shape, len(STARTS), -1)), about)
    return found


def _moments(delta: float, drive: float) -> np.ndarray:
    """Mean and deviation by each of ``LAWS`` in damping times, shape (law, 2)."""
    by_angle = [switching.delay_moments(delta, drive, law) for law in STARTS.values()]
    return np.array([*by_angle, fokkerplanck.passages(delta, drive)])


def _curves(junctions: list[Junction], request: Request) -> xr.Dataset:
    """Delays against the current at each temperature."""
    shape = (len(junctions), len(DRIVES))
    moments, kramers, current = np.empty((*shape, len(LAWS), 2)), np.full(shape, np.nan), np.empty(shape)
    for i, junction in enumerate(junctions):
        current[i] = DRIVES * junction.critical_current("p")
        for j, amount in enumerate(current[i]):
            at = reduced(junction, amount)
            moments[i, j] = at.unit * _moments(at.delta, at.drive)
            if at.drive < 1 and at.delta * (1 - at.drive) ** 2 > HIGH:
                kramers[i, j] = at.unit / switching.escape_rate(at.delta, at.drive)
    found = xr.Dataset()
    sweep, seconds = ("temp", "overdrive"), {"units": "s"}
    found["curve_current"] = (sweep, current, {"units": "A", "long_name": "constant current against the state"})
    for k, text in enumerate(("mean", "std")):
        about = seconds | {"long_name": f"{text} of the delay to mz = 0 at that current"}
        found[f"curve_{text}"] = ((*sweep, "law"), moments[..., k], about)
    found["curve_kramers"] = (sweep, kramers, seconds | {"long_name": "mean time over the barrier, law of high ones"})
    about = {"units": "1", "long_name": "current over the critical one"}
    return found.assign_coords(overdrive=("overdrive", DRIVES, about))


def _stability(data: xr.Dataset, junctions: list[Junction], request: Request) -> xr.Dataset:
    """Rates of loss at rest and under a read, which drives AP towards P; alone, by the law, and averaged."""
    sense = data["i_sense_lobes"].sel(lobe="ap", drop=True).mean("sample")
    found = xr.Dataset()
    rest = xr.zeros_like(data["temp"], dtype=float)
    for name, current, text in (("retention", rest, "at rest"), ("disturb", sense, "of AP under a read")):
        dims, where = current.dims, current.dims.index("temp")
        rates = np.empty((*current.shape, 3))
        for place in np.ndindex(current.shape):
            rates[place] = _loss(reduced(junctions[place[where]], float(current.values[place])), request.sigma_delta)
        kinds = ("", ", by the law of high barriers", ", averaged over the spread of the barrier")
        for k, (ending, kind) in enumerate(zip(("rate", "rate_law", "rate_spread"), kinds, strict=True)):
            about = {"units": "1/s", "long_name": f"rate of loss {text}{kind}"}
            found[f"{name}_{ending}"] = (dims, rates[..., k], about)
    return found


def _loss(at: Reduced, sigma: float) -> tuple[float, float, float]:
    """Rate of escape [1/s], by its law, and averaged over a relative spread of the barrier; NaN from a drive of 1."""
    if at.drive >= 1:
        return (math.nan,) * 3

    def rate(factor: float) -> float:
        """With another barrier; its current may be above the critical one then."""
        drive = at.drive / factor
        end = switching.escape_end(drive) if drive < 1 else 0.0
        return factor / (at.unit * switching.passage(at.delta * factor, drive, end))

    law = switching.escape_rate(at.delta, at.drive) / at.unit
    if not sigma:
        return rate(1.0), law, rate(1.0)
    node = np.linspace(-SIGMAS, SIGMAS, NODES)
    return rate(1.0), law, float(normal_average(node, np.log([rate(1 + z * sigma) for z in node])))


def _simulated(data: xr.Dataset, dims: tuple) -> xr.Dataset:
    """Write delays of the run's own samples, where it has them: mean, deviation, and how many have none."""
    if "t_switch_lobes" not in data:
        return xr.Dataset()
    delays, status = data["t_switch_lobes"], data["t_switch_lobes_status"]
    about = {"units": "s", "long_name": "write delay of the run's samples in their cells"}
    found = xr.Dataset()
    found["simulated_mean"] = delays.mean("sample").transpose(*dims).assign_attrs(about)
    found["simulated_std"] = delays.std("sample", ddof=1).transpose(*dims).assign_attrs(about)
    lost = (status != Status.ok).sum("sample").transpose(*dims)
    found["simulated_without"] = lost.assign_attrs(units="1", long_name="samples without a delay")
    return found


def _counted(found: xr.Dataset, request: Request) -> xr.Dataset:
    """Stochastic macrospins counted at the reference condition, in the state that is written more slowly."""
    if not request.samples:
        return xr.Dataset()
    here = found.sel(plots.reference_condition(found).where)
    state = list(STATES)[int(np.argmin(here["drive"].values))]
    here = here.sel(lobe=state)
    seen = np.geomspace(SEEN[0], min(SEEN[0] / 2, SEEN[1] / request.samples), COUNTED)
    widths = np.array([pulse_at(rate, here["pulse"].values, here["wer"].values) for rate in seen])
    widths = widths[np.isfinite(widths)]
    if not widths.size:
        return xr.Dataset()
    junction = request.junction.at(float(here["temp"]))
    kept = macrospins.crossings(junction, float(here["current"]), widths, request.samples, request.seed)
    low, high = clopper_pearson(kept, np.array(request.samples), request.confidence)
    exact, _ = fokkerplanck.unswitched(
        here["delta"].values[None], here["drive"].values[None], widths[:, None] / float(here["damping_time"])
    )
    dataset = xr.Dataset(coords={"counted_pulse": ("counted_pulse", widths, {"units": "s", "long_name": "pulse"})})
    rows = {"counted": kept / request.samples, "counted_ci_low": low, "counted_ci_high": high, "expected": exact[:, 0]}
    for name, values in rows.items():
        text = f"unflipped stochastic macrospins, from {state} at the reference condition: {name}"
        dataset[name] = ("counted_pulse", values, {"units": "1", "long_name": text})
    return dataset.assign_attrs(counted_state=state)
