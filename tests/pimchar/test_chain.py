"""The whole chain on a small grid: what a results directory holds, and what a second run does."""

import json
import shutil

import pandas as pd
import pytest
import xarray as xr
from commandline import pimchar, printed
from onnx import TensorProto, helper, save

import figures
from analysis import headlines, plots, workloads
from charlib.metrics import METRICS
from pimchar import chain, runfile, stored

pytestmark = pytest.mark.ngspice

RUN = """
[conditions]
process = ["tt", "ss"]
vdd = [0.8, 1.0]
[variation]
samples = 8
[characterize]
metrics = ["snm_hold", "snm_read"]
[network]
names = ["mobilenet_v2", "resnet18"]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    (folder / "small.toml").write_text(RUN)
    printed("run", folder / "small.toml", "--out", folder / "out", "--workers", 1)
    return folder


def manifest(place):
    return json.loads((place / "out" / "manifest.json").read_text())


def test_macro_metrics_are_metrics():
    assert set(stored.MACRO_METRICS) <= set(METRICS)


def test_the_directory_is_complete(place):
    found = {path.name for path in (place / "out").iterdir() if not path.name.startswith(".")}
    files = {"characterization.nc", "curves.nc", "tables.nc", "macro.nc", "network.csv", "manifest.json", "run.toml"}
    assert found == {*files, "units", "figures"}
    assert manifest(place)["complete"]
    assert (place / "out" / "run.toml").read_text() == RUN


def test_every_figure_of_what_was_measured_is_there_in_both_formats(place):
    drawn = {path.name for path in (place / "out" / "figures").iterdir()}
    not_asked_for = {
        *("write_butterfly", "n_curve", "lost_states", "write_pulse", "gates", "magnetization", "sense_levels"),
        *("column_check", "operation", "computing_energy", "cycle_limits", "rows", "error_rate", "recovery"),
        *(
            "adder_tree",
            "headlines",
            "engine",
            "rare_failure",
            "array_yield",
            "switching_time",
            "write_error",
            "tmr_bias",
        ),
        *("twin", "tail", "in_time"),
    }
    assert drawn == {f"{name}.{kind}" for name in figures.FIGURES.keys() - not_asked_for for kind in ("svg", "png")}


def test_what_the_run_file_asks_for_and_what_the_macro_needs_is_measured(place):
    data = xr.load_dataset(place / "out" / "characterization.nc")
    assert {"snm_read", *stored.MACRO_METRICS} <= set(data.data_vars)
    assert dict(data["snm_read"].sizes) == {"process": 2, "vdd": 2, "temp": 1, "sample": 8}


def test_networks_have_a_row_per_design_and_condition(place):
    frame = pd.read_csv(place / "out" / "network.csv")
    assert len(frame) == 2 * 2 * 2 * 2
    assert set(frame["design"]) == {"baseline", "ddc"}
    assert (frame["latency_s"] > 0).all()


def test_a_second_run_simulates_nothing(place):
    printed("run", place / "small.toml", "--out", place / "out", "--workers", 1)
    assert manifest(place)["simulated"] == 0


def test_another_seed_is_refused_and_changes_nothing(place):
    before = {path.name: path.stat().st_mtime_ns for path in (place / "out").glob("*.*")}
    (place / "other.toml").write_text(RUN.replace("samples = 8", "samples = 8\nseed = 2"))
    result = pimchar("run", place / "other.toml", "--out", place / "out")
    assert result.exit_code == 2
    assert "belongs to another plan" in result.stderr
    assert "seed" in result.stderr
    assert {path.name: path.stat().st_mtime_ns for path in (place / "out").glob("*.*")} == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("tables", ["snm_hold", "vdd 0.8, 1 V", "interpolation", "scale", "log"]),
        ("macro", ["baseline", "ddc", "TOPS/W", "32768 cells"]),
        ("network", ["mobilenet_v2", "resnet18", "speed-up"]),
    ],
)
def test_stored_results_are_shown(place, command, words):
    output = printed(command, place / "out")
    for word in words:
        assert word in output


def test_figures_are_named_as_they_are_written(place, tmp_path):
    shutil.copy(place / "out" / "tables.nc", tmp_path)
    output = printed("figures", tmp_path)
    for kind in ("svg", "png"):
        assert f"delay_energy.{kind}" in output
    assert "figure margins skipped: characterization.nc is missing" in output


def test_headlines_are_shown_and_stored(place):
    output = printed("network", place / "out", "--headlines")
    for word in ("mobilenet_v2", "efficientnet_b0", "2.84", "2.69", "buffer bandwidth", "Yan ISSCC22", "8.41x"):
        assert word in output
    each = [pd.read_csv(place / "out" / name) for name in chain.HEADLINES.values()]
    macro = xr.load_dataset(place / "out" / "macro.nc")
    expected = headlines.speedups(
        macro.sel(plots.reference_condition(macro).where).expand_dims(("process", "vdd", "temp"))
    )
    pd.testing.assert_frame_equal(each[0].fillna({"mapping": ""}), expected, check_dtype=False)
    for row in expected[expected["assumption"] == headlines.AS_ASSUMED.what].itertuples():
        cells = next(line.split() for line in output.splitlines() if line.startswith(row.network))
        assert cells[1:4] == [f"{value:.2f}" for value in (row.published, row.speedup, row.speedup / row.published)]
    assert len(each[0]) == 2 * len(each[0].drop_duplicates(["assumption", "value"])) > 40
    assert {"share", "gain"} < set(each[1])
    assert {"density_carried_ratio", "area_efficiency_carried_ratio"} < set(each[2])


def test_a_network_of_ones_own_joins_the_others(place):
    onnx_file(place / "tiny.onnx")
    output = printed("network", place / "out", "--onnx", place / "tiny.onnx")
    assert "tiny.onnx" in output
    frame = pd.read_csv(place / "out" / "network.csv")
    assert list(dict.fromkeys(frame["network"])) == ["mobilenet_v2", "resnet18", "tiny.onnx"]
    assert set(frame.loc[frame["network"] == "tiny.onnx", "macs"]) == {8 * 16}
    assert "tiny.onnx" in printed("network", place / "out")  # stored with the directory
    (place / "out" / "layers" / "tiny.onnx.csv").unlink()


def test_two_networks_of_one_name_are_refused(tmp_path):
    first, second = (tmp_path / name / "net.onnx" for name in ("a", "b"))
    for file, filters in ((first, 16), (second, 16)):
        file.parent.mkdir()
        onnx_file(file, filters)
        chain.add_network(tmp_path, file)  # the same network from anywhere
    onnx_file(second, 4)
    chain.add_network(tmp_path, second)  # a file that changed
    stored = (tmp_path / "layers" / "net.onnx.csv").read_text()
    with pytest.raises(workloads.WorkloadError, match=f"{first} and {second} are different networks of one name"):
        chain.add_network(tmp_path, first)
    assert (tmp_path / "layers" / "net.onnx.csv").read_text() == stored


def test_a_run_file_that_names_a_network_that_cannot_be_read(place):
    (place / "bad.toml").write_text('[network]\nfiles = ["none.onnx"]\n')
    result = pimchar("run", place / "bad.toml", "--out", place / "none")
    assert result.exit_code == 2
    assert "none.onnx" in result.stderr
    assert "does not exist" in result.stderr
    assert not (place / "none").exists()


def test_a_run_file_with_a_network_of_ones_own(place, monkeypatch):
    onnx_file(place / "mine.onnx")
    (place / "mine.toml").write_text('[network]\nnames = []\nfiles = ["mine.onnx"]\n[mapping]\nload_bits = 1\n')
    run, _ = runfile.read(place / "mine.toml")
    copy = place / "copy"
    copy.mkdir()
    for name in ("tables.nc", "characterization.nc"):
        (copy / name).write_bytes((place / "out" / name).read_bytes())
    (copy / "run.toml").write_text((place / "mine.toml").read_text())
    monkeypatch.setattr(chain, "characterize", lambda *_: None)
    monkeypatch.setattr(chain, "draw_figures", lambda *_: None)
    chain.check(run, "mine.toml")
    chain.run_all(run, "", copy, chain.Workers(1), lambda line: None)
    frame = pd.read_csv(copy / "network.csv")
    assert set(frame["network"]) == {"mine.onnx"}
    assert set(frame["cycles_load"]) == {2 * 8 * 16, 8 * 16}  # 2 output tiles or 1, 8 inputs, rows of 16 bits
    assert figures.FIGURES["layers"].draw(copy)


def onnx_file(path, filters=16):
    """One fully connected layer, 8 x 16 if not said otherwise."""
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 8))]
    ends.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, None))
    weights = helper.make_tensor("w", TensorProto.FLOAT, (8, filters), [0.0] * 8 * filters)
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "net", ends[:1], ends[1:], [weights])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_the_default_directory_is_named_after_the_run_file(place, monkeypatch):
    monkeypatch.chdir(place)
    told = []
    monkeypatch.setattr(chain, "run_all", lambda run, text, out, workers, say: told.append(out.as_posix()))
    printed("run", "small.toml")
    printed("run")
    assert told == ["results/small", "results/demo"]
