"""Technologies: what a deck needs to know about a process, as frozen data read from one TOML file each."""

from __future__ import annotations

import hashlib
import math
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROLES = ("pd", "pu", "pg", "n", "p")
"""Parts a transistor plays: pull-down, pull-up, pass gate of a bit cell; n and p of logic."""


class TechnologyError(ValueError):
    """A technology that does not exist, or a value outside its validity range."""


@dataclass(frozen=True)
class Device:
    """One transistor model.

    Attributes:
        model: name of the model card in the deck.
        polarity: ``n`` or ``p``.
        avt: Pelgrom coefficient of the threshold voltage [V m].
        avt_of: ``pair`` (standard deviation of the difference of a pair) or ``device``.
        shift_sign: sign of ``delvto`` that raises |Vth|: +1 or -1.
    """

    model: str
    polarity: str
    avt: float
    avt_of: str
    shift_sign: int

    def sigma_vth(self, w: float, length: float) -> float:
        """Standard deviation of the threshold voltage of one device [V], width and length in [m].

        Pelgrom's law (JSSC 24(5), 1989): AVT / sqrt(W L) for a coefficient of single devices; a pair's coefficient
        is divided by sqrt(2), because the variance of a difference is twice that of one device.
        """
        return self.avt / math.sqrt((2.0 if self.avt_of == "pair" else 1.0) * w * length)


@dataclass(frozen=True)
class Geometry:
    """Layout numbers of a technology, all in [m] or per [m].

    Attributes:
        cell_width: bit-cell pitch along the word line [m].
        cell_height: bit-cell pitch along the bit line [m].
        gate_pitch: contacted gate pitch [m].
        diffusion_end: length of a contacted source or drain that no neighbour shares [m].
        diffusion_shared: half of the length of a contacted diffusion that two gates share [m].
        wire_resistance: of a minimum-width bit-line wire [ohm/m].
        wire_capacitance: of the same wire, all neighbours grounded [F/m].
    """

    cell_width: float
    cell_height: float
    gate_pitch: float
    diffusion_end: float
    diffusion_shared: float
    wire_resistance: float
    wire_capacitance: float

    @property
    def cell_area(self) -> float:
        """Bit-cell area [m2]."""
        return self.cell_width * self.cell_height


@dataclass(frozen=True)
class Target:
    """A published or assumed figure that the model cards are held against.

    Attributes:
        key: name of a figure that ``charlib.devices`` measures.
        value: the figure, in SI.
        tolerance: largest relative deviation that the tests accept [1].
        unit: unit of the figure.
        source: citation, or the word ``assumed`` and the reason.
    """

    key: str
    value: float
    tolerance: float
    unit: str
    source: str


@dataclass(frozen=True)
class Technology:
    """A process as the netlists see it.

    Attributes:
        name: name in run files.
        description, citation, licence, claims_not: what it is, where from, and what it does not claim.
        vdd_nominal: nominal supply [V]. vdd_range: smallest and largest supply [V].
        temp_range: lowest and highest temperature [K].
        length: drawn gate length of cell and logic devices [m].
        w_pd, w_pu, w_pg: default bit-cell widths [m]. w_n, w_p: widths of a unit inverter [m].
        devices: role (see ``ROLES``) to :class:`Device`.
        geometry: layout numbers.
        cards: process to model-card text, ready for a deck; n first, p second (``fs`` is fast NMOS, slow PMOS).
        targets: figures the cards are held against.
        assumed: statements that no source backs.
    """

    name: str
    description: str
    citation: str
    licence: str
    claims_not: str
    vdd_nominal: float
    vdd_range: tuple[float, float]
    temp_range: tuple[float, float]
    length: float
    w_pd: float
    w_pu: float
    w_pg: float
    w_n: float
    w_p: float
    devices: Mapping[str, Device]
    geometry: Geometry
    cards: Mapping[str, str]
    targets: tuple[Target, ...]
    assumed: tuple[str, ...]

    def model_text(self, process: str) -> str:
        """Model cards of one process corner; raises TechnologyError for a corner that does not exist."""
        if process not in self.cards:
            raise TechnologyError(f"process={process!r} is not one of {', '.join(self.cards)} for {self.name}")
        return self.cards[process]

    @property
    def model_sha256(self) -> str:
        """Hash over every card's text, for provenance."""
        return hashlib.sha256("\n".join(f"{p}\n{text}" for p, text in sorted(self.cards.items())).encode()).hexdigest()


def available() -> tuple[str, ...]:
    """Names of the technologies that come with the package, sorted."""
    folder = resources.files("netlists") / "technologies"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def document(name: str) -> dict[str, Any]:
    """Technology file as parsed TOML, with everything that :func:`load` turns into decks and what a fit needs besides.

    Args:
        name: one of :func:`available`, or the path of a technology file (it ends in ``.toml``).

    Raises:
        TechnologyError: no such technology or file, or text that is no TOML.
    """
    try:
        return tomllib.loads(_text(name))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TechnologyError(f"technology {name!r} is not valid TOML: {error}") from error


@cache
def load(name: str) -> Technology:
    """Technology of a name, read once.

    Args:
        name: one of :func:`available`, or the path of a technology file (it ends in ``.toml``).

    Raises:
        TechnologyError: no such technology or file, or a file that :func:`from_document` refuses.
    """
    return from_document(document(name), name)


