"""Numbers that are too large, too small, too many or too few."""

import pickle
import warnings
from numbers import Integral

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from skmlp import NumpyMLPClassifier
from skmlp._compat import Interval
from skmlp._engine.layers import Dense
from skmlp._engine.losses.registry import CLASSIFICATION_LOSSES as LOSSES
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.solver import clip

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
y = (X[:, 0] > 0).astype(int)
SOLVERS = [*OPTIMIZERS, "lbfgs"]
every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
quietly = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def small(**params):
    params = {"max_iter": 4, "random_state": 0, "batch_size": 20} | params
    return NumpyMLPClassifier(params.pop("hidden_layer_sizes", (5,)), **params)


def failure_of(fit):
    """Return the message of the ValueError; None if there is none."""
    try:
        fit()
    except ValueError as error:
        return str(error)
    return None


def is_sound(model, X):
    """Return whether all numbers of a fitted model and of its predictions are finite."""
    proba = model.predict_proba(X)
    numbers = *model.coefs_, *model.intercepts_, model.loss_curve_, proba
    sums_to_one = np.allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-5)
    return sums_to_one and all(np.isfinite(part).all() for part in numbers)


# --- Numbers that overflow --------------------------------------------------------------------


@quietly
@pytest.mark.parametrize(("dtype", "huge"), [("float64", 1e200), ("float32", 1e30)])
@pytest.mark.parametrize("solver", sorted(set(OPTIMIZERS) - {"sgd"}))
def test_moments_that_overflow_raise_and_leave_the_model_before(solver, dtype, huge):
    # a solver whose second moment is infinite takes steps of length 0, for ever
    model = small(solver=solver, dtype=dtype).fit(X, y)
    before = pickle.dumps(model)
    message = (
        r"diverged: .*solver's state or parameters in epoch 1 at learning rate 0\.001\. "
        rf"The largest absolute value in X is {huge * 2:g}\. "
        "To remedy this, lower learning_rate_init or scale the features"
    ).replace("+", r"\+")
    X_huge = np.clip(X, -2, 2) * huge
    for method in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            method(X_huge, y)
        assert pickle.dumps(model) == before


@quietly
@every_solver
@pytest.mark.parametrize("scale", [1e300, 1e200, 1e100, 1e30, 1e-30, 1e-300, 5e-324])
@every_dtype
def test_features_of_any_size_train_or_are_refused_with_the_reason(solver, scale, dtype):
    largest = {"float32": 1e38, "float64": 1e300}[dtype]
    X_scaled = np.clip(X * min(scale, largest), -largest, largest).astype(dtype)
    model = small(solver=solver)
    message = failure_of(lambda: model.fit(X_scaled, y))
    if message is None:
        assert is_sound(model, X_scaled)
        assert model.coefs_[0].dtype == dtype
    else:
        assert f"largest absolute value in X is {np.abs(X_scaled).max():g}. To remedy" in message
        assert scale > 1
        assert not hasattr(model, "coefs_")


def test_the_largest_input_of_sparse_and_of_signed_rows_is_told():
    for container in (np.asarray, csr_matrix):
        with pytest.raises(ValueError, match=r"largest absolute value in X is 3e\+200\."):
            small(batch_size=3).fit(container([[-3e200, 0.0], [1e200, 0.0], [0.0, 1.0]]), [0, 1, 1])


@every_dtype
def test_a_gradient_whose_squares_overflow_is_still_cut_to_its_length(dtype):
    huge = np.finfo(dtype).max / 8
    g = np.array([3 * huge, -4 * huge, 0.0], dtype)
    with np.errstate(over="ignore"):
        clip(g, 5.0)
    np.testing.assert_allclose(g, [3.0, -4.0, 0.0], rtol=1e-6)


@every_dtype
def test_weights_whose_squares_overflow_do_not_become_zero(dtype):
    W = np.array([[np.finfo(dtype).max / 2, 0.5], [1.0, 0.5]], dtype)
    layer = Dense(W, None, np.empty_like(W), None)
    with np.errstate(over="ignore"):
        layer.limit_norms(2.0)
    assert np.isnan(W[:, 0]).all()  # which ends training with an error
    np.testing.assert_array_equal(W[:, 1], 0.5)


