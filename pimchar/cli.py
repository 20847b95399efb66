"""The command line: what each command takes, and the text it prints."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pimchar.cli_analyses import COMMANDS, DIRECTORY, SEED
from pimchar.problems import EXIT_BAD_INPUT, EXIT_FAILED, Commands, Problem

if TYPE_CHECKING:
    from pimchar.runschema import RunFile
    from pimchar.trees import Case

DEFAULT_INIT = "run.toml"
DEMO = Path("results/demo")

WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Simulators side by side; one per core if not given."
)
WIDTH = click.IntRange(1, 32)
SCHEDULER = click.option("--scheduler", metavar="ADDR", help="Dask scheduler whose workers simulate, tcp://HOST:PORT.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pimchar")
def main() -> None:
    """Characterize memory cells of processing-in-memory arrays in ngspice, up to macros and neural networks."""


for _command in COMMANDS:
    main.add_command(_command)


@main.command()
def doctor() -> None:
    """Say what is installed, what is missing and how to mend it; exit 1 if a run would fail."""
    from pimchar.doctor import checks

    good = True
    for check in checks():
        click.echo(str(check))
        good = good and check.ok
    if not good:
        sys.exit(EXIT_FAILED)


@main.command()
@click.argument("file", default=DEFAULT_INIT, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--tables", is_flag=True, help="That of lookup tables over supply, temperature and rows instead.")
def init(file: Path, tables: bool) -> None:
    """Write a commented run file (run.toml if FILE is not given)."""
    from pimchar.runfile import DEFAULT_NAME, TABLES_NAME, default_text

    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(default_text(TABLES_NAME if tables else DEFAULT_NAME))
    except FileExistsError as error:
        raise Problem(f"{file} exists already; name another file", EXIT_BAD_INPUT) from error
    except OSError as error:
        raise Problem(f"{file} cannot be written: {error.strerror}", EXIT_BAD_INPUT) from error
    click.echo(f"{file} written; next: pimchar {f'characterize {file} --out results' if tables else f'run {file}'}")


@main.command()
@click.argument("run_file", metavar="[RUN.toml]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help=f"Results directory; results/NAME for a run file NAME.toml if not given, {DEMO} without a run file.",
)
@WORKERS
@SCHEDULER
def run(run_file: Path | None, out: Path | None, workers: int | None, scheduler: str | None) -> None:
    """Run the whole chain: cell, macro, network, figures.

    Without RUN.toml the embedded default runs: the DDC-PIM reference design on predictive28. A directory that holds
    results of the same plan is extended; what it has is not simulated again.
    """
    from pimchar import chain

    plan, text = _read(run_file)
    chain.check(plan, _name(run_file))
    out = out or (Path("results", run_file.stem) if run_file else DEMO)
    chain.run_all(plan, text, out, chain.Workers(workers, scheduler), click.echo)
    click.echo(f"done: {out}; next: pimchar tables {out}, pimchar macro {out}, pimchar network {out}")


@main.command()
@click.argument("run_file", metavar="RUN.toml", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Results.")
@WORKERS
@SCHEDULER
def characterize(run_file: Path, out: Path, workers: int | None, scheduler: str | None) -> None:
    """Characterize the cell of a run file, without macro, network and figures."""
    import xarray as xr

    from charlib.twin import judge
    from pimchar import chain, render_twin

    plan, text = _read(run_file)
    chain.characterize(plan, text, out, chain.Workers(workers, scheduler))
    if plan.characterize.engine == "twin":
        click.echo(render_twin.judged(xr.load_dataset(out / judge.FILE)))
    click.echo(f"done: {out}; next: pimchar tables {out}")


@main.command()
@click.argument("run_file", metavar="RUN.toml", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Results.")
@WORKERS
@SCHEDULER
def shmoo(run_file: Path, out: Path, workers: int | None, scheduler: str | None) -> None:
    """Search the shortest and the longest cycle in which the read path computes right; writes shmoo.nc.

    Too short a cycle does not read, too long a one loses a floating line. At every condition of the run file, with the
    nominal cell, every combination of Q, INP and INN, and the worst pattern in the unselected rows.
    """
    from pimchar import chain, render_readpath

    plan, text = _read(run_file)
    click.echo(render_readpath.cycle_limits(chain.search_cycles(plan, text, out, chain.Workers(workers, scheduler))))


@main.command("yield")
@click.argument("run_file", metavar="RUN.toml", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Results.")
@click.option("--vmin", is_flag=True, help="Search the lowest supply at which the array reaches yield.target_yield.")
@WORKERS
@SCHEDULER
def yield_(run_file: Path, out: Path, vmin: bool, workers: int | None, scheduler: str | None) -> None:
    """Estimate how rarely a cell fails, and the yield of an array; writes yield.nc.

    With --vmin the supplies are searched, not those of the run file; writes yield_vmin.nc.

    Section [yield] of the run file says what fails and how exactly it is asked for; at every condition of the run
    file, over the variables of its [variation]. Exit 1 where a probability or a yield is not established.
    """
    from pimchar import chain, render_yield, yields

    plan, text = _read(run_file)
    if vmin:
        click.echo(render_yield.supplies(yields.search_supply(plan, text, out, chain.Workers(workers, scheduler))))
        return
    found = yields.evaluate(plan, text, out, chain.Workers(workers, scheduler))
    click.echo(render_yield.failures(found))
    if not yields.established(found):
        sys.exit(EXIT_FAILED)


@main.group()
def tech() -> None:
    """Technologies: what there is, what can be installed, and how well the model cards meet their targets."""


@tech.command("list")
def tech_list() -> None:
    """List the technologies: what is installed, what could be, licence and citation."""
    from pimchar.render import technologies

    click.echo(technologies())


@tech.command()
@click.argument("name")
def show(name: str) -> None:
    """Show a technology: sources, ranges, corners, devices, assumptions, and targets beside what the cards give.

    NAME is NAME, NAME/FLAVOUR or the path of a technology file.
    """
    from pimchar.render import technology_sheet

    click.echo(technology_sheet(name))


@tech.command()
@click.argument("name")
def install(name: str) -> None:
    """Fetch a technology's published models once, checked against their pins, into the user's cache directory."""
    from netlists import pdk, technology
    from pimchar.render import simulator_problem

    wanted = technology.outline(name)
    if not wanted.package:
        click.echo(f"{name} needs no installation")
        return
    try:
        pdk.install(pdk.package(wanted.package), click.echo)
    except KeyboardInterrupt:
        raise Problem("interrupted; nothing was installed", EXIT_FAILED) from None
    if problem := simulator_problem(wanted):
        click.echo(f"to use it: {problem}")


def _one_of(axis: str) -> Callable[..., tuple[str, ...]]:
    """Callback of an option whose legal values ``netlists.column`` has, which is not imported for help."""

    def checked(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
        from netlists import column

        legal = click.Choice(list(getattr(column, axis)))
        return tuple(legal.convert(value, option, ctx) for value in values)

    return checked


@main.command("column-check")
@click.argument("run_file", metavar="RUN.toml", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Results.")
@click.option("--rows", "rows", multiple=True, type=click.IntRange(min=2), metavar="N", help="Rows; may be repeated.")
@click.option(
    "--position", "positions", multiple=True, metavar="P", callback=_one_of("POSITIONS"),
    help="near or far; both if not given.",
)  # fmt: skip
@click.option(
    "--pattern", "patterns", multiple=True, metavar="S", callback=_one_of("PATTERNS"),
    help="Stored pattern: half, zeros, ones, worst, random; half, worst and random if not given.",
)  # fmt: skip
@click.option("--samples", default=2, show_default=True, type=click.IntRange(min=1), help="Samples with mismatch.")
def column_check(
    run_file: Path,
    out: Path,
    rows: tuple[int, ...],
    positions: tuple[str, ...],
    patterns: tuple[str, ...],
    samples: int,
) -> None:
    """Hold the equivalent column against the full one: errors of a read cycle and speed, one line per column.

    Technology, cell, read path and seed are those of the run file; 16, 64 and 256 rows if none are given; nominal, and
    at ff, 0.6 V, 125 degC with mismatch. Exit 1 where an error is beyond its limit or one column lacks a number.
    """
    from charlib import columncheck
    from pimchar import chain, render_column

    plan, _ = _read(run_file)
    axes = {"rows": rows, "positions": positions, "patterns": patterns}
    given = {axis: values for axis, values in axes.items() if values}
    found = chain.check_column(plan, out, given, samples, click.echo)
    click.echo(render_column.column_check(found))
    if not columncheck.agrees(found):
        sys.exit(EXIT_FAILED)


@main.command("twin-check")
@click.argument("run_file", metavar="RUN.toml", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Keep the answer.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(min=1), metavar="N",
    help="Corners and temperatures side by side; each further one takes as much memory again.",
)  # fmt: skip
def twin_check(run_file: Path, out: Path | None, workers: int) -> None:
    """Hold the table twin against ngspice, metric by metric, at every condition of the run file.

    All static metrics of its cell, of as many samples as it has judged, out to six standard deviations; exit
    code 1 where one is beyond its limits. With --out every condition is kept as soon as it is done.
    """
    from charlib.twin import judge
    from pimchar import chain, render_twin

    plan, _ = _read(run_file)
    found = chain.check_twin(plan, out, workers)
    click.echo(render_twin.twin_check(found))
    if not judge.agrees(found):
        sys.exit(EXIT_FAILED)


@main.command()
@DIRECTORY
def tables(directory: Path) -> None:
    """Show the lookup tables of a results directory: ranges, units, sample counts, interpolation error."""
    from pimchar import render, stored

    click.echo(render.lookup_tables(stored.open_tables(directory)))


@main.command()
@DIRECTORY
@click.option("--to", required=True, metavar="FORMAT", help="netcdf, csv, liberty, zigzag or hwcomponents.")
@click.option("--dest", required=True, metavar="PATH", type=click.Path(path_type=Path), help="Folder to write into.")
def export(directory: Path, to: str, dest: Path) -> None:
    """Write the lookup tables of a results directory in a format of other tools.

    netcdf: the tables as they are. csv: one file per quantity, units in the header. liberty: the logic gates of a run
    with a section [periphery], and macros: one library each per process, supply and temperature. zigzag: the macros as
    an accelerator. hwcomponents: the macro as a plug-in of hwcomponents and AccelForge. The last two write a Python
    package each.
    """
    from charlib.export import export as write

    for path in write(directory, to, dest):
        click.echo(path)


@main.command()
@DIRECTORY
def figures(directory: Path) -> None:
    """Draw the figures of a results directory."""
    from pimchar import chain

    chain.draw_figures(directory, click.echo)


@main.command()
@DIRECTORY
@click.option("--metric", required=True, metavar="M", help="Metric, such as snm_read.")
@click.option("--process", required=True, metavar="P", help="Corner.")
@click.option("--vdd", required=True, type=float, metavar="V", help="Supply [V].")
@click.option("--temp-c", required=True, type=float, metavar="T", help="Temperature [degC].")
@click.option("--sample", required=True, type=click.IntRange(min=0), metavar="I", help="Number of the sample.")
@click.option("--dv-wl", default=0.0, metavar="V", help="Offset of the word line [V].")
@click.option("--dv-bl", default=0.0, metavar="V", help="Offset of the bit lines [V].")
@click.option("--dv-cell", default=0.0, metavar="V", help="Offset of the cell supply [V].")
@click.option("--rows", type=int, metavar="N", help="Cells on the bit lines, where the grid has them.")
def reproduce(
    directory: Path, metric: str, process: str, vdd: float, temp_c: float, sample: int, **further: float
) -> None:
    """Run one sample again, alone, and compare; writes its deck and waveforms; exit 1 if a bit differs."""
    import charlib
    from pimchar.render import reproduction
    from pimchar.runschema import kelvin

    found = charlib.reproduce(directory, metric, process, vdd, kelvin(temp_c), sample, **further)
    click.echo(reproduction(metric, found))
    if not found.identical:
        sys.exit(EXIT_FAILED)


def _case(command: Callable[..., None]) -> Callable[..., None]:
    """Options of a tree at a condition, handed on as one argument ``case``."""

    @click.option("--inputs", default=8, metavar="N", show_default=True, help="Words that are summed.")
    @click.option("--bits", default=8, type=WIDTH, metavar="W", show_default=True, help="Bits of a word.")
    @click.option("--process", metavar="P", help="Corner; tt, or the tables' only one, if not given.")
    @click.option("--vdd", type=float, metavar="V", help="Supply [V]; nominal, or the only one, if not given.")
    @click.option("--temp-c", type=float, metavar="T", help="Temperature [degC]; 25, or the only one, if not given.")
    @click.option("--seed", default=1, type=SEED, metavar="S", show_default=True, help="Of operands and vectors.")
    @wraps(command)
    def with_case(
        inputs: int, bits: int, process: str | None, vdd: float | None, temp_c: float | None, **others: object
    ) -> None:
        from pimchar.trees import Case

        command(case=Case(inputs, bits, process, vdd, temp_c), **others)

    return with_case


@main.command()
@DIRECTORY
@_case
@click.option("--input-bits", default=8, type=WIDTH, metavar="B", show_default=True, help="Of a value.")
@click.option("--operations", default=100, type=click.IntRange(min=2), metavar="N", show_default=True, help="Number.")
def tree(directory: Path, case: Case, seed: int, input_bits: int, operations: int) -> None:
    """Show what an adder tree and its accumulator take, by events, from the tables of gates of a directory.

    First one input bit against the share of ones among them, then whole dot products of random operands.
    """
    from pimchar import render_trees, trees

    click.echo(render_trees.energies(trees.energies(directory, case, operations, seed)) + "\n")
    found = trees.accumulated(directory, case, input_bits, operations, seed)
    click.echo(render_trees.accumulated(found, input_bits))


@main.command("tree-check")
@DIRECTORY
@_case
@click.option("--pairs", default=200, type=click.IntRange(min=2), metavar="N", show_default=True, help="Of vectors.")
@WORKERS
def tree_check(directory: Path, case: Case, seed: int, pairs: int, workers: int | None) -> None:
    """Compare an adder tree by events with all of its transistors in ngspice on random vectors.

    What was simulated is kept in the directory's store. Exit 1 if an output bit is not that of the sum.
    """
    from pimchar import render_trees, trees

    found = trees.check(directory, case, pairs, seed, workers)
    click.echo(render_trees.check(found))
    if found.attrs["wrong_levels"]:
        sys.exit(EXIT_FAILED)


def _name(run_file: Path | None) -> str:
    """What messages call a run file."""
    from pimchar.runfile import DEFAULT_NAME

    return run_file.name if run_file else DEFAULT_NAME


def _read(run_file: Path | None) -> tuple[RunFile, str]:
    """A run file, or the embedded default, and its text."""
    from pimchar import runfile

    return runfile.read(run_file) if run_file else runfile.default()
