"""Technologies: what a deck needs to know about a process, as frozen data read from one TOML file each."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from netlists import pdk
from netlists.cards import (
    ROLES,
    check_model,
    compiled_models,
    compiled_paths,
    library_cards,
    polarity_of,
    slimmed_library,
    written_card,
)
from netlists.device import ALTER, UNITS, Device, TechnologyError
from netlists.expressions import card_value
from netlists.library import LibraryError, models
from netlists.schema import DeviceSection, MismatchSection, TechnologyFile, explain
from netlists.slim import Size
from netlists.slimmed import Sizes, SlimmedLibrary
from netlists.variation import CORNERS, GlobalLaw, MismatchLaw, corner_of
from netlists.veriloga import CompiledModel


class NotInstalled(TechnologyError):
    """A technology whose model library has not been fetched."""


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
        cards: process to model-card text, ready for a deck; n first, p second (``fs`` is fast NMOS, slow PMOS). Empty
            texts where the models are not at hand or come from a slimmed library.
        targets: figures the cards are held against.
        assumed: statements that no source backs.
        package: published package that holds the models, as :mod:`netlists.pdk` names it; empty: none is needed.
        library: slimmed library that the models come from, if they do.
        osdi: compiled Verilog-A models that the simulator loads before a deck.
        global_law: variation from die to die; None: there is none.
        made: corners without cards of their own: the typical ones, shifted by the law of global variation.
        corner: whose cards its devices' laws refer to.
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
    package: str = ""
    library: SlimmedLibrary | None = None
    osdi: tuple[CompiledModel, ...] = ()
    global_law: GlobalLaw | None = None
    made: tuple[str, ...] = ()
    corner: str = "tt"

    @property
    def installed(self) -> bool:
        """Whether the models are at hand."""
        return not self.package or pdk.package(self.package).installed

    def model_text(self, process: str, sizes: Sizes) -> str:
        """Models of one process as deck text.

        Args:
            process: corner, or what :func:`netlists.variation.drawn` makes of one.
            sizes: what the deck draws: name of a model or subcircuit to its sizes [m]. A slimmed library gives these
                devices and sizes only, any other one gives all it has.

        Raises:
            TechnologyError: no such corner; a size outside every bin of its model, with the legal range; or a library
                that cannot be used.
        """
        corner = corner_of(process)
        if corner not in self.cards:
            raise TechnologyError(f"process={corner!r} is not one of {', '.join(self.cards)} for {self.name}")
        if self.library is None:
            return self.cards[corner]
        cards = "tt" if corner in self.made else corner
        with _explained(self.name):
            text = self.library.text(cards, sizes)
            defined = models(text)
            for role, device in self.devices.items():
                if device.model in sizes:
                    check_model(device.model, device.instance, role, cards, defined)
        return text

    def at(self, process: str) -> Technology:
        """The technology as it is in one process: shifts of its devices, and what they share with the die.

        Raises:
            TechnologyError: no such corner, or no law of global variation.
        """
        corner, law = corner_of(process), self.global_law
        if corner not in self.cards:
            raise TechnologyError(f"process={corner!r} is not one of {', '.join(self.cards)} for {self.name}")
        if process != corner and law is None:
            raise TechnologyError(f"{self.name} states no law of global variation ([global] in a technology file)")
        shifts = law.point(corner, law.corner_sigma) if corner in self.made else {}
        devices = {
            role: replace(
                device,
                shift=shifts.get(device.polarity, 0.0),
                shared=law.shares(device.polarity) if process != corner else (),
            )
            for role, device in self.devices.items()
        }
        return replace(self, devices=MappingProxyType(devices), corner=corner)

    def nominal(self, device: Device, law: MismatchLaw, w: float, length: float) -> float:
        """Value around which a parameter of a transistor varies, in its unit; width and length in [m].

        Raises:
            TechnologyError: the transistor has no model card of its own that states the parameter.
        """
        if not law.card:
            return law.nominal
        text = self.model_text(self.corner, {device.model: {Size(w, length)}})
        with _explained(self.name):
            return card_value(text, device.model, law.parameter, w, length, tuple(device.written(w, length).items()))

    @property
    def laws_sha256(self) -> str:
        """Hash over what a technology says besides its models: devices and their laws, global law, geometry, ranges."""
        said = (self.devices, self.global_law, self.geometry, self.vdd_range, self.temp_range, self.made)
        return _sha256(json.dumps(said, default=lambda part: dict(part) if isinstance(part, Mapping) else vars(part)))

    @property
    def model_sha256(self) -> str:
        """Hash over every card's text, or over the files of a slimmed library, and over the compiled models."""
        if self.library is not None:
            with _explained(self.name):
                models = self.library.sha256
        else:
            models = _sha256("\n".join(f"{p}\n{text}" for p, text in sorted(self.cards.items())))
        return _sha256("\n".join([models, *(m.sha256 for m in self.osdi)])) if self.osdi else models


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def available() -> tuple[str, ...]:
    """Names of the technologies that come with the package, without flavours, sorted."""
    folder = resources.files("netlists") / "technologies"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def flavours(name: str) -> tuple[str, ...]:
    """Full names ``NAME/FLAVOUR`` of a technology, the default first; the name alone where it has no flavours."""
    data = document(name)
    default = data["technology"].get("flavour", "")
    others = [flavour for flavour in data.get("flavours", {}) if flavour != default]
    return tuple(f"{name}/{flavour}" for flavour in (default, *others)) if default else (name,)


