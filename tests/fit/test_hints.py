"""Hints for names and values from other libraries."""

import inspect

import pytest
from networks import X, y

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor
from skmlp._compat import InvalidParameterError
from skmlp._fit.hints import _NAMES, _VALUES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("cls", [NumpyMLPClassifier, NumpyMLPRegressor])
@pytest.mark.parametrize("name", _NAMES)
def test_a_keyword_of_another_library_is_answered_by_ours(name, cls):
    with pytest.raises(TypeError, match=f"{cls.__name__} .* '{name}'. Use '{_NAMES[name]}'"):
        cls(**{name: 1})
    assert _NAMES[name] in inspect.signature(cls).parameters
    assert name not in inspect.signature(cls).parameters


def test_other_unknown_keywords_are_pythons_affair():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        NumpyMLPClassifier(colour=1)


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        (cls, *known)
        for cls in (NumpyMLPClassifier, NumpyMLPRegressor)
        for known in _VALUES
        if known[0] in inspect.signature(cls).parameters
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_value_of_another_library_is_answered_by_ours(cls, name, value, method):
    needs_classes = cls is NumpyMLPClassifier and method == "partial_fit"
    arguments = {"classes": [0, 1, 2]} if needs_classes else {}
    model = cls(max_iter=2)
    if name != "solver" or method == "fit":  # partial_fit depends on the solver
        model.set_params(**{name: value})
        with pytest.raises(InvalidParameterError) as caught:
            getattr(model, method)(X, y, **arguments)
        assert str(caught.value).endswith(f"Use {name}={_VALUES[name, value]!r}.")
    model.set_params(**{name: _VALUES[name, value]})
    if name != "solver" or method == "fit":
        getattr(model, method)(X, y, **arguments)


@pytest.mark.parametrize("spelling", ["Sigmoid", "SIGMOID"])
def test_capitals_do_not_hide_a_hint(spelling):
    with pytest.raises(InvalidParameterError, match="Use activation='logistic'"):
        NumpyMLPClassifier(activation=spelling).fit(X, y)


def test_a_number_for_the_schedule_is_answered_by_the_parameter_of_the_rate():
    with pytest.raises(InvalidParameterError, match=r"learning_rate_init=0\.01\.$"):
        NumpyMLPClassifier(learning_rate=0.01).fit(X, y)


@pytest.mark.parametrize("layers", [(50,), 50, [5, 5]])
def test_layers_in_the_place_of_the_loss_are_answered_by_their_name(layers):
    with pytest.raises(InvalidParameterError) as caught:
        NumpyMLPRegressor(layers).fit(X, y)
    assert str(caught.value).endswith(f"by name: hidden_layer_sizes={layers!r}.")


@pytest.mark.parametrize("loss", [None, "relu", "mean"])
def test_other_wrong_losses_have_no_hint(loss):
    with pytest.raises(InvalidParameterError, match=rf"Got {loss!r} instead\.$"):
        NumpyMLPRegressor(loss).fit(X, y)


def test_other_wrong_values_have_no_hint():
    with pytest.raises(InvalidParameterError, match=r"Got 'wave' instead\.$"):
        NumpyMLPClassifier(activation="wave").fit(X, y)
