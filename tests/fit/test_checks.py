"""Sizes of hidden layers."""

import numpy as np
import pandas as pd
import pytest
from networks import X, small, y

from skmlp._compat import InvalidParameterError
from skmlp._fit.checks import check_hidden_layer_sizes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        (5, [5]),
        ((), []),
        ([], []),
        ((5, 3), [5, 3]),
        ([5, 3], [5, 3]),
        (np.array([5, 3]), [5, 3]),
        (np.int32(5), [5]),
        (range(1, 4), [1, 2, 3]),
        (pd.Series([4, 2]), [4, 2]),
    ],
)
def test_sizes_of_hidden_layers_become_a_list_of_ints(value, sizes):
    checked = check_hidden_layer_sizes(value, "Network")
    assert checked == sizes
    assert all(type(n) is int for n in checked)


@pytest.mark.parametrize("value", [0, -1, (5, 0), (-1,), 2.0, (2.0,), ("5",), (None,), [[5, 3]]])
def test_other_sizes_are_refused_with_their_value(value):
    with pytest.raises(
        InvalidParameterError, match="hidden_layer_sizes must be > 0, got"
    ) as caught:
        check_hidden_layer_sizes(value, "Network")
    assert f"got {value!r} instead" in str(caught.value)


@pytest.mark.parametrize("sizes", [7, [7], (7,), np.array([7]), np.int64(7)])
def test_one_hidden_layer_may_be_written_as_a_number(sizes):
    model = small(hidden_layer_sizes=sizes).fit(X, y)
    assert [W.shape for W in model.coefs_] == [(4, 7), (7, 3)]
    assert model.n_layers_ == 3