@pytest.mark.parametrize("size", [1e4, 1e30])
@pytest.mark.parametrize("out_activation", LOSSES)
@every_dtype
def test_losses_and_probabilities_are_finite_for_the_largest_logits(out_activation, size, dtype):
    loss = LOSSES[out_activation]()
    z = (size * np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 1.0]])).astype(dtype)
    y = np.array([1, 0]) if out_activation == "softmax" else np.array([[0, 1, 0], [1, 0, 0]], bool)
    a, log_a = loss.inverse_link(z), loss.log_proba(z)
    assert np.isfinite(log_a).all()
    assert ((a > 0) & (a <= 1)).all()
    assert np.isfinite(np.log(a)).all()
    # the mean of both rows, which are as wrong as can be
    expected = 2 * size if out_activation == "softmax" else 2.5 * size
    delta = z.copy()
    assert loss.loss_gradient(delta, y) == pytest.approx(expected, rel=1e-3)
    assert np.isfinite(delta).all()


@quietly
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_model_with_logits_of_ten_thousand_has_a_finite_log_loss(n_classes):
    labels = np.arange(60) % n_classes
    model = small().fit(X, labels)
    model.coefs_[-1] *= 1e4 / np.abs(model.logits(X)).max()
    assert np.abs(model.logits(X)).max() > 5e3
    assert np.isfinite(log_loss(labels, model.predict_proba(X)))
    assert np.isfinite(model.predict_log_proba(X)).all()
    assert is_sound(model, X)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "score"])
@pytest.mark.parametrize(
    ("activation", "dtype", "size"),
    [("relu", "float64", 1e305), ("relu", "float32", 1e35), ("mish", "float32", 1e20)],
)
def test_rows_too_large_to_predict_are_refused(activation, dtype, size, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = small(activation=activation, dtype=dtype).fit(X, y)
    model.coefs_[0] *= 1e5
    rows = (size * np.clip(X, -1, 1)).astype(dtype)
    with pytest.raises(ValueError, match=r"not finite in float.*Scale X as for training"):
        getattr(model, method)(rows, *([y] if method == "score" else []))


# --- Parameters at the ends of their ranges ---------------------------------------------------


def ends_of(name, interval):
    """Return the least and the largest number of the interval, and the least above 0."""
    counts = interval.type is Integral
    low, high = interval.left, interval.right
    if interval.closed in ("right", "neither"):
        low = low + 1 if counts else np.nextafter(float(low), np.inf)
    if high is None:
        high = {"hidden_layer_sizes": 100}.get(name, 10**400) if counts else 1e300
    elif interval.closed in ("left", "neither"):
        high = high - 1 if counts else np.nextafter(float(high), -np.inf)
    return {low, high, *([] if counts else [5e-324])}


ENDS = [
    (name, end)
    for name, constraints in NumpyMLPClassifier._parameter_constraints.items()
    for constraint in constraints
    if isinstance(constraint, Interval)
    for end in sorted(ends_of(name, constraint))
]


@pytest.mark.filterwarnings("ignore")
@every_solver
@pytest.mark.parametrize("learning_rate", ["invscaling", "exponential", "one_cycle"])
@pytest.mark.parametrize(("name", "end"), ENDS)
def test_parameters_at_the_ends_of_their_ranges_train_or_are_refused_with_the_reason(
    name, end, learning_rate, solver
):
    in_time = {"max_time": 0.2} if name == "max_iter" else {}
    model = small(solver=solver, learning_rate=learning_rate, **{name: end}, **in_time)
    message = failure_of(lambda: model.fit(X, y))
    if message is None:
        assert is_sound(model, X)
    else:
        assert f"{name}=" in message or message.startswith("Training diverged: non-finite loss")
        assert not hasattr(model, "coefs_")


# --- Shapes at the edge -----------------------------------------------------------------------

EDGES = {
    "one row": (X[:1], y[:1]),
    "one row, sparse": (csr_matrix(X[:1]), y[:1]),
    "one column": (X[:, :1], y),
    "one class": (X, np.zeros(60, int)),
    "constant columns": (np.column_stack([X, np.full((60, 2), 3.0)]), y),
    "constant rows": (np.ones((60, 3)), y),
    "no entry at all": (csr_matrix((60, 3)), y),
    "equal rows with other labels": (np.repeat(X[:1], 60, axis=0), y),
    "more columns than rows": (RNG.normal(size=(5, 300)), y[:5]),
}


@quietly
@every_solver
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (5,), (1, 1, 1)])
@pytest.mark.parametrize("edge", EDGES)
def test_data_at_the_edge_trains(edge, hidden_layer_sizes, batch_norm, solver):
    X, y = EDGES[edge]
    model = small(solver=solver, hidden_layer_sizes=hidden_layer_sizes, batch_norm=batch_norm)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "batch_size=20 is larger")
        model.fit(X, y)
    assert is_sound(model, X)
    assert set(model.predict(X)) <= set(y)


@quietly
def test_a_batch_larger_than_the_data_is_all_of_them_and_is_warned_of():
    with pytest.warns(UserWarning, match="batch_size=1000 is larger than the training set"):
        model = small(batch_size=1000).fit(X, y)
    expected = small(batch_size=60).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])


