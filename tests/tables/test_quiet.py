import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning

from skmlp._tables.quiet import without_training_warnings


def test_only_warnings_of_what_the_recipe_decides_are_left_out():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with without_training_warnings():
            warnings.warn("not converged", ConvergenceWarning, stacklevel=1)
            warnings.warn("batch_size=32 is larger than the training set; ...", stacklevel=1)
            warnings.warn("X_val is of another scale than X: ...", stacklevel=1)
            warnings.warn("other", UserWarning, stacklevel=1)
        warnings.warn("not converged", ConvergenceWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["other", "not converged"]


def test_errors_pass_through():
    with pytest.raises(ZeroDivisionError), without_training_warnings():
        raise ZeroDivisionError