@cache
def names() -> tuple[str, ...]:
    """Everything that :func:`load` takes but paths: names, and names with flavour."""
    return tuple(dict.fromkeys(full for name in available() for full in (name, *flavours(name))))


def document(name: str) -> dict[str, Any]:
    """Technology file as parsed TOML, with all of its flavours.

    Args:
        name: one of :func:`available`, or the path of a technology file (it ends in ``.toml``).

    Raises:
        TechnologyError: no such technology or file, or text that is no TOML.
    """
    try:
        return tomllib.loads(_text(name))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TechnologyError(f"technology {name!r} is not valid TOML: {error}") from error


def outline(name: str) -> Technology:
    """Technology without its models' text, whose library need not be installed.

    Args:
        name: one of :func:`names`, or the path of a technology file.

    Raises:
        TechnologyError: no such technology or file, or a file that breaks the schema.
    """
    base, flavour = _split(name)
    content = _checked(document(base), flavour, name)
    if content.library and content.library.package and content.library.package not in pdk.available():
        legal = ", ".join(pdk.available())
        raise TechnologyError(f"technology {name!r}: library.package={content.library.package!r} is not one of {legal}")
    corners = content.corners if content.library is None else content.library.corners
    osdi = tuple(CompiledModel(path) for path in compiled_paths(content.library)) if content.library else ()
    return _technology(content, flavour or content.technology.flavour, dict.fromkeys(corners, ""), osdi=osdi)


def load(name: str) -> Technology:
    """Technology of a name; those that come with the package are read once.

    Args:
        name: one of :func:`names`, or the path of a technology file (it ends in ``.toml``).

    Raises:
        NotInstalled: its model library has to be installed first.
        TechnologyError: no such technology or file, or a file that :func:`from_document` refuses.
    """
    if name.endswith(".toml"):
        return from_document(document(name), name, folder=Path(name).parent)
    return _shipped(name)


@cache
def _shipped(name: str) -> Technology:
    base, flavour = _split(name)
    return from_document(document(base), name, flavour)


