"""Every figure of the table: drawn from real results, told when it cannot be."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import stats

import figures
from analysis import sensitivity, statistics
from analysis.plots import NothingToDraw, quantity
from figures import FIGURES

pytestmark = pytest.mark.ngspice

BUTTERFLIES = ("butterfly_hold", "butterfly_read")
GROUPS = (*BUTTERFLIES, "read_path")
CHECKS = {
    "array_yield": "yield.nc",
    "column_check": "column_check.nc",
    "adder_tree": "tree_check.nc",
    "engine": "engine.csv, engine.nc",
    "error_rate": "errors.nc",
    "headlines": "headlines.csv, headlines_curve.csv",
    "rare_failure": "yield.nc",
    "recovery": "errors.nc",
    "switching_time": "write_errors.nc",
    "twin": "twin.nc",
    "write_error": "write_errors.nc",
}
"""Figures of what another command makes, with tests of their own, and the file that each needs."""
OF_MRAM = ("magnetization", "sense_levels", "tmr_bias")
"""Figures of MRAM cells, with tests of their own."""
OF_RUNS = [name for name in FIGURES if name not in (*CHECKS, *OF_MRAM, "rows", "tail")]
"""Figures of a characterization."""
AT_WORK = ("operation", "computing_energy", "cycle_limits")
SAMPLED = [name for name in OF_RUNS if name not in ("write_pulse", *AT_WORK)]
"""Figures that Monte Carlo results allow; the write pulse and the path at work are drawn from the nominal ones."""
STATISTICS = ("margins", "qq", "correlation", "tornado")
"""Figures that need samples."""
KEPT = ("i_read", "read_", "t_read")
"""Beginnings of the variables of a few metrics; a figure of all of them takes long to draw."""
SAMPLES = 12


def labelled(figure):
    """Axes that show data."""
    return [ax for ax in figure.axes if ax.axison]


def texts(figure):
    return " ".join((figure.get_suptitle() + " " + figure.get_supxlabel()).split())


@pytest.mark.parametrize("name", SAMPLED)
def test_axes_have_units_and_the_caption_conditions_and_samples(name, sampled):
    figure = FIGURES[name].draw(sampled)
    assert isinstance(figure, Figure)
    assert figure.get_suptitle()
    caption = texts(figure)
    if name == "layers":
        assert "the same at every condition and for every sample" in caption
    else:
        assert "predictive28, tt" in caption
        assert "25 °C" in caption
        assert f"{SAMPLES} Monte Carlo samples" in caption
        assert "seed 5" in caption
    for ax in labelled(figure) if name != "correlation" else ():  # both axes of a matrix are categories
        named = {text for text in (ax.get_xlabel(), ax.get_ylabel()) if text}
        without_unit = {text for text in named if not re.search(r"\[(°C|TOPS/W|Mb/mm²|mm²|[a-zµ%]?[A-Zs1]?)\]$", text)}
        assert named - without_unit
        assert without_unit <= {"mobilenet_v2", "resnet18"}  # rows of the network figure


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_nominal_run_at_one_supply_is_drawn_or_told(name, nominal):
    if name in STATISTICS:
        with pytest.raises(NothingToDraw, match="the run has no Monte Carlo samples"):
            FIGURES[name].draw(nominal)
        return
    figure = FIGURES[name].draw(nominal)
    assert "nominal cell only" in texts(figure) or name == "layers"
    assert figure.get_layout_engine() is not None
    figure.canvas.draw()


def test_every_figure_that_results_allow_is_saved_twice_and_told(sampled, tmp_path):
    lines = []
    written = figures.draw_all(sampled, tmp_path / "out", lines.append)
    assert [path.name for path in written] == [f"{name}.{kind}" for name in SAMPLED for kind in ("svg", "png")]
    assert all(path.stat().st_size > 5000 for path in written)
    skipped = [line for line in lines if "skipped" in line]
    assert [line.split()[1] for line in skipped] == [name for name in FIGURES if name not in SAMPLED]
    assert "figure write_pulse skipped: curves.nc has no group write_pulse" in "".join(skipped)
    assert "figure rows skipped: tables.nc has no axis of several rows (conditions.rows)" in skipped
    for name, file in CHECKS.items():
        assert f"figure {name} skipped: {file} {'are' if ',' in file else 'is'} missing" in skipped
    assert [line for line in lines if line not in skipped] == [f"figure: {path}" for path in written]


def test_an_empty_directory_skips_every_figure_in_one_line_each(tmp_path):
    lines = []
    assert figures.draw_all(tmp_path, progress=lines.append) == []
    assert lines[0] == "figure butterfly skipped: curves.nc, characterization.nc are missing"
    assert len(lines) == len(FIGURES)
    assert all("\n" not in line for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_missing_groups_and_metrics_are_skipped_with_their_names(copy, change):
    change(copy / "curves.nc", lambda data: data, ("read_path",))
    change(copy / "characterization.nc", lambda data: data[[v for v in data if v.startswith(KEPT)]])
    change(copy / "tables.nc", lambda data: data[["i_leak"]])
    (copy / "network.csv").write_text("network,design\na,b\n")
    (copy / "macro.nc").write_text("broken")
    lines = []
    written = figures.draw_all(copy, progress=lines.append)
    drawn = ("qq", "correlation", "tornado", "shmoo", "read_path", "gates")
    assert written == [copy / "figures" / f"{name}.{kind}" for name in drawn for kind in ("svg", "png")]
    skipped = "\n".join(line for line in lines if "skipped" in line)
    assert "figure butterfly skipped: curves.nc has no group butterfly_hold: the run did not ask for it" in skipped
    assert "figure margins skipped: characterization.nc has neither snm_hold nor snm_read" in skipped
    assert "figure delay_energy skipped: tables.nc has no number of t_read_p, t_read_n, e_read" in skipped
    assert "figure network skipped: macro.nc is missing or not readable" in skipped
    for name in ("layers", "macro_parts", "silicon"):
        assert f"figure {name} skipped: macro.nc is missing or not readable" in skipped


def test_figures_of_one_condition_show_the_offset_nearest_to_none(copy, change):
    def swept(data):
        own = {
            name: data[name].expand_dims(dv_wl=[-0.1, 0.02], axis=3) for name in data if "process" in data[name].dims
        }
        return data.assign({name: 1.0 * array if name == "snm_read" else array for name, array in own.items()})

    few = (*KEPT, "snm_hold", "snm_read", "butterfly")
    change(copy / "characterization.nc", lambda data: swept(data[[v for v in data if v.startswith(few)]]))
    change(copy / "tables.nc", swept)
    change(copy / "curves.nc", swept, GROUPS)
    for name in ("butterfly", "read_path", "tornado", "shmoo", "delay_energy"):
        caption = " ".join(FIGURES[name].draw(copy).get_supxlabel().split())
        assert "dv_wl 0.02 V" in caption, name


def test_results_without_any_number_do_not_crash(copy, change):
    def blank(data):
        return data.map(lambda v: v * np.nan if v.dtype.kind == "f" else v, keep_attrs=True)

    for name in ("characterization.nc", "tables.nc", "macro.nc"):
        change(copy / name, blank)
    change(copy / "curves.nc", blank, GROUPS)
    frame = pd.read_csv(copy / "network.csv")
    numbers = [c for c in frame.columns if c.endswith(("_s", "_j"))]
    frame.assign(**dict.fromkeys(numbers, np.nan)).to_csv(copy / "network.csv", index=False)
    lines = []
    written = figures.draw_all(copy, progress=lines.append)
    assert {path.stem for path in written} <= {"layers", "shmoo", "gates"}  # what is no number has not passed
    assert any("butterfly_hold has no nominal curves at tt, VDD 1 V, 25 °C" in line for line in lines)
    assert any("no sample has a static noise margin" in line for line in lines)


def test_lost_samples_are_left_out_and_counted(copy, change):
    def lose(data):
        status = data["snm_read_status"].copy()
        status[..., 0], status[..., 1] = 1, 4
        value = data["snm_read"].where(status == 0)
        return data.assign(snm_read=value, snm_read_status=status)

    def lose_curves(data):
        return data.map(lambda v: v.where(data["sample"] != 2) if "sample" in v.dims else v)

    change(copy / "characterization.nc", lose)
    change(copy / "curves.nc", lose_curves, GROUPS)
    change(copy / "tables.nc", lambda d: d.assign(t_read_p_n_failed=d["t_read_p_n_failed"] + 3))
    margins = texts(FIGURES["margins"].draw(copy))
    assert f"read: {SAMPLES - 2} with a value, 1 failed (censored low), 0 censored high, 1 unknown" in margins
    assert "snm_read: 1 failed, 0 beyond a bound, 1 unknown" in texts(FIGURES["qq"].draw(copy))
    assert "3 failed and 0 unknown" in texts(FIGURES["delay_energy"].draw(copy))
    for name in ("butterfly", "read_path"):
        FIGURES[name].draw(copy).canvas.draw()


def fail(data, vdd, count):
    """The first samples at a supply fail: their read margin lies below its bound."""
    status, bound = data["snm_read_status"].copy(), data["snm_read_bound"].copy()
    where = {"vdd": vdd, "sample": slice(0, count - 1)}
    status.loc[where], bound.loc[where] = 1, -0.01
    return data.assign(snm_read=data["snm_read"].where(status == 0), snm_read_status=status, snm_read_bound=bound)


def shown(ax):
    return [text.get_text() for text in ax.texts]


def test_a_shmoo_counts_failures_and_names_the_lowest_good_supply(copy, change):
    change(copy / "characterization.nc", lambda data: fail(data, 0.9, 3))
    figure = FIGURES["shmoo"].draw(copy)
    assert figure.get_suptitle() == "Every sampled cell passes from 1 V on"
    first = labelled(figure)[0]
    assert first.get_title() == "snm_read"
    assert shown(first) == ["75", "100"]
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["tt"]
    assert "Where all 12 pass, the rate is above 73.5 %" in texts(figure)


def test_a_shmoo_of_several_temperatures_has_a_panel_for_each_process(copy, change):
    def widen(data):
        hot = fail(data, 1.0, 12).assign_coords(temp=[398.15])
        data = xr.concat([data, hot], "temp", data_vars="minimal", coords="minimal", compat="override", join="outer")
        return xr.concat([data, data.assign_coords(process=["ss"])], "process", data_vars="minimal", coords="minimal",
                         compat="override", join="outer")  # fmt: skip

    change(copy / "characterization.nc", widen)
    figure = FIGURES["shmoo"].draw(copy)
    panels = {ax.get_title(): ax for ax in labelled(figure)}
    assert {"snm_read, tt", "snm_read, ss", "snm_hold, tt"} <= set(panels)
    ax = panels["snm_read, ss"]
    assert ax.get_ylabel() == "temperature [°C]"
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["25", "125"]
    assert shown(ax) == ["100", "100", "100", "0"]
    assert figure.get_suptitle() == "Sampled cells fail even at the highest supply, 1 V"


def test_tornado_bars_are_the_slopes(sampled, copy, change):
    change(copy / "characterization.nc", lambda data: statistics.select(data, ["snm_read", "t_read_p"]))
    figure = FIGURES["tornado"].draw(copy)
    data = xr.load_dataset(sampled / "characterization.nc").sel(process="tt", vdd=1.0).squeeze()
    slope = sensitivity.sensitivity(data, ["snm_read"])["snm_read_slope"]
    ax = next(ax for ax in labelled(figure) if ax.get_title().startswith("snm_read, R² = "))
    widths = sorted(bar.get_width() for bar in ax.patches)
    assert widths == pytest.approx(sorted(slope.dropna("device").values.ravel()))
    assert "Too few samples, or no spread: t_read_p" in texts(figure)


def test_a_tornado_without_the_transistors_on_record_says_so(copy, change):
    change(copy / "characterization.nc", lambda data: data.drop_vars("butterfly_hold_draws"))
    with pytest.raises(NothingToDraw, match="run the same command again"):
        FIGURES["tornado"].draw(copy)


def test_the_line_of_a_qq_plot_is_the_fitted_normal(sampled):
    ax = next(ax for ax in labelled(FIGURES["qq"].draw(sampled)) if ax.get_title().startswith("i_read"))
    line, dots = ax.lines
    data = xr.load_dataset(sampled / "characterization.nc").sel(process="tt", vdd=1.0).squeeze()
    slope, intercept = np.polyfit(line.get_xdata(), line.get_ydata(), 1)
    assert (intercept, slope) == pytest.approx((float(data["i_read"].mean()), float(data["i_read"].std())))
    assert dots.get_ydata()[:SAMPLES] == pytest.approx(np.sort(data["i_read"].values))


def test_the_matrix_shows_pearson_below_and_spearman_above(sampled):
    ax = next(ax for ax in labelled(FIGURES["correlation"].draw(sampled)) if ax.texts)
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    data = xr.load_dataset(sampled / "characterization.nc").sel(process="tt", vdd=1.0).squeeze()
    at = {text.get_position(): float(text.get_text().strip("()").replace("\N{MINUS SIGN}", "-")) for text in ax.texts}
    i, j = names.index("i_read"), names.index("snm_hold")
    assert i > j
    a, b = data["i_read"].values, data["snm_hold"].values
    assert at[j, i] == pytest.approx(stats.pearsonr(a, b).statistic, abs=0.0051)
    assert at[i, j] == pytest.approx(stats.spearmanr(a, b).statistic, abs=0.0051)


def test_bars_say_the_gain(sampled):
    frame = pd.read_csv(sampled / "network.csv")
    here = frame[np.isclose(frame["vdd_v"], 1.0)].set_index(["network", "design"])["latency_s"]
    figure = FIGURES["network"].draw(sampled)
    gains = [text for ax in figure.axes for text in shown(ax)]
    for network in ("mobilenet_v2", "resnet18"):
        assert f"÷ {here[network, 'baseline'] / here[network, 'ddc']:.2f}" in gains


def test_delays_in_the_waveforms_are_those_of_the_metric(sampled):
    told = " ".join(text for ax in FIGURES["read_path"].draw(sampled).axes for text in shown(ax))
    data = xr.load_dataset(sampled / "tables.nc").sel(process="tt", vdd=1.0).squeeze()
    for metric in ("t_read_p", "t_read_n"):
        assert f"{metric} =\n{quantity(float(data[f'{metric}_nominal']), 's')}" in told


def test_one_figure_from_the_command_line(sampled, tmp_path, capsys):
    assert figures.main("margins", [str(sampled), "--dest", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "margins.svg"), str(tmp_path / "margins.png")]
    assert figures.main("margins", [str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{tmp_path}: figure margins not drawn: characterization.nc is missing\n"


def test_cycle_limits_tell_where_no_cycle_is_right(nominal):
    figure = FIGURES["cycle_limits"].draw(nominal)
    assert figure.get_suptitle().startswith("Right from 0.7 V on; the longest cycle is at least ")
    assert [ax.get_title() for ax in figure.axes] == ["tt, 25 °C", "ff, 25 °C"]


def test_waveforms_of_a_wrong_output_say_so(nominal, tmp_path, change):
    folder = shutil.copytree(nominal, tmp_path / "copy", ignore=shutil.ignore_patterns("units"))
    good = FIGURES["operation"].draw(folder)
    assert good.get_suptitle() == "All eight combinations of Q, INP and INN give the right outputs"
    change(folder / "curves.nc", lambda data: data.assign(p_q=0 * data["p_q"]), ("truth",))
    assert FIGURES["operation"].draw(folder).get_suptitle() == "The nominal read path gives wrong outputs"


def test_ratio_in_the_title_is_that_of_the_metrics(nominal):
    title = FIGURES["computing_energy"].draw(nominal).get_suptitle()
    data = xr.load_dataset(nominal / "characterization.nc").squeeze()
    both, single = (
        float(data[f"e_compute{end}_lobes"].mean() + data[f"e_compute_leak{end}_lobes"].mean())
        for end in ("", "_single")
    )
    assert float(re.search(r"costs ([\d.]+) times", title)[1]) == pytest.approx(both / single, abs=0.006)


def test_no_figure_is_left_out_of_the_table():
    files = {path.stem for path in figures.Path(figures.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(FIGURES)
    assert all(row.description.endswith(".") and row.needs for row in FIGURES.values())


def test_the_pulse_in_the_title_is_the_metric_s(nominal):
    title = FIGURES["write_pulse"].draw(nominal).get_suptitle()
    data = xr.load_dataset(nominal / "characterization.nc").squeeze()
    stored = float(
        data["t_pulse_write_nominal"]
    )  # of the slower state; the figure shows Q = 1, alike within the search
    shown = float(re.search(r"A word-line pulse of ([\d.]+) ps writes", title)[1]) * 1e-12
    assert shown == pytest.approx(stored, rel=0.015)


def test_a_search_that_found_no_width_is_told(nominal, tmp_path, change):
    def always_written(data):
        return data.assign(q_q=data["q_q"] * 0.0)

    copy = shutil.copytree(nominal, tmp_path / "copy", ignore=shutil.ignore_patterns("units"))
    change(copy / "curves.nc", always_written, ("write_pulse",))
    with pytest.raises(NothingToDraw, match="no width of the nominal cell's word-line pulse is critical at tt"):
        FIGURES["write_pulse"].draw(copy)


def nominal_of(folder, metric):
    data = xr.load_dataset(folder / "characterization.nc").sel(process="tt", vdd=1.0).squeeze()
    return float(data[f"{metric}_nominal"])


def test_the_drawn_squares_are_the_nominal_noise_margins(sampled):
    figure = FIGURES["butterfly"].draw(sampled)
    for ax, metric in zip(figure.axes, ("snm_hold", "snm_read"), strict=True):
        squares = [p for p in ax.patches if isinstance(p, Rectangle)]
        assert len(squares) == 2
        for square in squares:
            assert square.get_width() == square.get_height()
            assert square.get_width() == pytest.approx(nominal_of(sampled, metric), abs=2e-5)
        labels = [text.get_text() for text in ax.texts]
        assert all(f"{1e3 * nominal_of(sampled, metric):.0f} mV" in text for text in labels)


def test_the_drawn_squares_are_the_nominal_write_margin(sampled):
    figure = FIGURES["write_butterfly"].draw(sampled)
    for ax in figure.axes:
        (square,) = (p for p in ax.patches if isinstance(p, Rectangle))
        assert square.get_width() == square.get_height()
        assert square.get_width() == pytest.approx(nominal_of(sampled, "snm_write"), abs=5e-5)


def test_the_n_curve_says_the_metrics(sampled):
    text = " ".join(text.get_text() for ax in FIGURES["n_curve"].draw(sampled).axes for text in ax.texts)
    for metric, unit in (("svnm", "V"), ("wtv", "V"), ("sinm", "A"), ("wti", "A")):
        assert f"{metric.upper()} {quantity(nominal_of(sampled, metric), unit)}" in text


def test_the_dots_are_where_the_nominal_cell_loses_its_state(sampled):
    figure = FIGURES["lost_states"].draw(sampled)
    found = [float(line.get_ydata()[0]) for ax in figure.axes for line in ax.lines if line.get_marker() == "o"]
    expected = [nominal_of(sampled, "wm_bl"), 1.0 - nominal_of(sampled, "wm_wl"), nominal_of(sampled, "drv")]
    np.testing.assert_allclose(found, expected, atol=1e-3)  # the dot is a point of the sweep
