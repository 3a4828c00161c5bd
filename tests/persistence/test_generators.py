"""Random generators as plain values, and back."""

import copy
import pickle

import numpy as np
import pytest
from make_models import LABELS, ROWS, small
from numpy.testing import assert_array_equal

from skmlp import NumpyMLPClassifier
from skmlp._persistence.generators import (
    generator_from_dict,
    generator_state,
    generator_to_dict,
    load_generator,
)


@pytest.mark.parametrize(
    "bit_generator",
    [
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    ],
)
def test_generator_of_any_kind_goes_on_after_loading(bit_generator):
    seed = np.random.RandomState(bit_generator(3))
    model = small(random_state=seed, warm_start=True, early_stopping=True, noise=0.1)
    loaded = pickle.loads(pickle.dumps(model))
    for m in (model, loaded):
        m.fit(ROWS, LABELS["strings"]).partial_fit(ROWS, LABELS["strings"])
    assert_array_equal(loaded.predict_proba(ROWS), model.predict_proba(ROWS))


def test_generator_of_an_unknown_kind_is_kept_as_it_is(monkeypatch):
    model = small(warm_start=True, early_stopping=True)
    monkeypatch.setattr("skmlp._persistence.generators._BIT_GENERATORS", {})
    state = model.__reduce_ex__(2)[2]
    assert state["_state"]["split_rng"] is model._state.split_rng
    loaded = NumpyMLPClassifier.__new__(NumpyMLPClassifier)
    loaded.__setstate__(state)
    assert_array_equal(loaded.predict(ROWS), model.predict(ROWS))


BIT_GENERATORS = [np.random.MT19937, np.random.PCG64, np.random.Philox, np.random.SFC64]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
KINDS = [np.random.RandomState, np.random.Generator]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bit_generator", BIT_GENERATORS)
def test_a_generator_made_of_plain_values_draws_the_same_numbers(bit_generator, kind):
    rng = kind(bit_generator(3))
    rng.standard_normal(5)
    again = generator_from_dict(copy.deepcopy(generator_to_dict(rng)))
    assert type(again) is kind
    assert_array_equal(again.standard_normal(9), rng.standard_normal(9))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bit_generator", BIT_GENERATORS)
def test_a_loaded_state_is_that_of_the_generator_from_then_on(bit_generator, kind):
    rng, other = kind(bit_generator(3)), kind(bit_generator(4))
    load_generator(other, generator_state(rng))
    assert_array_equal(other.standard_normal(9), rng.standard_normal(9))


@pytest.mark.parametrize("bit_generator", BIT_GENERATORS)
def test_the_state_of_another_kind_of_generator_is_refused(bit_generator):
    for other in set(BIT_GENERATORS) - {bit_generator}:
        with pytest.raises(ValueError, match=r"must have|cannot be|an array"):
            load_generator(
                np.random.Generator(bit_generator(0)),
                generator_state(np.random.Generator(other(0))),
            )


@pytest.mark.parametrize(
    ("position", "bit_generator"), [("pos", np.random.MT19937), ("buffer_pos", np.random.Philox)]
)
def test_a_position_beyond_the_end_is_refused(position, bit_generator):
    rng = np.random.Generator(bit_generator(0))
    state = copy.deepcopy(generator_state(rng))
    (state if position in state else state["state"])[position] = 10**6
    with pytest.raises(ValueError, match="position is beyond its end"):
        load_generator(rng, state)
