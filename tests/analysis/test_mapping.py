"""The cycle model: passes counted one by one, bounds for any macro and mapping, numbers by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import mapping, workloads
from analysis.architecture import DESIGNS, MacroGeometry
from analysis.mapping import Mapping, Points, Shapes
from analysis.workloads import Layer

GEOMETRY = MacroGeometry()
BASELINE, DDC = DESIGNS
SCHEDULE = Mapping()


def cycles(layer, design, schedule=SCHEDULE, geometry=GEOMETRY):
    return int(mapping.compute_cycles(Shapes.of([layer]), geometry, design, schedule)[0])


def brute_force(layer, design, geometry, schedule):
    """Cycles counted one by one: every window, every load of outputs or of channels, every row address."""
    side, over_inputs = schedule.pixel_macros, schedule.input_macros
    macros = geometry.macros // side // over_inputs
    if layer.type == "depthwise":
        fit = 1
        while design.splits and fit < geometry.split_windows and (
            (fit + 1) * layer.inputs_per_window <= geometry.compartments
        ):  # fmt: skip
            fit += 1
        macros = schedule.depthwise_macros or macros
        if design is BASELINE:
            macros = schedule.baseline_depthwise_macros or macros
        blocks = [(layer.channels, schedule.depthwise_words * macros * design.outputs * fit)]
    else:
        blocks = [(layer.filters // layer.groups, macros * geometry.words * design.outputs)] * layer.groups
    count, fills, left = 0, 0, 0
    places = itertools.product(range(layer.batch), range(layer.output_height), range(layer.output_width))
    for window in range(0, sum(1 for _ in places), side):
        for outputs, together in blocks:
            for _ in range(0, outputs, together):
                needed = len(range(0, layer.inputs_per_window, geometry.compartments * over_inputs))
                count += needed * geometry.input_bits
                if window == 0:
                    left = left if needed <= left else 0
                    while needed > left:
                        fills, left = fills + 1, left + geometry.rows
                    left -= needed
                count += schedule.recover_cycles if design is DDC else 0
    return count + fills * schedule.fill_cycles


@st.composite
def layers(draw):
    kind = draw(st.sampled_from(workloads.LAYER_TYPES))
    kernel = draw(st.sampled_from([1, 2, 3, 5, 7])) if kind in ("standard", "depthwise") else 1
    groups = draw(st.integers(1, 3)) if kind == "standard" else 1
    channels, filters = groups * draw(st.integers(1, 40)), groups * draw(st.integers(1, 40))
    if kind == "depthwise":
        groups = filters = channels
    size = 1 if kind == "fc" else draw(st.integers(1, 6))
    stride = draw(st.integers(1, 2))
    return Layer("x", kind, 1, channels, size, size, filters, kernel, kernel, stride, kernel // 2, groups)


@st.composite
def plans(draw):
    """A geometry and a mapping that fits it."""
    pixels, inputs, channels = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 5))
    words = draw(st.integers(1, 3))
    geometry = MacroGeometry(
        compartments=draw(st.integers(1, 40)),
        columns=8 * words,
        macros=pixels * inputs * channels,
        split_windows=draw(st.integers(1, 4)),
        rows=16 * draw(st.integers(1, 3)),
    )
    schedule = Mapping(
        depthwise_words=draw(st.integers(1, words)),
        depthwise_macros=draw(st.none() | st.integers(1, channels)),
        baseline_depthwise_macros=draw(st.none() | st.integers(1, channels)),
        pixel_macros=pixels,
        input_macros=inputs,
        fill_cycles=draw(st.integers(0, 5)),
        recover_cycles=draw(st.integers(0, 3)),
        load_bits=draw(st.none() | st.integers(1, 200)),
        double_buffered=draw(st.booleans()),
        buffer_bits=draw(st.none() | st.integers(1, 500)),
        dram_bits=draw(st.none() | st.integers(1, 500)),
    )
    schedule.check(geometry)
    return geometry, schedule


@given(layer=layers(), plan=plans(), design=st.sampled_from(DESIGNS))
def test_cycles_equal_counted_passes(layer, plan, design):
    geometry, schedule = plan
    assert cycles(layer, design, schedule, geometry) == brute_force(layer, design, geometry, schedule)


@given(layer=layers(), plan=plans())
def test_gain_is_at_most_two_without_depthwise(layer, plan):
    geometry, schedule = plan
    gain = cycles(layer, BASELINE, schedule, geometry) / cycles(layer, DDC, schedule, geometry)
    if layer.type != "depthwise":
        assert gain <= 2
    elif schedule.baseline_depthwise_macros is None:
        assert gain <= 2 * geometry.split_windows


@given(layer=layers(), plan=plans(), design=st.sampled_from(DESIGNS))
def test_utilization_is_at_most_one(layer, plan, design):
    geometry, schedule = plan
    used = mapping.utilization(
        Shapes.of([layer]), geometry, design, np.array([cycles(layer, design, schedule, geometry)])
    )
    assert 0 < used[0] <= 1


@given(each=st.lists(layers(), min_size=1, max_size=3), many=st.lists(plans(), min_size=1, max_size=4))
def test_points_are_what_each_is_alone(each, many):
    shapes, (geometries, schedules) = Shapes.of(each), (Points(items) for items in zip(*many, strict=True))
    for design in DESIGNS:
        moved = mapping.traffic(shapes, geometries, design, schedules, 1000)
        together = mapping.cycles(shapes, geometries, design, schedules, moved)
        for i, (geometry, schedule) in enumerate(many):
            own = mapping.traffic(shapes, geometry, design, schedule, 1000)
            alone = mapping.cycles(shapes, geometry, design, schedule, own)
            assert (together.total[i] == alone.total).all()
            assert min(alone.compute.min(), alone.total.min()) > 0
            assert min(alone.stall.min(), alone.load.min()) >= 0


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
def test_the_smallest_layer_takes_one_pass(design):
    assert cycles(Layer("x", "pointwise", 1, 1, 1, 1, 1, 1, 1), design) == 8
    assert cycles(Layer("x", "depthwise", 1, 1, 1, 1, 1, 1, 1), design) == 8


def test_published_formulas():
    point = Layer("p", "pointwise", 1, 96, 56, 56, 24, 1, 1)
    assert cycles(point, BASELINE) == 56 * 56 * 3 * 3 * 8
    assert cycles(point, DDC) == 56 * 56 * 3 * 2 * 8
    deep = Layer("d", "depthwise", 1, 96, 56, 56, 96, 3, 3, pad=1, groups=96)
    assert cycles(deep, BASELINE) == 56 * 56 * 24 * 8
    assert cycles(deep, DDC) == 56 * 56 * 4 * 8
    assert cycles(deep, DDC, Mapping(depthwise_windows=2)) == 56 * 56 * 6 * 8
    five = Layer("d", "depthwise", 1, 96, 56, 56, 96, 5, 5, pad=2, groups=96)
    assert cycles(five, DDC) == 56 * 56 * 12 * 8


def test_macros_over_pixels_and_inputs():
    point = Layer("p", "pointwise", 1, 96, 7, 7, 24, 1, 1)
    assert cycles(point, BASELINE, Mapping(pixel_macros=4)) == 13 * 3 * 12 * 8
    assert cycles(point, BASELINE, Mapping(input_macros=2)) == 49 * 2 * 6 * 8
    deep = Layer("d", "depthwise", 1, 96, 7, 7, 96, 3, 3, pad=1, groups=96)
    assert cycles(deep, BASELINE, Mapping(depthwise_macros=1)) == 49 * 96 * 8
    assert cycles(deep, DDC, Mapping(baseline_depthwise_macros=1)) == 49 * 4 * 8


def test_filling_and_recovery():
    point = Layer("p", "pointwise", 1, 320, 1, 1, 80, 1, 1)  # 10 input tiles, 10 output tiles, 60 of 64 rows a fill
    assert cycles(point, BASELINE, Mapping(fill_cycles=3, recover_cycles=2)) == 100 * 8 + 2 * 3
    more = Layer("p", "pointwise", 1, 320, 1, 1, 96, 1, 1)  # 12 output tiles: 2 fills of 6
    assert cycles(more, BASELINE, Mapping(fill_cycles=3)) == 120 * 8 + 2 * 3
    most = Layer("p", "pointwise", 1, 320, 1, 1, 97, 1, 1)  # the 13th takes a third, and so does the 130th row
    assert cycles(most, BASELINE, Mapping(fill_cycles=3)) == 130 * 8 + 3 * 3
    long = Layer("f", "fc", 1, 32 * 33, 1, 1, 16, 1, 1)  # two tiles of 33 rows, 66 > 64
    assert cycles(long, BASELINE, Mapping(fill_cycles=3)) == 66 * 8 + 2 * 3
    longer = Layer("f", "fc", 1, 32 * 33, 1, 1, 24, 1, 1)  # three of them: 99 rows would fit into two fills
    assert cycles(longer, BASELINE, Mapping(fill_cycles=3)) == 99 * 8 + 3 * 3
    assert cycles(point, DDC, Mapping(fill_cycles=3, recover_cycles=2)) == 50 * 8 + 5 * 2 + 3


def test_rows_are_written_whole():
    deep = Shapes.of([Layer("d", "depthwise", 1, 96, 7, 7, 96, 3, 3, pad=1, groups=96)])
    assert mapping.load_cycles(deep, GEOMETRY, BASELINE, SCHEDULE).tolist() == [24 * 9]
    assert mapping.load_cycles(deep, GEOMETRY, DDC, SCHEDULE).tolist() == [4 * 27]
    assert mapping.load_cycles(deep, GEOMETRY, DDC, Mapping(load_bits=512)).tolist() == [4]  # 4 x 27 x 16 / 512


def test_macros_over_inputs_are_written_one_after_the_other():
    nine, many = (Shapes.of([Layer("f", "fc", 1, inputs, 1, 1, 2, 1, 1)]) for inputs in (9, 4 * 32 + 33))
    assert mapping.load_cycles(nine, GEOMETRY, BASELINE, Mapping(input_macros=4)).tolist() == [9]
    assert mapping.load_cycles(many, GEOMETRY, BASELINE, Mapping(input_macros=4)).tolist() == [32 + 32]


def test_a_split_tree_may_be_used_in_part():
    deep = Shapes.of([Layer("d", "depthwise", 1, 25, 7, 7, 25, 3, 3, pad=1, groups=25)])  # 13 pairs, 12 a tile
    assert mapping.load_cycles(deep, GEOMETRY, DDC, SCHEDULE).tolist() == [27 + 9]


def test_macros_over_pixels_hold_copies():
    point = Shapes.of([Layer("p", "pointwise", 1, 96, 7, 7, 24, 1, 1)])
    one, four = (mapping.traffic(point, GEOMETRY, BASELINE, Mapping(pixel_macros=n), 10**9) for n in (1, 4))
    assert four.cell_write == 4 * one.cell_write
    assert four.dram == one.dram


def test_partial_sums_spill_only_beyond_the_rows():
    shapes = Shapes.of([Layer("f", "fc", 1, 32 * 64, 1, 1, 8, 1, 1), Layer("g", "fc", 1, 32 * 64 + 1, 1, 1, 8, 1, 1)])
    moved = mapping.traffic(shapes, GEOMETRY, BASELINE, SCHEDULE, 10**9)
    assert (moved.output_buffer - 2 * 8 * 8).tolist() == [0, 2 * 8 * GEOMETRY.sum_bits]
