"""What a fitted model keeps so that training can go on."""

import pickle

import numpy as np
import pytest
from networks import DISTURBED, REGULARISED, X, assert_identical_model, small, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("seed", [0, None], ids=["int", "None"])
@pytest.mark.parametrize("regularised", [DISTURBED, REGULARISED], ids=["disturbed", "all"])
def test_noise_and_dropout_go_on_through_partial_fit_and_pickle(regularised, seed):
    # without a seed, nothing but noise and dropout may be drawn
    model = small(random_state=seed, shuffle=seed is not None, batch_size=20, **regularised)
    model.partial_fit(X, y, classes=[0, 1, 2])
    loaded = pickle.loads(pickle.dumps(model))
    for _ in range(2):
        model.partial_fit(X, y)
        loaded = pickle.loads(pickle.dumps(loaded.partial_fit(X, y)))
    assert_identical_model(loaded, model)
    assert loaded.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize(
    "params",
    [DISTURBED, {"averaging": 0.9}, {"label_smoothing": 0.1, **DISTURBED, "averaging": 0.9}],
    ids=["disturbed", "averaging", "both"],
)
def test_regularised_partial_fits_are_one_fit(params):
    params = params | {"shuffle": False, "batch_size": 20, "max_iter": 4}
    whole, model = small(**params).fit(X, y), small(**params)
    for _ in range(4):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert_identical_model(model, whole)
    assert model.loss_curve_ == whole.loss_curve_


def test_normalised_partial_fits_train_as_one_fit_does():
    # they predict by running means, not by a pass over all rows: the training is the same
    params = REGULARISED | {"shuffle": False, "batch_size": 20, "max_iter": 4, "warm_start": True}
    whole, model = small(**params).fit(X, y), small(**params)
    for _ in range(4):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.loss_curve_ == whole.loss_curve_
    n_trained = sum(W.size + b.size for W, b in zip(whole.coefs_, whole.intercepts_, strict=True))
    n_trained += 2 * 6  # scale and shift of the hidden layer
    np.testing.assert_array_equal(
        model._state.vectors[:, :n_trained], whole._state.vectors[:, :n_trained]
    )
    assert not np.array_equal(model.coefs_[0], whole.coefs_[0])


@pytest.mark.parametrize(
    "rng",
    [
        np.random.RandomState(3),
        np.random.RandomState(np.random.PCG64(3)),
        np.random.RandomState(np.random.MT19937(np.random.SeedSequence(3))),
        None,
    ],
    ids=["legacy", "pcg64", "mt19937", "none"],
)
def test_a_copy_shares_no_generator_array_or_rule(rng):
    model = small(shuffle=True, batch_size=20, **REGULARISED)
    state = model.partial_fit(X, y, classes=[0, 1, 2])._state
    if rng is not None:
        rng.randn()  # the second of a pair of normal numbers is kept
    state.rng = state.split_rng = rng
    copied, again = state.copy(), state.copy()
    assert copied.rule is not state.rule
    assert copied.solver.optimizer is not state.solver.optimizer
    assert not np.shares_memory(copied.solver.optimizer.M, state.solver.optimizer.M)
    assert copied.noise_rng is not state.noise_rng
    for name in ("rng", "split_rng") if rng is not None else ():
        first, second = getattr(copied, name), getattr(again, name)
        drawn = first.randn(3)
        np.testing.assert_array_equal(second.randn(3), drawn)
        assert type(first._bit_generator) is type(rng._bit_generator)
    if rng is not None:
        np.testing.assert_array_equal(rng.randn(3), drawn)
