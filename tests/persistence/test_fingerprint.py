"""A checkpoint belongs to one fit: what counts as another one."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from unfinished_fits import SEARCH, X, killed_in_batch, small, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def last_bit(rows):
    rows[-1, -1] = np.nextafter(rows[-1, -1], np.inf)
    return rows


def sign_of_zero(rows):
    rows[0, 0] = -rows[0, 0]
    return rows


def swapped_rows(rows):
    rows[[3, 4]] = rows[[4, 3]]
    return rows


def swapped_columns(rows):
    return rows[:, ::-1]


def moved_to_another_column(rows):
    """Change nothing but the column of the last number of a sparse matrix."""
    rows = csr_matrix(rows)
    rows.indices[-1] += 1
    return rows


@pytest.mark.parametrize(
    ("convert", "change"),
    [
        (np.array, last_bit),
        (np.array, sign_of_zero),
        (np.array, swapped_rows),
        (np.array, swapped_columns),
        (csr_matrix, moved_to_another_column),
    ],
    ids=lambda function: function.__name__,
)
def test_any_change_of_the_rows_is_another_fit(convert, change, tmp_path):
    rows = X.copy()
    rows[0, 0] = rows[-1, -1] = 0
    model = small(checkpoint_path=tmp_path / "fit.checkpoint")
    killed_in_batch(model, 18, convert(rows), y)
    with pytest.raises(ValueError, match="is not this one: another training rows X"):
        model.fit(change(rows.copy()), y)
    model.fit(convert(rows), y)
    assert model.loss_curve_ == small().fit(convert(rows), y).loss_curve_


class Scorer:
    def __call__(self, model, X_val, y_val):
        return model.score(X_val, y_val)


def made_anew():
    def scorer(model, X_val, y_val):
        return model.score(X_val, y_val)

    return scorer


@pytest.mark.parametrize("make", [Scorer, made_anew])
def test_a_callable_at_another_address_is_the_same_fit(make, tmp_path):
    first, second = make(), make()
    assert repr(first) != repr(second)
    model = small(checkpoint_path=tmp_path / "fit.checkpoint", **SEARCH | {"scoring": first})
    killed_in_batch(model, 18, X, y)
    n_batches = killed_in_batch(model.set_params(scoring=second), None, X, y)
    expected = small(**SEARCH | {"scoring": first})
    assert n_batches < killed_in_batch(expected, None, X, y)
    assert model.loss_curve_ == expected.loss_curve_
