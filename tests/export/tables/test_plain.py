"""Features of numbers and indicators of words in ONNX, against the transformers."""

from types import SimpleNamespace

import numpy as np
import pytest
from exported_tables import run_graph
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._export.tables.inputs import Read
from skmlp._export.tables.plain import write_plain_features
from skmlp._tables.features import PlainFeatures
from skmlp._tables.table_reader import Columns

RNG = np.random.RandomState(0)
NUMBERS = np.column_stack(
    [
        RNG.normal(size=300),
        RNG.poisson(1, 300),
        RNG.randint(0, 2, 300),
        np.full(300, 3.0),
        1e30 * RNG.standard_cauchy(300),
    ]
).astype(np.float32)
NUMBERS[::9, 1] = NUMBERS[::7, 2] = np.nan
OTHERS = np.array([-np.inf, -1e38, -7, -1, 0, 1, 0.5, 2, 3, 1e9, 1e38, np.nan], np.float32)
COUNTS = [np.array([100, 90, 2, 1]), np.array([150]), np.array([9] * 40), np.array([1] * 50)]
CODES = RNG.randint(-1, 45, (300, len(COUNTS)))


def transformer(by_rank, numbers=NUMBERS, counts=COUNTS):
    columns = Columns(numbers, CODES[:, : len(counts)], [])
    return PlainFeatures(6, by_rank=by_rank).fit(columns, counts)


@pytest.mark.parametrize("by_rank", [False, True])
def test_features_are_those_of_the_transformer(by_rank):
    numbers = np.vstack([NUMBERS, np.repeat(OTHERS[1:, np.newaxis], 5, axis=1)])
    codes = np.vstack([CODES, CODES[: len(OTHERS) - 1]])
    codes = np.where(codes < list(map(len, COUNTS)), codes, -1)
    plain = transformer(by_rank)
    expected = plain.transform(Columns(numbers, codes, []))
    n_values = [*map(len, COUNTS)]
    inputs = {"numbers": numbers, "codes": np.where(codes < 0, n_values, codes)}
    read = Read("numbers", "codes", [], n_values)
    found = run_graph(lambda g: write_plain_features(g, plain, read), inputs)
    assert_allclose(found, expected, rtol=0, atol=2e-6)
    assert found.dtype == np.float32


def test_knots_at_one_place_have_the_rank_of_the_last():
    counts = RNG.poisson(0.7, (400, 1)).astype(np.float32)
    plain = transformer(True, counts, [])
    inputs = {"numbers": np.arange(-2, 9, 0.5, dtype=np.float32)[:, np.newaxis]}
    read = Read("numbers", None, [], [])
    found = run_graph(lambda g: write_plain_features(g, plain, read), inputs)
    expected = plain.transform(Columns(inputs["numbers"], np.empty((22, 0), int), []))
    assert_allclose(found, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("part", ["numbers", "codes"])
def test_there_is_a_feature_if_there_is_nothing_to_tell_rows_apart_by(part):
    empty = SimpleNamespace(missing_=[], binary_=[], numeric_=[])
    plain = SimpleNamespace(
        numeric_=empty, one_hot_=SimpleNamespace(n_frequent_=[0], has_others_=[False])
    )
    inputs = {
        "numbers": np.array([[np.inf], [np.nan], [1]], np.float32),
        "codes": np.array([[0], [1], [2]]),
    }
    read = Read(*(name if name == part else None for name in inputs), [], [3])
    given = {part: inputs[part]}
    found = run_graph(lambda g: write_plain_features(g, plain, read), given)
    assert_array_equal(found, np.zeros((3, 1), np.float32), strict=True)
