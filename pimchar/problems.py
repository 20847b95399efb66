"""What a user reads where a command does not succeed: a line or two, exit 2 for bad input, 1 for a failed run."""

from __future__ import annotations

import warnings

import click

EXIT_FAILED, EXIT_BAD_INPUT = 1, 2


class Problem(click.ClickException):
    """An error as the user sees it: its message after the program's name, and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: object = None) -> None:
        """Write the message to standard error."""
        click.echo(f"pimchar: {self.message}", err=True)


class Commands(click.Group):
    """A group whose commands may raise the packages' own errors.

    The packages are imported by the commands that use them, so that help comes at once.
    """

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, its errors turned into problems and its warnings into lines."""
        try:
            with warnings.catch_warnings():  # it restores how warnings are shown
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own; and the reader of a table may have seen enough
        except KeyboardInterrupt:
            raise Problem("interrupted; what was simulated is kept: the same command goes on", EXIT_FAILED) from None
        except _bad_input() as error:
            raise Problem(str(error), EXIT_BAD_INPUT) from error
        except _failures() as error:
            raise Problem(str(error), EXIT_FAILED) from error


def _show_warning(message: Warning | str, *_: object) -> None:
    click.echo(f"pimchar: warning: {message}", err=True)


def _bad_input() -> tuple[type[Exception], ...]:
    """Errors that the user's input caused."""
    import charlib
    from analysis.architecture import MacroError
    from analysis.gatetables import GateTableError
    from analysis.intervals import StatisticsError
    from analysis.logic import LogicError
    from analysis.switching import SwitchingError
    from analysis.workloads import WorkloadError
    from netlists.addertree import TreeError
    from netlists.netlistcell import CellError
    from netlists.technology import TechnologyError
    from pimchar.runschema import RunFileError

    own = (RunFileError, TechnologyError, CellError, MacroError, LogicError, WorkloadError, StatisticsError)
    further = (TreeError, GateTableError, SwitchingError, charlib.TableError)
    return (*own, *further, charlib.InvalidPlan, charlib.PlanMismatch)


def _failures() -> tuple[type[Exception], ...]:
    """Errors of a run whose input was right; OSError is a full disk or a folder that cannot be written."""
    import charlib
    from charlib.devices import DeviceError
    from netlists.pdk import InstallError

    return (charlib.CharacterizationError, DeviceError, InstallError, OSError)
