import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal

from skmlp._tables.features import PlainFeatures
from skmlp._tables.table_reader import TableReader


def fitted(table, n_terms=6):
    reader = TableReader().fit(table)
    columns = reader.transform(table)
    features = PlainFeatures(n_terms).fit(columns, reader.counts_)
    return features.transform(columns)


def test_features_of_numbers_come_before_those_of_words():
    table = pd.DataFrame({"word": [*"aaabbb"], "flag": [1, 0, 0, 0, 0, 1]})
    assert_array_equal(
        fitted(table).T, [[1, 0, 0, 0, 0, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
    )


def test_the_number_of_cosines_is_that_of_the_argument():
    numbers = np.arange(5.0)[:, np.newaxis]
    assert fitted(numbers, 3).shape == (5, 4)
    assert_array_equal(fitted(numbers, "auto"), fitted(numbers, 2))


def test_rows_that_cannot_be_told_apart_have_a_feature_still():
    assert_array_equal(fitted([[1, None], [1, None]]), [[0], [0]])
