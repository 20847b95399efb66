"""Looking up logic gates: delay, output slew and energy between the points of a characterization, never beyond."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from charlib.errors import TableError
from charlib.interpolation import Field
from charlib.places import checked


@dataclass(frozen=True)
class LogicTable:
    """Gates at one condition.

    Attributes:
        data: of :func:`charlib.characterize_logic`, at one process, vdd and temp.
    """

    data: xr.Dataset

    @classmethod
    def open(cls, path: str | Path, process: str, vdd: float, temp: float) -> LogicTable:
        """Read one condition of ``periphery.nc``; raises TableError for no such table or condition.

        Args:
            process: corner. vdd: supply [V]. temp: temperature [K].
        """
        try:
            data = xr.load_dataset(path, engine="netcdf4")
        except (OSError, ValueError) as error:
            raise TableError(f"{path} is not a table: {error}") from error
        missing = {"process", "vdd", "temp", "arc", "event"} - set(data.dims)
        if missing:
            raise TableError(f"{path} is no table of gates: no dimension {', '.join(sorted(missing))}")
        return cls.at(data, process, vdd, temp)

    @classmethod
    def at(cls, data: xr.Dataset, process: str, vdd: float, temp: float) -> LogicTable:
        """One condition of a Dataset; raises TableError, with what there is, unless it is one of its grid."""
        for axis, value in (("process", process), ("vdd", vdd), ("temp", temp)):
            grid = data[axis].values.tolist()
            near = [g for g in grid if g == value or (isinstance(g, float) and abs(g - value) < 1e-6)]
            if not near:
                raise TableError(f"{axis}={value} is not one of {', '.join(map(str, grid))}")
            data = data.sel({axis: near[0]})
        return cls(data)

    def delay(self, arc: str, slew: float, load: float) -> float:
        """Delay [s] of an arc, such as ``nand2 a rise b=1 y``, at an input slew [s] and a load of each output [F].

        A monotone cubic lies over slew and load, see :mod:`charlib.interpolation`.

        Raises:
            TableError: no such arc, a slew or load outside the grid, or a point of the grid without a number.
        """
        return self._number("delay", "arc", arc, slew, load)

    def output_slew(self, arc: str, slew: float, load: float) -> float:
        """Output slew [s], 0 to 100 %; as :meth:`delay`."""
        return self._number("output_slew", "arc", arc, slew, load)

    def energy(self, event: str, slew: float, load: float) -> float:
        """Energy [J] that an event, such as ``nand2 a rise b=1``, takes from the gate's supply; as :meth:`delay`."""
        return self._number("energy", "event", event, slew, load)

    def capacitance(self, pin: str) -> float:
        """Input capacitance [F] of a pin, such as ``nand2 a``; raises TableError for an unknown one."""
        return float(self._row("capacitance", "pin", pin))

    def leakage(self, state: str) -> float:
        """Leakage [A] of a gate at rest, such as ``nand2 a=0,b=1``; raises TableError for an unknown state."""
        return float(self._row("leakage", "state", state))

    def numbers(self, name: str, rows: np.ndarray | list[int], slew: float, load: float) -> np.ndarray:
        """Numbers of several arcs or events at once, shape (row,); as :meth:`delay`.

        Args:
            name: ``delay``, ``output_slew`` or ``energy``. rows: places in the table, or a mask over it.
        """
        variable, axes = self.data[name], {"slew": slew, "load": load}
        at = [np.reshape(checked(axis, np.asarray(value), self.data[axis]), 1) for axis, value in axes.items()]
        values = np.moveaxis(variable.values[rows], 0, -1)
        field = Field(tuple(self.data[axis].values for axis in axes), values, False, (True, True))
        if field.void(at).any():
            label = self.data[variable.dims[0]].values[rows][np.argmax(field.void(at))]
            raise TableError(f"{name} of {label} has no number at or next to slew={slew:g}, load={load:g}")
        return field.at(at)[0]

    def _place(self, dim: str, label: str) -> int:
        known = self.data.get_index(dim)
        if label not in known:
            kind = label.split(" ")[0]
            near = [other for other in known if other.split(" ")[0] == kind] or sorted({n.split(" ")[0] for n in known})
            raise TableError(f"{dim}={label!r} is not one of {'; '.join(near)}")
        return known.get_loc(label)

    def _row(self, name: str, dim: str, label: str) -> np.ndarray:
        return self.data[name].values[self._place(dim, label)]

    def _number(self, name: str, dim: str, label: str, slew: float, load: float) -> float:
        return float(self.numbers(name, [self._place(dim, label)], slew, load)[0])
