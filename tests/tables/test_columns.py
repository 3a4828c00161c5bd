from numpy.testing import assert_array_equal

from skmlp._tables.columns import make_columns


def test_the_number_of_cosines_is_that_of_the_argument():
    table = [[float(row)] for row in range(5)]
    assert make_columns(3).fit_transform(table).shape == (5, 4)
    two = make_columns("auto").fit_transform(table)
    assert_array_equal(two, make_columns(2).fit_transform(table))