def from_document(data: Mapping[str, Any], where: str) -> Technology:
    """Technology of a parsed technology file.

    Args:
        data: what :func:`document` returns.
        where: name or path to quote in errors.

    Raises:
        TechnologyError: a key is missing, or a value has the wrong type or is out of bounds.
    """
    try:
        technology = _technology(data)
        _check(technology, where)
        return technology
    except KeyError as error:
        raise TechnologyError(f"technology {where!r} lacks the key {error.args[0]!r}") from error
    except (TypeError, AttributeError) as error:
        raise TechnologyError(f"technology {where!r} has a value of the wrong type: {error}") from error


def _check(technology: Technology, where: str) -> None:
    """Raise TechnologyError for a length, law or range that cannot be."""
    lengths = {name: getattr(technology, name) for name in ("length", "w_pd", "w_pu", "w_pg", "w_n", "w_p")}
    lengths |= asdict(technology.geometry)
    for name, value in lengths.items():
        if not 0 < value < math.inf:
            raise TechnologyError(f"technology {where!r}: {name}={value!r} is not above 0")
    for name in ("vdd_range", "temp_range"):
        limits = getattr(technology, name)
        if len(limits) != 2 or not 0 < limits[0] < limits[1] < math.inf:
            raise TechnologyError(f"technology {where!r}: {name}={list(limits)} is not [low, high] above 0")
    for role, device in technology.devices.items():
        if not 0 <= device.avt < math.inf:
            raise TechnologyError(f"technology {where!r}: avt={device.avt!r} V m of {role} is below 0")
        if device.avt_of not in ("pair", "device"):
            raise TechnologyError(f"technology {where!r}: avt_of={device.avt_of!r} is not one of pair, device")
        if device.shift_sign not in (-1, 1):
            raise TechnologyError(f"technology {where!r}: shift_sign={device.shift_sign!r} is not 1 or -1")


def card(data: Mapping[str, Any], polarity: str, process: str) -> str:
    """BSIM4 model card of one transistor type at one corner, as deck text.

    The card is ``[models.common]`` overlaid by ``[models.n]`` or ``[models.p]``, then moved by ``[corners.PROCESS.n]``
    or ``.p``: ``vth`` is added to the magnitude of vth0 [V], ``xl`` to the gate length [m]; every other key multiplies
    the parameter of its name.

    Args:
        data: parsed technology file.
        polarity: ``n`` or ``p``.
        process: one of the corners of the file.
    """
    own = data["models"][polarity]
    parameters = {**data["models"]["common"], **own["parameters"]}
    for key, value in data["corners"][process][polarity].items():
        if key == "vth":
            parameters["vth0"] += value if polarity == "n" else -value
        elif key == "xl":
            parameters["xl"] = parameters.get("xl", 0.0) + value
        else:
            parameters[key] *= value
    body = " ".join(
        f"{key}={value}" if isinstance(value, str) else f"{key}={value:.6g}" for key, value in parameters.items()
    )
    return "\n+ ".join([f".model {own['name']} {polarity}mos", *textwrap.wrap(body, 110)])


def _text(name: str) -> str:
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise TechnologyError(f"technology file {name!r} does not exist")
        return path.read_text(encoding="utf-8")
    if name not in available():
        raise TechnologyError(f"technology {name!r} is not one of {', '.join(available())}, nor a path ending in .toml")
    return (resources.files("netlists") / "technologies" / f"{name}.toml").read_text(encoding="utf-8")


def _technology(data: Mapping[str, Any]) -> Technology:
    general, cell, logic = data["technology"], data["cell"], data["logic"]
    return Technology(
        name=general["name"],
        description=general["description"],
        citation=general["citation"],
        licence=general["licence"],
        claims_not=general["claims_not"],
        vdd_nominal=general["vdd_nominal"],
        vdd_range=tuple(general["vdd_range"]),
        temp_range=tuple(general["temp_range"]),
        length=general["length"],
        w_pd=cell["w_pd"],
        w_pu=cell["w_pu"],
        w_pg=cell["w_pg"],
        w_n=logic["w_n"],
        w_p=logic["w_p"],
        devices=_devices(data),
        geometry=Geometry(**{key: data["geometry"][key] for key in Geometry.__dataclass_fields__}),
        cards=MappingProxyType({p: "\n".join(card(data, polarity, p) for polarity in "np") for p in data["corners"]}),
        targets=tuple(Target(**{key: row[key] for key in Target.__dataclass_fields__}) for row in data["targets"]),
        assumed=tuple(data["assumed"]["statements"]),
    )


def _devices(data: Mapping[str, Any]) -> Mapping[str, Device]:
    """Role to device: the roles that are PMOS are ``pu`` and ``p``."""
    devices = {}
    for polarity, roles in (("n", ("pd", "pg", "n")), ("p", ("pu", "p"))):
        mismatch = data["mismatch"][polarity]
        device = Device(
            model=data["models"][polarity]["name"],
            polarity=polarity,
            avt=mismatch["avt"],
            avt_of=mismatch["avt_of"],
            shift_sign=mismatch["shift_sign"],
        )
        devices.update(dict.fromkeys(roles, device))
    return MappingProxyType({role: devices[role] for role in ROLES})