@quietly
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_refit_warns_of_the_batch_size_once_and_at_the_line_of_fit(early_stopping):
    model = small(batch_size=1000, early_stopping=early_stopping, refit=early_stopping)
    with pytest.warns(UserWarning, match="batch_size") as caught:
        model.fit(X, y)
    assert [w.filename for w in caught if "batch_size" in str(w.message)] == [__file__]


@quietly
@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_ten_thousand_classes_train():
    X, y = RNG.normal(size=(10_000, 2)), np.arange(10_000)
    model = small(hidden_layer_sizes=(3,), max_iter=1, batch_size=500).fit(X, y)
    assert model.n_outputs_ == 10_000
    assert is_sound(model, X[:5])


# --- Precision --------------------------------------------------------------------------------


@quietly
@every_solver
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_training_in_float32_differs_from_float64_by_rounding_alone(solver, activation, batch_norm):
    X, y = load_digits(return_X_y=True)
    X, y = X[:500] / 16, y[:500]
    params = {"solver": solver, "activation": activation, "batch_norm": batch_norm}
    params |= {"hidden_layer_sizes": (20,), "max_iter": 10, "learning_rate_init": 0.01}
    # else its first steps, of 30 times the rate, are so long that they magnify all differences
    params |= {"learning_rate_init": 3e-4} if solver == "rmsprop" else {}
    exact, rounded = (small(dtype=d, **params).fit(X, y) for d in ("float64", "float32"))
    for ours, theirs in zip(rounded.coefs_, exact.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-5)
    np.testing.assert_allclose(rounded.loss_curve_, exact.loss_curve_, rtol=2e-5)
    np.testing.assert_allclose(rounded.predict_proba(X), exact.predict_proba(X), rtol=0, atol=5e-5)


# --- Features of unlike scale -----------------------------------------------------------------


def warnings_of_scale(X, y=y, **params):
    """Return those that a fit gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        small(**params).fit(X, y)
    return [w for w in caught if "differ in scale" in str(w.message)]


@pytest.mark.parametrize("n_rows", [20, 60])
@pytest.mark.parametrize("factor", [1000.0, 1 / 1000])
@every_solver
def test_a_column_a_thousand_times_anothers_scale_is_warned_of_once(solver, factor, n_rows):
    scales = np.array([1, 1, factor, 1])
    (warning,) = warnings_of_scale(X[:n_rows] * scales, y[:n_rows], solver=solver, batch_size=10)
    assert warning.category is ConvergenceWarning
    assert warning.filename.endswith("test_numbers.py")
    assert ("column 2 is the widest" if factor > 1 else "column 2 the narrowest") in str(warning)
    assert "StandardScaler" in str(warning)


def test_columns_of_unlike_scale_are_named():
    frame = pd.DataFrame(X * [1, 1000, 1, 1], columns=["a", "income", "c", "d"])
    (warning,) = warnings_of_scale(frame)
    assert "column 1 ('income') is the widest" in str(warning)


@quietly
def test_a_fit_that_goes_on_does_not_warn_of_scales_again():
    model = small(warm_start=True).fit(X, y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The columns")
        model.fit(X * [1, 1, 1000, 1], y)
        model.partial_fit(X * [1, 1, 1000, 1], y)


SCALED = {
    "standardised": StandardScaler().fit_transform(load_wine().data),
    "in [0, 1]": MinMaxScaler().fit_transform(load_wine().data),
    "bytes": (load_digits().data[:178] * 15).astype("uint8"),
    "a pixel that is rarely dark": np.pad(np.full((1, 1), 1.0), ((0, 177), (0, 1))) * 255,
    "indicators of rare categories": OneHotEncoder(sparse_output=False).fit_transform(
        (np.arange(178)[:, np.newaxis] ** 2) // 2000
    ),
    "sparse": csr_matrix(X.repeat(3, axis=0)[:178] * [1, 1, 1000, 1]),
    "a column that is constant but for rounding": np.column_stack(
        [X.repeat(3, axis=0)[:178], 0.1 + np.spacing(0.1) * (np.arange(178) % 2)]
    ),
    "constant": np.ones((178, 3)),
    "half floats": X.repeat(3, axis=0)[:178].astype("float16"),
    "counts": np.minimum(RNG.poisson(3, size=(178, 5)), 10) * [1, 1, 10, 1, 30],
}


@pytest.mark.parametrize("kind", SCALED)
def test_scaled_features_are_not_warned_of(kind):
    assert not warnings_of_scale(SCALED[kind], load_wine().target)


def test_unscaled_wine_is_warned_of():
    assert warnings_of_scale(load_wine().data, load_wine().target)
