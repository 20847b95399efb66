"""How it is measured: conditions x samples -> units of work -> ngspice -> metrics -> Dataset -> lookup tables."""

from charlib.characterize import characterize
from charlib.conditions import Conditions
from charlib.errors import (
    CharacterizationError,
    CountedTwice,
    DirectoryInUse,
    InvalidPlan,
    PlanMismatch,
    SimulatorMissing,
    StorageFailed,
    TableError,
    TooManyFailures,
    TwinRefused,
)
from charlib.limitstate import limit_state
from charlib.logictable import LogicTable
from charlib.lookup import LookupTable
from charlib.metrics import METRICS
from charlib.periphery import characterize_logic
from charlib.reproduce import Reproduction, reproduce
from charlib.shmoo import shmoo
from charlib.status import Status
from charlib.twincheck import twin_check
from charlib.variation import Variation
from charlib.vectors import simulate_pairs

__all__ = [
    "METRICS",
    "CharacterizationError",
    "Conditions",
    "CountedTwice",
    "DirectoryInUse",
    "InvalidPlan",
    "LogicTable",
    "LookupTable",
    "PlanMismatch",
    "Reproduction",
    "SimulatorMissing",
    "Status",
    "StorageFailed",
    "TableError",
    "TooManyFailures",
    "TwinRefused",
    "Variation",
    "characterize",
    "characterize_logic",
    "limit_state",
    "reproduce",
    "shmoo",
    "simulate_pairs",
    "twin_check",
]
