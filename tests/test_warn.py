"""Warnings name the line of the user's program, whatever stands between it and the fit."""

import warnings

import pytest
from networks import X, small, y
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier


class Own(NumpyMLPClassifier):
    def fit(self, *args):
        return super().fit(*args)


AROUND = {
    "pipeline": lambda network: make_pipeline(StandardScaler(), network),
    "two pipelines": lambda network: make_pipeline(make_pipeline(StandardScaler(), network)),
}


def test_the_warning_of_a_fit_names_the_file_that_called_it():
    with pytest.warns(ConvergenceWarning, match="max_iter=2") as caught:
        small(max_iter=2).fit(X, y)
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_warning_of_each_method_names_the_file_that_called_it(method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    with pytest.warns(UserWarning, match="batch_size=1000") as caught:
        getattr(small(batch_size=1000), method)(X, y, **arguments)
    assert {w.filename for w in caught if "batch_size" in str(w.message)} == {__file__}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_a_warning_from_within_a_pipeline_names_the_file_that_called_that(around):
    with pytest.warns(ConvergenceWarning, match="max_iter=2") as caught:
        around(small(max_iter=2)).fit(X, y)
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize("module", ["sklearn", r"sklearn\.neural_network"])
def test_filters_for_scikit_learn_silence_convergence_warnings(module):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=ConvergenceWarning, module=module)
        small(max_iter=2).fit(X, y)
        around = AROUND["pipeline"](small(max_iter=2))
        around.fit(X, y)


def test_a_subclass_elsewhere_is_part_of_the_users_program():
    with pytest.warns(ConvergenceWarning, match="max_iter=2") as caught:
        Own((6,), max_iter=2, random_state=0).fit(X, y)
    assert [w.filename for w in caught] == [__file__]
