"""Checksums of callables: equal where they do the same, else different."""

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, fbeta_score, make_scorer
from unfinished_fits import SEARCH, X, killed_in_batch, small, y

import skmlp
from skmlp._persistence.callables import content_of, without_addresses

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Score:
    """A scorer whose text does not say how it scores."""

    def __init__(self, beta, classes=("a", "b")):
        self.beta, self.classes = beta, set(classes)

    def __call__(self, model, X_val, y_val):
        return model.score(X_val, y_val) ** self.beta

    def half(self, *args):
        return self(*args) / 2


def enclosing(beta):
    def score(model, X_val, y_val):
        return model.score(X_val, y_val) ** beta

    return score


def with_default(beta):
    def score(model, X_val, y_val, beta=beta):
        return model.score(X_val, y_val) ** beta

    return score


def weighted(model, X_val, y_val, weights):
    return np.average(model.predict(X_val) == y_val, weights=weights[y_val])


MAKERS = {
    "object": Score,
    "method": lambda beta: Score(beta).half,
    "closure": enclosing,
    "default": with_default,
    "partial": lambda beta: functools.partial(enclosing(3), beta=beta),
    "partial of array": lambda beta: functools.partial(weighted, weights=np.full(3000, beta)),
    "make_scorer": lambda beta: make_scorer(fbeta_score, beta=beta),
    "make_scorer of closure": lambda beta: make_scorer(enclosing(beta)),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_equal_settings_have_equal_checksums_and_others_have_not(make):
    assert content_of(make(2.0)) == content_of(make(2.0))
    assert content_of(make(2.0)) != content_of(make(2.5))


def test_functions_of_other_code_differ():
    functions = [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a + b + 1,
        lambda a, b: a + b + 2,
        lambda a, b: [a + 1 for a in b],
        lambda a, b: [a + 1 for a in b if a],
        accuracy_score,
        len,
        np.add,
    ]
    assert len({content_of(function) for function in functions}) == len(functions)


def test_a_value_within_itself_ends():
    values = [1]
    values.append(values)
    assert content_of(functools.partial(len, values)) == content_of(functools.partial(len, values))


def test_a_variable_that_is_not_yet_assigned_is_none():
    def score():
        return later

    before = content_of(score)
    later = 3
    assert content_of(score) != before


def test_another_process_has_the_same_checksum():
    program = (
        "from skmlp._persistence.callables import content_of\n"
        "text = {'ash', 'beech', 'oak'}\n"
        "def score(a, b):\n    return a in {'elm', 'fir', 'yew'} and b in text\n"
        "def outer(text):\n    return lambda a: a in text\n"
        "print(content_of(score), content_of(outer(text)))\n"
    )
    environment = {"PYTHONPATH": str(Path(skmlp.__file__).parents[1])}
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=environment | {"PYTHONHASHSEED": seed}, capture_output=True, check=True,
        ).stdout
        for seed in "123"
    }  # fmt: skip
    assert len(outputs) == 1


def test_addresses_are_left_out():
    assert without_addresses("<f at 0x7f12ab> and 0x12") == "<f> and 0x12"


@pytest.mark.parametrize("kind", ["object", "closure", "make_scorer of closure"])
def test_another_scorer_of_the_same_text_is_another_fit(kind, tmp_path):
    make = MAKERS[kind] if kind != "make_scorer of closure" else enclosing
    model = small(checkpoint_path=tmp_path / "c", **SEARCH | {"scoring": make(1.0)})
    killed_in_batch(model, 18, X, y)
    with pytest.raises(ValueError, match=r"is not this one: scoring=.* there, .* here"):
        model.set_params(scoring=make(2.0)).fit(X, y)
    model.set_params(scoring=make(1.0)).fit(X, y)
