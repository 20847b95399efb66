import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import errors, fcc, functional, mapping
from analysis.architecture import DESIGNS, MacroError, MacroGeometry
from analysis.fcc import FCCError
from analysis.functional import FunctionalError, ReadErrors
from analysis.functional_layout import bits_of, cells, place, windows
from analysis.mapping import Mapping, Shapes
from analysis.workloads import LAYER_TYPES, Layer

BASELINE, DDC = DESIGNS


def weights_of(layer, rng, bits=8):
    shape = (layer.filters, layer.channels // layer.groups, layer.kernel_height, layer.kernel_width)
    return rng.integers(-(1 << bits - 1), 1 << bits - 1, shape)


def inputs_of(layer, rng, bits=8, signed=False):
    low = -(1 << bits - 1) if signed else 0
    return rng.integers(low, low + (1 << bits), (layer.batch, layer.channels, layer.height, layer.width))


def stored_of(layer, weights, design, bits=8):
    if design.outputs == 1:
        return fcc.plain(weights, bits)
    return fcc.complementary(weights, fcc.matched(weights, fcc.pairing_groups(layer), bits), bits)


def convolved(layer, x, weights, zero_point=0, bias=0):
    """Direct convolution, window by window, of what quantized inputs stand for."""
    pad = ((0, 0), (0, 0), (layer.pads[0],) * 2, (layer.pads[1],) * 2)
    x = np.pad(x - zero_point, pad)
    found = np.zeros((layer.batch, layer.filters, layer.output_height, layer.output_width), dtype=np.int64)
    deep, each = layer.channels // layer.groups, layer.filters // layer.groups
    for f, i, j in np.ndindex(found.shape[1:]):
        top, left, first = i * layer.stride, j * layer.stride, f // each * deep
        seen = x[:, first : first + deep, top : top + layer.kernel_height, left : left + layer.kernel_width]
        found[:, f, i, j] = (seen * weights[f]).sum(axis=(1, 2, 3))
    return found + np.reshape(bias, (-1, 1, 1))


@st.composite
def layers(draw):
    kind = draw(st.sampled_from(LAYER_TYPES))
    kernel = (1, 1)
    if kind in ("standard", "depthwise"):
        kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 5)))
    groups = draw(st.integers(1, 3)) if kind == "standard" else 1
    channels, filters = groups * draw(st.integers(1, 9)), groups * draw(st.integers(1, 9))
    if kind == "depthwise":
        groups = filters = channels
    pad, pad_width = (draw(st.integers(0, 2)) if kind in ("standard", "depthwise") else 0 for _ in range(2))
    low = max(*kernel) - 2 * min(pad, pad_width)
    height, width = (1, 1) if kind == "fc" else (max(low, 1) + draw(st.integers(0, 4)) for _ in range(2))
    return Layer("x", kind, draw(st.integers(1, 2)), channels, height, width, filters, *kernel,
                 draw(st.integers(1, 3)), pad, groups, pad_width)  # fmt: skip


@st.composite
def machines(draw):
    """A small geometry, so that every kind of tile occurs, and a mapping that it can do."""
    pixels, turns, channels = (draw(st.integers(1, 2)) for _ in range(3))
    words, bits = draw(st.integers(1, 2)), draw(st.integers(2, 8))
    geometry = MacroGeometry(
        compartments=draw(st.integers(1, 20)),
        rows=draw(st.integers(1, 4)),
        columns=words * bits,
        macros=pixels * turns * channels,
        rows_per_local_bitline=1,
        weight_bits=bits,
        input_bits=draw(st.integers(1, 8)),
        split_windows=draw(st.integers(1, 4)),
    )
    return geometry, Mapping(
        depthwise_words=draw(st.integers(1, words)),
        depthwise_macros=draw(st.one_of(st.none(), st.integers(1, channels))),
        baseline_depthwise_macros=draw(st.one_of(st.none(), st.integers(1, channels))),
        depthwise_windows=draw(st.one_of(st.none(), st.integers(1, geometry.split_windows))),
        pixel_macros=pixels,
        input_macros=turns,
        fill_cycles=draw(st.integers(0, 5)),
        recover_cycles=draw(st.integers(0, 3)),
    )


