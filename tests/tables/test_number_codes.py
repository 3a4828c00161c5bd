import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmlp._tables.cross_fit import random_folds
from skmlp._tables.number_codes import code_columns, encode_numbers
from skmlp._tables.target_codes import codes_of_classes, codes_of_numbers

N = 2000
RNG = np.random.RandomState(0)
FOLDS = random_folds(N, np.random.RandomState(0))
CODES = RNG.randint(0, 100, N)
RISK = RNG.permutation(100) / 100
OF_CODES = (RNG.uniform(size=N) < RISK[CODES]).astype(int)
OF_AMOUNTS = (RNG.uniform(size=N) < CODES / 100).astype(int)


def is_code(column, target):
    column = np.asarray(column, dtype=np.float32)
    (values,) = code_columns(column[:, np.newaxis], target, FOLDS)
    return len(values) > 0


def test_integers_whose_exact_value_tells_the_class_are_codes():
    assert is_code(1000 + 7 * CODES, codes_of_classes(OF_CODES, 2, None))
    assert is_code(1000 + 7 * CODES, codes_of_numbers(RISK[CODES][:, np.newaxis], None))


def test_several_classes_can_be_told_by_codes():
    classes = RNG.randint(0, 3, 100)[CODES]
    assert is_code(CODES, codes_of_classes(classes, 3, None))


@pytest.mark.parametrize(
    "column",
    [CODES, CODES + 0.5, CODES // 10, np.arange(N), np.full(N, np.nan)],
    ids=["amounts", "fractions", "few values", "identifiers", "missing"],
)
def test_other_numbers_are_none(column):
    assert not is_code(column, codes_of_classes(OF_AMOUNTS, 2, None))


def test_codes_are_positions_among_the_values():
    values = np.array([2, 5, 9], dtype=np.float32)
    column = np.array([9, 2, 3, np.nan, 100], dtype=np.float32)
    assert_array_equal(encode_numbers(column, values), [2, 0, -1, -1, -1])
    assert_array_equal(encode_numbers(column, values[:0]), [-1] * 5)
