"""Where NumpyMLPRegressor differs from MLPRegressor on purpose, and how."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import sklearn.neural_network._multilayer_perceptron as sklearn_mlp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.neural_network import MLPRegressor

from skmlp import NumpyMLPRegressor
from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning"
)

WEIGHTS_IN_FIT = "sample_weight" in inspect.signature(MLPRegressor.fit).parameters
HAS_LOSS = "loss" in inspect.signature(MLPRegressor).parameters
RNG = np.random.RandomState(0)
X = RNG.normal(size=(100, 4))
Y = np.exp(np.column_stack([X[:, 0] - X[:, 1], X[:, 2]]) + 0.2 * RNG.normal(size=(100, 2)))
y = Y[:, 0]
WEIGHTS = RNG.uniform(0.2, 4, 100)
every_loss = pytest.mark.parametrize("loss", REGRESSION_LOSSES)
standardized = pytest.mark.parametrize("standardize", [False, True], ids=["plain", "standardised"])
needs_their_loss = pytest.mark.skipif(not HAS_LOSS, reason="MLPRegressor has no loss yet")


def small(loss="squared_error", **params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 0, "batch_size": 16}
    return NumpyMLPRegressor(loss, **defaults | params)


def theirs(**params):
    return MLPRegressor((6,) if not HAS_LOSS else "squared_error", **params)


def parameters_of(model):
    return np.concatenate([array.ravel() for array in [*model.coefs_, *model.intercepts_]])


def assert_same_parameters(one, other):
    assert_array_equal(parameters_of(one), parameters_of(other))


# 1. Sample weights


@every_loss
@standardized
def test_difference_01_the_unit_of_weights_and_penalty_does_not_matter(loss, standardize):
    params = {"standardize_target": standardize, "batch_size": 32}
    one = small(loss, alpha=0.5, **params).fit(X, y, WEIGHTS)
    other = small(loss, alpha=1.0, **params).fit(X, y, 2 * WEIGHTS)
    assert_same_parameters(one, other)


@every_loss
@standardized
@pytest.mark.parametrize("early_stopping", [False, True])
def test_difference_01_rows_of_weight_zero_are_as_if_they_were_not_there(
    loss, standardize, early_stopping
):
    w = WEIGHTS.copy()
    # two batches of nothing else, and some single rows
    w[:8] = w[::9] = 0
    params = {"standardize_target": standardize, "early_stopping": early_stopping, "batch_size": 4}
    model = small(loss, **params).fit(X, y, w)
    without = small(loss, **params).fit(X[w > 0], y[w > 0], w[w > 0])
    assert_same_parameters(model, without)
    assert model.loss_curve_ == without.loss_curve_


if WEIGHTS_IN_FIT:

    def test_difference_01_a_batch_of_weight_zero_breaks_mlpregressor():
        w = WEIGHTS.copy()
        w[:8] = 0
        with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
            theirs(batch_size=4, shuffle=False, max_iter=3).fit(X, y, w)


# 3. The validation split


def test_difference_03_warm_start_keeps_the_validation_split(monkeypatch):
    held_out = []
    for module in (sklearn_mlp, __import__("sklearn.model_selection").model_selection):
        split = module.train_test_split

        def recorded(*args, split=split, **kwargs):
            parts = split(*args, **kwargs)
            held_out.append(np.ravel(parts[1]).tolist())
            return parts

        monkeypatch.setattr(module, "train_test_split", recorded)
    params = {"early_stopping": True, "warm_start": True, "max_iter": 2, "random_state": 0}
    small(**params).fit(X, y).fit(X, y)
    theirs(**params).set_params(random_state=np.random.RandomState(0)).fit(X, y).fit(X, y)
    assert held_out[0] == held_out[1]
    assert held_out[2] != held_out[3]


# 4. partial_fit


@every_loss
@standardized
@pytest.mark.parametrize("through", [lambda model: model, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_difference_04_n_calls_of_partial_fit_are_a_fit_of_n_epochs(
    loss, standardize, through, weights
):
    params = {"shuffle": False, "standardize_target": standardize}
    fitted, model = small(loss, **params).fit(X, y, weights), small(loss, **params)
    for _ in range(4):
        model = through(model).partial_fit(X, y, weights)
    assert_same_parameters(model, fitted)
    assert model.loss_curve_ == fitted.loss_curve_


# 5. Divergence


@pytest.mark.parametrize("early_stopping", [False, True])
@standardized
def test_difference_05_the_first_non_finite_loss_ends_the_fit(early_stopping, standardize):
    model = small(
        activation="identity",
        solver="sgd",
        learning_rate_init=1e80,
        early_stopping=early_stopping,
        standardize_target=standardize,
    )
    with pytest.raises(ValueError, match=r"diverged.*epoch 1 at learning rate 1e"):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_difference_05_mlpregressor_returns_an_untrained_model_with_early_stopping():
    params = {"activation": "identity", "solver": "sgd", "learning_rate_init": 1e80}
    model = theirs(early_stopping=True, max_iter=30, random_state=0, **params).fit(X, y)
    assert model.n_iter_ > 1
    assert np.isnan(model.loss_)
    assert np.isfinite(parameters_of(model)).all()
    assert not model.score(X, y) > 0
    with pytest.raises(ValueError, match="non-finite"):
        theirs(max_iter=30, **params).fit(X, y)


# 14. Masks


@pytest.mark.parametrize("name", ["y", "y_val", "sample_weight"])
def test_difference_14_masked_values_are_refused(name):
    masked = np.ma.masked_greater(y, 1)
    arguments = {"y": y, "X_val": X, "y_val": y, "sample_weight": WEIGHTS} | {name: masked}
    with pytest.raises(ValueError, match=f"{name} is a masked array in which"):
        small().fit(X, **arguments)
    assert_allclose(
        theirs(max_iter=3, random_state=0).fit(X, masked).predict(X),
        theirs(max_iter=3, random_state=0).fit(X, masked.data).predict(X),
    )


# 15. The same model, with a warning


def test_difference_15_a_validation_target_of_another_scale_is_warned_of():
    scaled = (y - y.mean()) / y.std()
    model, expected = small(), small()
    with pytest.warns(UserWarning, match="y_val is of another scale than y"):
        model.fit(X, scaled, X_val=X, y_val=1e3 + y)
    assert_same_parameters(model, expected.fit(X, scaled))


@every_loss
def test_difference_15_a_loss_that_learns_nothing_is_warned_of(loss):
    model = small(loss, learning_rate_init=1e-9, max_iter=100, tol=0.01)
    with pytest.warns(UserWarning, match="hardly better than .* of y, whatever the row"):
        model.fit(X, np.random.RandomState(1).uniform(1, 2, 100))


# 17. Outputs


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_difference_17_a_fitted_model_keeps_the_number_of_its_targets(method):
    model = small(warm_start=True).fit(X, Y)
    before = parameters_of(model)
    with pytest.raises(ValueError, match="y has 1 columns, but this regressor has 2 outputs"):
        getattr(model, method)(X, y)
    assert_array_equal(parameters_of(model), before)
    # both of theirs learn the one column
    other = theirs(warm_start=True, max_iter=10, learning_rate_init=0.02, random_state=0)
    other.fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(60):
            getattr(other, method)(X, y)
    assert other.predict(X).shape == (100, 2)
    assert np.corrcoef(other.predict(X)[:, 1], y)[0, 1] > 0.8


@needs_their_loss
def test_difference_17_a_fitted_model_keeps_its_output_activation():
    model = small(warm_start=True).fit(X, y).set_params(loss="poisson")
    with pytest.raises(ValueError, match=r"loss='poisson' has .*'exp'.* and 'identity'"):
        model.fit(X, y)
    other = theirs(warm_start=True, max_iter=5, random_state=0).fit(X, y)
    other.set_params(loss="poisson").fit(X, y)
    assert other.out_activation_ == "identity"


# 18. Domains


@needs_their_loss
def test_difference_18_negative_counts_are_refused():
    negative = y - 1
    with pytest.raises(ValueError, match="loss='poisson' needs y to be numbers that are at least"):
        small("poisson").fit(X, negative)
    other = MLPRegressor("poisson", max_iter=30, random_state=0, learning_rate_init=0.1)
    assert other.fit(X, 100 * negative).n_iter_ == 30
    assert not other.score(X, 100 * negative) > 0


# 19. Predictions of a log link


@needs_their_loss
def test_difference_19_predictions_of_a_log_link_are_positive_and_finite():
    far = 1e4 * X
    ours = small("poisson").fit(X, y).predict(far)
    assert (ours > 0).all()
    assert np.isfinite(ours).all()
    predicted = MLPRegressor("poisson", (6,), max_iter=4, random_state=0).fit(X, y).predict(far)
    assert np.isinf(predicted).any()
    assert (predicted == 0).any()


# 20. Targets


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
def test_difference_20_sparse_targets_are_taken_as_dense_ones(convert):
    assert_same_parameters(small().fit(X, convert(Y)), small().fit(X, Y))


def test_difference_20_a_sparse_matrix_of_targets_breaks_mlpregressor():
    with pytest.raises(Exception, match=r"."):
        theirs(max_iter=2).fit(X, sparse.csr_matrix(Y))


def test_difference_20_text_is_no_number():
    digits = np.array(["1", "2"] * 50, dtype=object)
    assert theirs(max_iter=2).fit(X, digits).predict(X).shape == (100,)
    for text in (digits, np.array(["a", "b"] * 50)):
        with pytest.raises(ValueError, match="y must be numeric"):
            small().fit(X, text)


# 21. partial_fit


def test_difference_21_partial_fit_is_there_for_stochastic_solvers_only():
    assert hasattr(theirs(solver="lbfgs"), "partial_fit")
    assert not hasattr(small(solver="lbfgs"), "partial_fit")
    for solver in OPTIMIZERS:
        assert hasattr(small(solver=solver), "partial_fit")
