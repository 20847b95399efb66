"""Model cards as deck text, one per corner: written from a technology file's parameters, or read from a library."""

from __future__ import annotations

import posixpath
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netlists import pdk
from netlists.library import LibraryError, Part, Source, folder_source, library_text, models
from netlists.schema import Library, TechnologyFile
from netlists.slimmed import SlimmedLibrary
from netlists.veriloga import CompiledModel

ROLES = ("pd", "pu", "pg", "n", "p")
"""Parts a transistor plays: pull-down, pull-up, pass gate of a bit cell; n and p of logic."""


def polarity_of(role: str) -> str:
    """Type of the transistors of a role: ``pu`` and ``p`` are PMOS."""
    return "p" if role in ("pu", "p") else "n"


def written_card(data: Mapping[str, Any], polarity: str, process: str) -> str:
    """BSIM4 model card of one transistor type at one corner, as deck text.

    The card is ``[models.common]`` overlaid by ``[models.n]`` or ``[models.p]``, then moved by ``[corners.PROCESS.n]``
    or ``.p``: ``vth`` is added to the magnitude of vth0 [V], ``xl`` to the gate length [m]; every other key multiplies
    the parameter of its name.

    Args:
        data: parsed technology file.
        polarity: ``n`` or ``p``.
        process: one of the corners of the file.
    """
    parameters = {**data["models"]["common"], **data["models"][polarity]["parameters"]}
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
    return "\n+ ".join([f".model {data['devices'][polarity]['model']} {polarity}mos", *textwrap.wrap(body, 110)])


def library_cards(content: TechnologyFile, folder: Path) -> dict[str, str]:
    """Process to the text of a library that goes into decks as it is; every device has been found in it.

    Args:
        content: technology file with a library.
        folder: what the library's folder is relative to.

    Raises:
        LibraryError: the library lacks a file, a section or a model. pdk.NotInstalled: it has to be installed first.
        pdk.InstallError: it was changed since.
    """
    read = _source(content.library, folder).read
    cards = {}
    for process, parts in _corners(content.library).items():
        cards[process] = library_text(read, parts)
        defined = models(cards[process])
        for role in ROLES:
            device = getattr(content.devices, role)
            check_model(device.model, device.instance, role, process, defined)
    return cards


def slimmed_library(content: TechnologyFile, folder: Path) -> SlimmedLibrary:
    """Library of which decks get the devices and sizes they draw; arguments and errors as :func:`library_cards`."""
    return SlimmedLibrary(_source(content.library, folder), _corners(content.library))


def compiled_models(content: TechnologyFile, folder: Path) -> tuple[CompiledModel, ...]:
    """Compiled Verilog-A models that a technology needs; arguments and errors as :func:`library_cards`."""
    library = content.library
    if library is None:
        return ()
    if library.package is not None:
        return tuple(pdk.package(library.package).compiled_model(path) for path in compiled_paths(library))
    try:
        return tuple(CompiledModel.of(folder / Path(library.folder).expanduser() / path) for path in library.osdi)
    except OSError as error:
        raise LibraryError(f"{error.filename} cannot be read: {error.strerror}") from error


def compiled_paths(library: Library) -> tuple[str, ...]:
    """The compiled models of a library within its package, or as they are named."""
    return tuple(posixpath.normpath(f"{library.folder}/{path}") for path in library.osdi)


def check_model(model: str, instance: str, role: str, process: str, defined: Mapping[str, str]) -> None:
    """Raise LibraryError unless a device's model is defined with the right type.

    Args:
        model, instance: of the :class:`netlists.technology.Device`.
        role: its role.
        process: corner, for the message.
        defined: what :func:`netlists.library.models` finds in that corner's text.
    """
    wanted = "subckt" if instance == "X" else {"n": "nmos", "p": "pmos"}[polarity_of(role)]
    found = defined.get(model.lower())
    if found is None:
        known = ", ".join(sorted(name for name, kind in defined.items() if kind == wanted)) or "none"
        raise LibraryError(f"devices.{role}: corner {process} defines no {wanted} {model!r}; it has: {known}")
    if found != wanted:
        raise LibraryError(f"devices.{role}: {model!r} is a {found} in corner {process}, not a {wanted}")


def _source(library: Library, folder: Path) -> Source:
    if library.package is None:
        return folder_source(folder / Path(library.folder).expanduser())
    return pdk.package(library.package).source(library.folder)


def _corners(library: Library) -> dict[str, tuple[Part, ...]]:
    return {process: tuple((part.file, part.section) for part in parts) for process, parts in library.corners.items()}
