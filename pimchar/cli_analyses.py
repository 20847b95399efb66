"""Commands that tell what stored results mean; the group of ``pimchar.cli`` takes them."""

from __future__ import annotations

from pathlib import Path

import click

DIRECTORY = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
SEED = click.IntRange(min=0)


@click.command()
@DIRECTORY
@click.option("--metric", "metrics", multiple=True, metavar="M", help="Metric; may be repeated; all if not given.")
@click.option("--confidence", default=0.95, metavar="C", show_default=True, help="Confidence level of every interval.")
@click.option("--sigma", default=3.0, metavar="K", show_default=True, help="Level at which the worst corner is named.")
def stats(directory: Path, metrics: tuple[str, ...], confidence: float, sigma: float) -> None:
    """Show what the samples of a results directory say; writes statistics.nc.

    Mean, standard deviation, quantiles, failures with their intervals and a test of normality for each metric and
    condition, the worst corner, and the share of each transistor in the variance.
    """
    from pimchar import chain, render_statistics

    click.echo(render_statistics.statistics(chain.evaluate_statistics(directory, metrics, confidence, sigma)))


@click.command()
@DIRECTORY
@click.option(
    "--sigma", default=6.0, metavar="K", show_default=True, help="Sigma level that every operation must hold."
)
@click.option("--metric", "metrics", multiple=True, metavar="M", help="Judge by this metric; may be repeated.")
@click.option(
    "--t-read", type=float, metavar="S", help="Longest delay of the PIM read [s]; that of its window if not given."
)
@click.option("--confidence", default=0.95, metavar="C", show_default=True, help="Confidence level of every interval.")
def vmin(directory: Path, sigma: float, metrics: tuple[str, ...], t_read: float | None, confidence: float) -> None:
    """Show the lowest supply at which read, write, retention and PIM hold, and what limits it; writes vmin.nc.

    From stored samples of a run with several supplies, every metric taken as normal; nothing is extrapolated.
    """
    from pimchar import chain, render_vmin

    click.echo(render_vmin.lowest_supply(chain.evaluate_vmin(directory, sigma, confidence, metrics, t_read)))


@click.command()
@DIRECTORY
@click.option("--rate", default=1e-3, metavar="P", show_default=True, help="Failure rate that limits the cycle.")
@click.option("--cycle", "cycles", type=float, multiple=True, metavar="S", help="Cycle [s] to look at; repeatable.")
@click.option("--confidence", default=0.95, metavar="C", show_default=True, help="Confidence level of every interval.")
def errors(directory: Path, rate: float, cycles: tuple[float, ...], confidence: float) -> None:
    """Show how often a column errs against the cycle, and the cycles that a failure rate allows; writes errors.nc.

    From stored samples: a late output, a line not precharged or lost, a lost bit. Counted with exact intervals, and by
    fitted tails, called extrapolated, where counts run out.
    """
    from pimchar import chain, render_errors

    click.echo(render_errors.error_rates(chain.evaluate_errors(directory, rate, cycles, confidence)))


@click.command("write-errors")
@DIRECTORY
@click.option("--rate", default=1e-9, metavar="P", show_default=True, help="Error rate that a pulse is looked for at.")
@click.option("--longest", type=float, metavar="S", help="Longest pulse [s]; twice the cell's if not given.")
@click.option(
    "--sigma-delta", default=0.05, metavar="R", show_default=True, help="Relative spread of the barrier, assumed."
)
@click.option(
    "--samples", default=4096, type=click.IntRange(min=0), metavar="N", show_default=True,
    help="Stochastic macrospins to count; 0: none.",
)  # fmt: skip
@click.option("--seed", default=1, type=SEED, metavar="S", show_default=True, help="Of the stochastic macrospins.")
@click.option("--confidence", default=0.95, metavar="C", show_default=True, help="Confidence level of every interval.")
def write_errors(directory: Path, **asked: float | None) -> None:
    """Show how often STT writes fail against the pulse, and reads and rest lose the state; writes write_errors.nc.

    From stored currents of a cell of kind stt1t1m: initial angle and thermal agitation by the Fokker-Planck equation,
    by closed forms, and counted on stochastic macrospins.
    """
    from pimchar import render_write_errors, writeerrors

    click.echo(render_write_errors.write_errors(writeerrors.evaluate(directory, **asked)))


@click.command()
@DIRECTORY
def paths(directory: Path) -> None:
    """Compare the complementary read path with the single-sided one: delay, energy, transistors, area; with spread."""
    from pimchar import chain, render_readpath

    click.echo(render_readpath.read_paths(chain.compare_paths(directory)))


@click.command()
@DIRECTORY
@click.option("--silicon", is_flag=True, help="Show it beside published macros instead.")
@click.option("--published", is_flag=True, help="With published gates; writes nothing.")
def macro(directory: Path, silicon: bool, published: bool) -> None:
    """Show the macro that stored tables make, as a PIM baseline (Q) and as DDC (Q and Q-bar); renews macro.nc.

    Gates are those that DIR has characterized, and published ones where it has none or --published is given.
    """
    from pimchar import chain, render_macro

    if silicon:
        click.echo(render_macro.silicon(chain.compare_silicon(directory, published)))
    else:
        click.echo(render_macro.macros(chain.evaluate_macros(directory, published)))


@click.command()
@DIRECTORY
@click.option(
    "--onnx", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="FILE", help="A network to add."
)
@click.option("--headlines", is_flag=True, help="Published headline figures beside ours, with sensitivities.")
def network(directory: Path, onnx: tuple[Path, ...], headlines: bool) -> None:
    """Show the networks of a directory on its macro; renews macro.nc, with DIR's own gates, and network.csv.

    With --headlines DDC-PIM's published figures beside what the mechanism gives; renews macro.nc and headlines*.csv.
    """
    from pimchar import chain, render, render_headlines

    for file in onnx:
        chain.add_network(directory, file)
    if headlines:
        click.echo(render_headlines.headlines(chain.evaluate_headlines(directory)))
    else:
        click.echo(render.network(chain.evaluate_network(directory)))


@click.command()
@DIRECTORY
@click.option(
    "--beside", type=click.Path(path_type=Path, file_okay=False), multiple=True, metavar="DIR2",
    help="Results of another MRAM cell, or of an SRAM cell; may be repeated.",
)  # fmt: skip
@click.option("--network", "networks", multiple=True, metavar="NAME", help="alexnet and lenet5 if not given.")
def engine(directory: Path, beside: tuple[Path, ...], networks: tuple[str, ...]) -> None:
    """Show networks on the in-MRAM engine that the MRAM cell of a directory makes; writes engine.nc and engine*.csv.

    Weights and inputs of 1, 2, 4 and 8 bits, each with each; energy by place, latency and area; without first and last
    layer, and without DRAM; the published energy of an image beside ours.
    """
    from pimchar import engines, render_engine

    click.echo(render_engine.engines(engines.evaluate(directory, beside, networks or engines.NETWORKS)))


COMMANDS = (stats, vmin, errors, write_errors, paths, macro, network, engine)
"""What the group takes."""
