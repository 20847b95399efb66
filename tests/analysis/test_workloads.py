import pytest

from analysis import workloads
from analysis.workloads import Layer, WorkloadError

TOTALS = {  # MMAC, layers
    "alexnet": (654.6, 8),
    "mobilenet_v2": (300.8, 53),
    "resnet18": (1814.1, 21),
    "efficientnet_b0": (385.8, 82),
    "vgg16": (15470.3, 16),
    "lenet5": (0.41652, 5),
}
PARAMETERS = {
    "mobilenet_v2": 3.47e6,
    "resnet18": 11.68e6,
    "vgg16": 138.3e6,
    "lenet5": 61.7e3,
}  # published parameter counts, rounded


def test_every_network_has_its_total():
    assert set(workloads.available()) == set(TOTALS)


@pytest.mark.parametrize("name", TOTALS)
def test_macs_and_layers(name):
    layers = workloads.load(name)
    macs, count = TOTALS[name]
    assert len(layers) == count
    assert sum(layer.macs for layer in layers) / 1e6 == pytest.approx(macs, rel=2e-4)


@pytest.mark.parametrize("name", PARAMETERS)
def test_weights_match_published_parameter_counts(name):
    weights = sum(layer.weights for layer in workloads.load(name))
    assert weights == pytest.approx(PARAMETERS[name], rel=0.01)


@pytest.mark.parametrize("name", TOTALS)
def test_first_lines_state_the_source(name):
    text = (workloads._folder() / f"{name}.csv").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert any(word in text for word in ("zigzag-dse", "arXiv", "Proc. IEEE"))


def test_output_size_and_macs_by_hand():
    layer = Layer("c", "standard", 1, 3, 224, 224, 96, 11, 11, stride=4)
    assert (layer.output_height, layer.output_width) == (54, 54)
    assert layer.macs == 54 * 54 * 96 * 3 * 11 * 11


def test_unknown_network_names_the_legal_set():
    with pytest.raises(WorkloadError, match=r"'lenet' is not one of alexnet, efficientnet_b0, .*network\.names"):
        workloads.load("lenet")


@pytest.mark.parametrize(
    ("name", "size", "macs"), [("mobilenet_v2", 192, 221.3), ("mobilenet_v2", 128, 99.1), ("mobilenet_v2", 96, 56.3)]
)
def test_another_input_size(name, size, macs):  # totals of models trained at these sizes: 221, 99, 56 million
    assert sum(layer.macs for layer in workloads.resized(workloads.load(name), size)) / 1e6 == pytest.approx(
        macs, abs=0.05
    )


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_b0"])
def test_the_same_size_is_the_same_network(name):
    assert workloads.resized(workloads.load(name), 224) == workloads.load(name)


@pytest.mark.parametrize(("name", "layer"), [("resnet18", "layer1.0.conv1"), ("lenet5", "c3"), ("vgg16", "conv2_1")])
def test_maps_behind_pooling_have_no_other_size(name, layer):
    with pytest.raises(WorkloadError, match=f"layer '{layer}': its input of .* is made by no layer before"):
        workloads.resized(workloads.load(name), 96)


def test_a_table_of_ones_own_is_read_back(tmp_path):
    layers = workloads.load("lenet5")
    (tmp_path / "mine.csv").write_text(workloads.to_csv(layers, "my own"), encoding="utf-8")
    assert workloads.load("mine", tmp_path) == layers
    assert workloads.load("lenet5", tmp_path) == layers


@pytest.mark.parametrize("name", ["#1", "a,b", 'say "x"', "two\nlines", " "])
def test_any_name_of_a_layer_is_read_back(name):
    layers = (Layer("first", "fc", 1, 4, 1, 1, 2, 1, 1), Layer(name, "fc", 1, 2, 1, 1, 3, 1, 1))
    assert workloads.parse(workloads.to_csv(layers[::-1], "my, own"), "my.csv") == layers[::-1]
    assert workloads.parse(workloads.to_csv(layers, "my, own"), "my.csv") == layers


GOOD = {"name": "x", "type": "standard", "batch": 1, "channels": 4, "height": 8, "width": 8, "filters": 4}
GOOD |= {"kernel_height": 3, "kernel_width": 3}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"type": "dense"}, "type='dense' is not one of standard"),
        ({"stride": 0}, "stride=0 is below 1"),
        ({"pad": -1}, "pad=-1 is below 0"),
        ({"pad_width": -1}, "pad_width=-1 is below 0"),
        ({"groups": 3}, "not both divisible by groups=3"),
        ({"kernel_height": 9}, "kernel is larger"),
        ({"type": "depthwise"}, "depthwise needs channels = filters = groups"),
        ({"type": "pointwise"}, "pointwise needs a 1 x 1 kernel"),
    ],
)
def test_layers_that_cannot_be(changed, message):
    with pytest.raises(WorkloadError, match=message):
        Layer(**(GOOD | changed))


HEAD = "layer,type,N,C,H,W,K,R,S,stride,pad,groups\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer,type,N\n", "my.csv: column C is missing"),
        (HEAD + "a,fc,1,x,1,1,1,1,1,1,0,1\n", "layer 'a': invalid literal"),
        (HEAD + "a,fc,1\n", "layer 'a'"),
        (HEAD + 2 * "a,fc,1,1,1,1,1,1,1,1,0,1\n", "layer 'a' is there more than once"),
    ],
)
def test_tables_that_cannot_be_read(text, message):
    with pytest.raises(WorkloadError, match=message):
        workloads.parse(text, "my.csv")