def from_document(data: Mapping[str, Any], where: str, flavour: str = "", folder: Path = Path()) -> Technology:
    """Technology of a parsed technology file.

    Args:
        data: what :func:`document` returns.
        where: name or path to quote in errors.
        flavour: which of its flavours; empty is the default one.
        folder: what a library's folder is relative to.

    Raises:
        NotInstalled: its model library has to be installed first.
        TechnologyError: the file breaks the schema, or the library lacks a file, a section or a model.
    """
    content = _checked(data, flavour, where)
    flavour = flavour or content.technology.flavour
    library = None
    with _explained(where):
        if content.library is None:
            cards = {p: "\n".join(written_card(data, polarity, p) for polarity in "np") for p in content.corners}
        elif content.library.slim:
            cards = dict.fromkeys(content.library.corners, "")
            library = slimmed_library(content, folder)
        else:
            cards = library_cards(content, folder)
        osdi = compiled_models(content, folder)
    return _technology(content, flavour, cards, library, osdi)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Errors of models as errors of the technology of a name or path."""
    try:
        yield
    except KeyError as error:
        raise TechnologyError(f"technology {where!r} lacks the key {error.args[0]!r}") from error
    except pdk.NotInstalled as error:
        raise NotInstalled(str(error)) from error
    except (LibraryError, pdk.InstallError) as error:
        raise TechnologyError(f"technology {where!r}: {error}") from error


def _text(name: str) -> str:
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise TechnologyError(f"technology file {name!r} does not exist")
        return path.read_text(encoding="utf-8")
    if name not in available():
        raise TechnologyError(f"technology {name!r} is not one of {', '.join(names())}, nor a path ending in .toml")
    return (resources.files("netlists") / "technologies" / f"{name}.toml").read_text(encoding="utf-8")


def _split(name: str) -> tuple[str, str]:
    """Technology and flavour of a full name; a path has the default flavour."""
    if name.endswith(".toml"):
        return name, ""
    base, _, flavour = name.partition("/")
    return base, flavour


def _checked(data: Mapping[str, Any], flavour: str, where: str) -> TechnologyFile:
    """Content of a technology file with one flavour laid over it."""
    content = {key: value for key, value in data.items() if key != "flavours"}
    overlays = data.get("flavours", {})
    general = content.get("technology")
    flavour = flavour or (general.get("flavour", "") if isinstance(general, Mapping) else "")
    if "flavours" in data and not flavour:
        raise TechnologyError(f"technology {where!r} has flavours and no technology.flavour, the default one")
    if flavour:
        if not isinstance(overlays, Mapping) or not isinstance(overlays.get(flavour), Mapping):
            legal = ", ".join(map(str, overlays)) if isinstance(overlays, Mapping) else ""
            raise TechnologyError(f"technology {where!r} has no flavour {flavour!r}; it has: {legal or 'none'}")
        content = _overlaid(content, overlays[flavour])
    try:
        return TechnologyFile.model_validate(content)
    except ValidationError as error:
        raise TechnologyError(f"technology {where!r} {explain(error)}") from error


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merged key by key, all other values replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        merged[key] = _overlaid(below[key], value) if both else value
    return merged


def _technology(
    content: TechnologyFile,
    flavour: str,
    cards: Mapping[str, str],
    library: SlimmedLibrary | None = None,
    osdi: tuple[CompiledModel, ...] = (),
) -> Technology:
    general, cell, logic = content.technology, content.cell, content.logic
    devices = {role: _device(getattr(content.devices, role), polarity_of(role)) for role in ROLES}
    law = GlobalLaw(**content.global_.model_dump()) if content.global_ else None
    made = [corner for corner in CORNERS if corner not in cards] if law and law.corner_sigma else []
    return Technology(
        name=f"{general.name}/{flavour}" if flavour else general.name,
        **general.model_dump(exclude={"name", "flavour"}),
        **cell.model_dump(),
        **logic.model_dump(),
        devices=MappingProxyType(devices),
        geometry=Geometry(**content.geometry.model_dump()),
        cards=MappingProxyType({**cards, **dict.fromkeys(made, cards["tt"])}),
        targets=tuple(Target(**target.model_dump()) for target in content.targets),
        assumed=tuple(content.assumed.statements),
        package=(content.library and content.library.package) or "",
        library=library,
        osdi=osdi,
        global_law=law,
        made=tuple(made),
    )


def _device(section: DeviceSection, polarity: str) -> Device:
    names = section.parameters.model_dump(by_alias=True)
    return Device(
        **section.model_dump(exclude={"alter", "unit", "parameters", "fixed", "mismatch"}),
        polarity=polarity,
        alter=section.alter or ALTER[section.instance],
        unit=UNITS[section.unit],
        parameters=MappingProxyType({key: name for key, name in names.items() if name}),
        fixed=MappingProxyType(dict(section.fixed)),
        mismatch=tuple(_law(name, law) for name, law in section.mismatch.items()),
    )


def _law(name: str, section: MismatchSection) -> MismatchLaw:
    relative = section.relative is not None
    return MismatchLaw(
        name=name,
        coefficient=section.relative if relative else section.absolute,
        relative=relative,
        card=section.on == "card",
        **section.model_dump(include={"parameter", "of", "dw", "dl", "nominal"}),
    )