@settings(max_examples=120)
@given(layers(), machines(), st.sampled_from(DESIGNS), st.booleans(), st.integers(0, 2**32 - 1))
def test_results_are_those_of_a_direct_convolution_and_cycles_those_of_the_model(layer, machine, design, signed, seed):
    geometry, schedule = machine
    rng = np.random.default_rng(seed)
    bits = geometry.input_bits
    stored = stored_of(layer, weights_of(layer, rng, geometry.weight_bits), design, geometry.weight_bits)
    x = inputs_of(layer, rng, bits, signed)
    zero_point = int(rng.integers(0, 1 << bits - 1))
    bias = rng.integers(-1000, 1000, layer.filters)
    found = functional.run(
        layer, x, stored, design, geometry, schedule, bias=bias, zero_point=zero_point, signed=signed
    )
    paired = stored.weights().reshape(layer.filters, -1, layer.kernel_height, layer.kernel_width)
    assert (found.outputs == convolved(layer, x, paired, zero_point, bias)).all()
    assert found.cycles == mapping.compute_cycles(Shapes.of([layer]), geometry, design, schedule)[0]


@settings(max_examples=200)
@given(layers(), machines(), st.sampled_from(DESIGNS))
def test_fills_and_written_rows_are_those_of_the_model(layer, machine, design):
    geometry, schedule = machine
    bits, shapes = geometry.weight_bits, Shapes.of([layer])
    weights = np.full((layer.filters, layer.inputs_per_window), -1)
    pairs = fcc.adjacent(layer.filters, fcc.pairing_groups(layer))
    stored = fcc.plain(weights, bits) if design is BASELINE else fcc.complementary(weights, pairs, bits)
    layout = place(layer, stored, geometry, design, schedule)
    addresses = layout.addresses(geometry.rows)
    assert len(cells(layout, stored, geometry)) == mapping.fills(shapes, geometry, design, schedule)[0]
    turns = len(layout.inputs)
    for tile in range(len(layout.words)):
        own = [address.fill for address in addresses if address.tile == tile]
        assert len(set(own)) == -(-turns // geometry.rows)
    written = np.zeros(geometry.macros, dtype=int)
    for at in addresses:
        there = (layout.words[at.tile][:, :, layout.part] != fcc.NONE).any(axis=1)
        written += (there & (layout.inputs[at.turn] != fcc.NONE)).sum(axis=1)
    assert written.max() == mapping.load_cycles(shapes, geometry, design, schedule)[0]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
@pytest.mark.parametrize(
    "layer",
    [
        Layer("c", "standard", 1, 6, 9, 9, 17, 3, 3, 2, 1),
        Layer("g", "standard", 1, 6, 5, 5, 6, 3, 3, 1, 1, 2),
        Layer("p", "pointwise", 1, 70, 9, 8, 35, 1, 1),
        Layer("d3", "depthwise", 1, 27, 9, 9, 27, 3, 3, 1, 1, 27),
        Layer("d5", "depthwise", 1, 9, 7, 7, 9, 5, 5, 2, 2, 9),
        Layer("d7", "depthwise", 1, 9, 7, 7, 9, 7, 7, 1, 3, 9),
        Layer("f", "fc", 1, 2100, 1, 1, 10, 1, 1),
    ],
    ids=lambda layer: layer.name,
)
def test_layers_on_the_macro_of_the_reference(layer, design):
    """More windows than a block; the fully connected layer needs more row addresses than there are rows."""
    rng = np.random.default_rng(3)
    stored = stored_of(layer, weights_of(layer, rng), design)
    x = inputs_of(layer, rng)
    found = functional.run(layer, x, stored, design)
    paired = stored.weights().reshape(layer.filters, -1, layer.kernel_height, layer.kernel_width)
    assert (found.outputs == convolved(layer, x, paired)).all()
    assert found.cycles == mapping.compute_cycles(Shapes.of([layer]), MacroGeometry(), design, Mapping())[0]


def traced(layer, design, signed=False, schedule=None):
    rng = np.random.default_rng(7)
    stored = stored_of(layer, weights_of(layer, rng), design)
    x = inputs_of(layer, rng, signed=signed)
    schedule = schedule or Mapping(recover_cycles=2, fill_cycles=3)
    return stored, x, functional.run(layer, x, stored, design, mapping=schedule, signed=signed, trace=True), schedule


CONV = Layer("c", "standard", 1, 7, 4, 4, 21, 3, 3, 1, 1)
DEEP = Layer("d", "depthwise", 1, 31, 4, 4, 31, 3, 3, 1, 1, 31)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
@pytest.mark.parametrize("layer", [CONV, DEEP], ids=lambda layer: layer.name)
@pytest.mark.parametrize("signed", [False, True])
def test_contents_of_every_cycle(layer, design, signed):
    geometry = MacroGeometry()
    stored, _, found, schedule = traced(layer, design, signed)
    trace = found.trace
    held = cells(place(layer, stored, geometry, design, schedule), stored, geometry)
    nodes = held[trace["fill"], :, :, trace["row"]]
    bit = np.repeat(trace["input"].values, 8, axis=3)
    assert (trace["column"].values[..., 0] == (bit[..., 0] & nodes)).all()
    if design is DDC:
        assert (trace["column"].values[..., 1] == (bit[..., 1] & ~nodes)).all()
    place_values = np.array([1, 2, 4, 8, 16, 32, 64, -128])
    words = trace["column"].values.reshape(*bit.shape[:3], 2, 8, -1)
    ends = [0, 9, 18, 32] if trace.sizes["part"] == 3 else [0, 32]
    for part, (a, b) in enumerate(itertools.pairwise(ends)):
        counts = words[:, :, a:b].sum(axis=2)
        assert (trace["tree"].values[..., part, :] == np.einsum("tmwbo,b->tmwo", counts, place_values)).all()
        if design is DDC:
            assert (trace["ones"].values[..., part, :] == trace["input"].values[:, :, a:b].sum(axis=2)).all()
    units = [("tree", "accumulator", "total"), ("ones", "input_sum", "input_total")]
    assert set(functional.RECOVERY) & set(trace) == (set(functional.RECOVERY) if design is DDC else set())
    for tree, acc, total in units[: design.outputs]:
        steps, kept = (trace[name].values.reshape(-1, 8, *trace[name].shape[1:]) for name in (tree, acc))
        serial = np.array([-128 if signed else 128, 64, 32, 16, 8, 4, 2, 1])
        assert (kept[:, -1] == np.tensordot(steps, serial, (1, 0))).all()
        assert np.abs(trace[total].values).max() > 0


def test_the_accumulator_ends_at_the_dot_product_and_the_recover_unit_at_the_result():
    stored, x, found, _ = traced(CONV, DDC)
    seen = windows(CONV, x, 0)[0]
    last = found.trace.sel(cycle=found.trace["result"].any(("macro", "word", "part", "output")))
    assert last.sizes["cycle"] == CONV.windows * 2  # tiles of 16 filters
    for number in range(last.sizes["cycle"]):
        tile, now = number % 2, last.isel(cycle=number)
        for macro, word in np.ndindex(4, 2):
            pair = 8 * tile + 2 * macro + word
            if pair >= len(stored.words):
                assert not now["total"].values[macro, word].any()
                continue
            inputs = seen[int(now["window"][macro])]
            products, total = int(inputs @ stored.words[pair]), int(inputs.sum())
            lone = stored.filters[pair, 1] < 0
            assert now["total"].values[macro, word, 0].tolist() == [products, 0 if lone else -total - products]
            mean = int(stored.means[pair])
            recovered = [products + mean * total, 0 if lone else -total - products + mean * total]
            assert now["result"].values[macro, word, 0].tolist() == recovered


def test_cycles_of_the_trace_leave_room_for_filling_and_recovery():
    _, _, found, _ = traced(CONV, DDC)
    cycle = found.trace["cycle"].values
    assert cycle[0] == 3
    assert (np.diff(cycle) >= 1).all()
    assert cycle[-1] + 1 + 2 == found.cycles
    waits = np.diff(cycle)[np.diff(cycle) > 1]
    assert (waits == 3).all()
    assert len(waits) == 2 * CONV.windows - 1


def test_filters_of_a_word_see_one_input_except_in_depthwise_layers():
    _, _, found, _ = traced(Layer("p", "pointwise", 1, 40, 3, 3, 32, 1, 1), DDC)
    seen = found.trace["input"]
    assert (seen.sel(output="p") == seen.sel(output="n")).all()
    assert (seen == seen.isel(word=0)).all()
    _, _, found, _ = traced(DEEP, DDC)
    seen = found.trace["input"]
    assert (seen.sel(output="p") != seen.sel(output="n")).any()
    assert not seen.isel(word=1).any()
    assert found.trace.sizes["part"] == 3


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("weights", [(-128, -128), (127, 127), (-128, 127), (127, -128)])
def test_extreme_numbers_fit_into_trees_and_accumulators(design, signed, weights):
    """Into the widths that the macro model takes for each unit, the recover unit's included."""
    geometry = MacroGeometry()
    layer = Layer("f", "fc", 1, 32 * 64, 1, 1, 2, 1, 1)
    x = np.full((1, 2048, 1, 1), -128 if signed else 255)
    stored = stored_of(layer, np.repeat(weights, 2048).reshape(2, 2048, 1, 1), design)
    trace = functional.run(layer, x, stored, design, signed=signed, trace=True).trace
    ones = 1 + (geometry.compartments - 1).bit_length()
    widths = {
        "tree": geometry.tree_bits,
        "accumulator": geometry.tree_bits + geometry.input_bits,
        "total": geometry.sum_bits,
        "result": geometry.sum_bits,
        "ones": ones + 1,
        "input_sum": ones + geometry.input_bits,
        "input_total": geometry.sum_bits - geometry.weight_bits + 1,
    }
    assert set(trace) <= {"input", "column", *widths}
    for name in widths.keys() & set(trace):
        assert -(1 << widths[name] - 1) <= trace[name].min()
        assert trace[name].max() < 1 << widths[name] - 1


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
def test_the_longest_sums_are_exact(design):
    geometry = MacroGeometry(input_bits=44)
    layer = Layer("f", "fc", 1, 32 * 32, 1, 1, 2, 1, 1)
    assert geometry.sum_bits == functional.LONGEST
    weights = np.repeat([-128, 127], 1024).reshape(2, 1024, 1, 1)
    most, bias = 2**44 - 1, np.array([-(2**62), 2**62 - 1])
    stored = stored_of(layer, weights, design)
    found = functional.run(layer, np.full((1, 1024, 1, 1), most), stored, design, geometry, bias=bias)
    assert found.outputs.ravel().tolist() == [1024 * most * w + int(b) for w, b in zip((-128, 127), bias, strict=True)]


def noisy(rates, seed=1, design=DDC, layer=CONV):
    rng = np.random.default_rng(11)
    stored = stored_of(layer, weights_of(layer, rng), design)
    x = inputs_of(layer, rng)
    return functional.run(layer, x, stored, design, errors=rates, rng=np.random.default_rng(seed), trace=True)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
def test_zero_rates_give_the_exact_result(design):
    exact, fixed = noisy(None, design=design), noisy(ReadErrors(fixed=True), design=design)
    assert (exact.outputs == fixed.outputs).all()
    assert exact.counts["missed"] == exact.counts["false"] == exact.counts["lost"] == 0
    assert exact.counts["due"] == int(exact.trace["column"].sum())


@pytest.mark.parametrize("fixed", [False, True])
def test_errors_come_at_their_rates_and_are_counted(fixed):
    layer = Layer("p", "pointwise", 1, 96, 5, 5, 64, 1, 1)
    exact, found = noisy(None, layer=layer), noisy(ReadErrors(0.02, 0.005, fixed=fixed), layer=layer)
    wrong = found.trace["column"].values ^ exact.trace["column"].values
    due = exact.trace["column"].values
    assert found.counts["missed"] == (wrong & due).sum()
    assert found.counts["false"] == (wrong & ~due).sum()
    bit = np.repeat(exact.trace["input"].values, 8, axis=3)
    assert not (wrong & ~bit).any()
    if fixed:
        return
    for kind, able, rate in (("missed", "due", 0.02), ("false", "idle", 0.005)):
        low, high = stats.binom.interval(1 - 1e-6, found.counts[able], rate)
        assert low <= found.counts[kind] <= high


def test_fixed_errors_are_those_of_cells():
    layer = Layer("p", "pointwise", 1, 32, 6, 6, 16, 1, 1)
    exact, found = noisy(None, layer=layer), noisy(ReadErrors(0.05, 0.05, fixed=True), layer=layer)
    wrong, due = found.trace["column"] ^ exact.trace["column"], exact.trace["column"]
    bit = np.repeat(exact.trace["input"].values, 8, axis=3)
    missed = (wrong & due).any("cycle")
    assert ((wrong & due) == (due & missed)).all()
    share = float(missed.mean())
    low, high = stats.binom.interval(1 - 1e-6, missed.size // 2, 0.05)
    assert low <= missed.sum() <= high
    assert 0 < share < 0.05  # a cell misses on one side only: the other node is 0
    false = (wrong & ~due).any("cycle").values
    assert ((wrong & ~due).values == (bit & ~due.values & false)).all()


def test_lost_bits_are_those_of_other_words():
    rng = np.random.default_rng(11)
    stored = stored_of(CONV, weights_of(CONV, rng), BASELINE)
    x = inputs_of(CONV, rng)
    every = functional.run(CONV, x, stored, BASELINE, errors=ReadErrors(lost=1.0), rng=np.random.default_rng(1))
    turned = fcc.plain(~stored.words)
    assert (every.outputs == functional.run(CONV, x, turned, BASELINE).outputs).all()
    assert every.counts["lost"] == every.counts["cells"] == stored.words.size * 8
    some = functional.run(CONV, x, stored, BASELINE, errors=ReadErrors(lost=0.1), rng=np.random.default_rng(1))
    low, high = stats.binom.interval(1 - 1e-6, some.counts["cells"], 0.1)
    assert low <= some.counts["lost"] <= high


def test_nothing_is_read_where_every_output_is_missed():
    found = noisy(ReadErrors(missed=1.0))
    assert not found.trace["column"].any()
    assert found.counts["missed"] == found.counts["due"] > 0


def test_errors_are_those_of_the_seed():
    one, same, other = (noisy(ReadErrors(0.01, 0.01), seed) for seed in (4, 4, 5))
    assert (one.outputs == same.outputs).all()
    assert one.counts == same.counts
    assert (one.outputs != other.outputs).any()


def test_one_missed_bit_costs_its_place():
    layer = Layer("p", "pointwise", 1, 1, 1, 1, 1, 1, 1)
    stored = fcc.plain(np.array([[[[-128]]]]))
    found = functional.run(
        layer, np.full((1, 1, 1, 1), 128), stored, BASELINE, errors=ReadErrors(1.0), rng=np.random.default_rng(1)
    )
    assert found.counts["due"] == found.counts["missed"] == 1
    assert found.outputs.item() == 0


def error_dataset():
    """Rates of SYNTHETIC times in the real format: reads late in half of the samples at the first cycle."""
    spread = np.linspace(-2, 2, 200)
    times = {"t_read_p": (1e-9, "high"), "t_read_n": (1e-10, "high"), "t_precharge": (1e-10, "high"),
             "t_hold_line": (1e-6, "low")}  # fmt: skip
    data = xr.Dataset(coords={"process": ["tt"], "vdd": ("vdd", [0.9], {"units": "V"}), "temp": [300.0]})
    for name, (time, fails) in times.items():
        dims, attrs = ("process", "vdd", "temp", "sample"), {"units": "s", "fails_when": fails, "long_name": name}
        data[name] = (dims, (time * np.exp(0.1 * spread))[None, None, None], attrs)
        data[f"{name}_status"] = (dims, np.zeros((1, 1, 1, 200), np.int8))
        data[f"{name}_bound"] = (dims, np.full((1, 1, 1, 200), np.nan))
    cycles = (1e-9 / errors.WORDLINE, 1.6e-9 / errors.WORDLINE)
    return errors.error_rates(data, cycles=cycles), cycles


def test_rates_of_a_characterized_column():
    rates, (short, long) = error_dataset()
    at = {"process": "tt", "vdd": 0.9, "temp": 300.0}
    half = ReadErrors.of(rates, at | {"cycle": short})
    assert half == ReadErrors(0.5, 0.0, 0.0, fixed=True)
    rare = ReadErrors.of(rates, at | {"cycle": long}, fixed=False)
    fitted = rates.sel(at).sel(cycle=long)["part_fitted"]
    assert 0 < rare.missed == float(fitted.sel(part="read")) < 1e-3
    assert not rare.fixed
    with pytest.raises(FunctionalError, match=r"cycle=1e-09 is not one of 3\.33.*e-09, 5\.33.*e-09 \(errors\.nc\)"):
        ReadErrors.of(rates, at | {"cycle": 1e-9})
    with pytest.raises(FunctionalError, match="cycle: more than one value, choose one"):
        ReadErrors.of(rates, at)
    with pytest.raises(FunctionalError, match="rows=16 is not one of no axis"):
        ReadErrors.of(rates, at | {"rows": 16})
    rates["part_counted"][:] = np.nan
    with pytest.raises(FunctionalError, match="rate of read, precharge, hold is not known"):
        ReadErrors.of(rates, at | {"cycle": short})


def call(layer=CONV, design=DDC, stored=None, x=None, **options):
    rng = np.random.default_rng(1)
    stored = stored_of(layer, weights_of(layer, rng), design) if stored is None else stored
    return functional.run(layer, inputs_of(layer, rng) if x is None else x, stored, design, **options)


PAIRS_ACROSS = np.array([[0, 3], [1, 4], [2, 5]])
GROUPED = Layer("g", "standard", 1, 2, 3, 3, 6, 3, 3, 1, 1, 2)
FEW = Layer("p", "pointwise", 1, 2, 3, 3, 4, 1, 1)
LONG = Layer("f", "fc", 1, 32 * 64 * 2, 1, 1, 2, 1, 1)
UNEQUAL = Layer("g", "standard", 1, 2, 3, 3, 4, 1, 1, 1, 0, 2)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"x": np.zeros((1, 7, 4, 5), int)}, FunctionalError, r"inputs of shape \(1, 7, 4, 5\) are not \(1, 7, 4, 4\)"),
        ({"x": np.zeros((1, 7, 4, 4))}, FCCError, "inputs is of type float64"),
        ({"x": np.full((1, 7, 4, 4), 256)}, FunctionalError, r"reach from 0 to 256, outside 0\.\.255 \(unsigned\)"),
        ({"signed": True}, FunctionalError, r"outside -128\.\.127 \(signed\)"),
        ({"zero_point": -1}, FunctionalError, r"zero_point reach from -1"),
        ({"design": BASELINE, "stored": fcc.complementary(np.ones((21, 63), int), fcc.adjacent(21))}, FunctionalError,
         "words for 2 outputs do not suit design 'baseline'"),
        ({"geometry": MacroGeometry(weight_bits=4)}, FunctionalError, "words of 8 bits, but weight_bits=4"),
        ({"design": BASELINE, "stored": fcc.plain(np.ones((20, 63), int))}, FunctionalError,
         "weights of 20 filters and 63"),
        ({"bias": np.ones((21, 1), int)}, FCCError, r"bias of shape \(21, 1\) is not one number for each of 21"),
        ({"zero_point": 1.5}, FCCError, "zero_point is of type float64"),
        ({"layer": FEW, "zero_point": 300}, FunctionalError, "zero_point reach from . to 300"),
        ({"geometry": MacroGeometry(input_bits=45)}, FunctionalError, "sums of 64 bits, more than the 63"),
        ({"layer": LONG, "geometry": MacroGeometry(input_bits=43)}, FunctionalError, "sums of 64 bits, more than"),
        ({"errors": ReadErrors(0.1)}, FunctionalError, "errors need a generator"),
        ({"mapping": Mapping(pixel_macros=3)}, MacroError, "does not divide macros=4"),
        ({"layer": GROUPED, "stored": fcc.complementary(np.ones((6, 9), int), PAIRS_ACROSS)}, FunctionalError,
         "pairs cross its groups"),
        ({"layer": UNEQUAL, "stored": fcc.complementary(np.ones((4, 1), int), [[0, -1], [1, -1], [2, 3]])},
         FunctionalError, r"layer 'g': \[2, 1\] words in its groups, not as many in each"),
    ],
)  # fmt: skip
def test_errors(how, error, message):
    with pytest.raises(error, match=message):
        call(**how)


def test_a_rate_beyond_one_is_refused():
    with pytest.raises(FunctionalError, match=r"missed=1\.5 is outside 0\.\.1"):
        ReadErrors(missed=1.5)


def test_bits_are_those_of_two_s_complement():
    values = np.arange(-128, 128)
    assert (bits_of(values, 8) @ np.array([1, 2, 4, 8, 16, 32, 64, -128]) == values).all()
