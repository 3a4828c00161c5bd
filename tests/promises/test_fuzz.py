"""Any data and any parameters: `fit` works, and what it makes is sound, or it says what is wrong.

The normal run tries 100 cases; the long one 2,000, and prints what became of them:

    python -m pytest -m slow -s tests/promises/test_fuzz.py
"""

import collections
import itertools
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from skmlp import NumpyMLPClassifier

REFUSALS = ValueError, TypeError  # InvalidParameterError is both
OUTCOMES = collections.Counter()
FOLDER, NUMBERS = tempfile.TemporaryDirectory(), itertools.count()

# data


def plain_rows(rng, n, p, dtype):
    X = rng.normal(size=(n, p))
    return (X > 0) if dtype == "bool" else (40 * np.abs(X) if dtype[0] == "u" else 3 * X)


def memory_mapped(X):
    path = Path(FOLDER.name, f"{next(NUMBERS)}.npy")
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


def strided(X):
    wide = np.zeros((2 * len(X), X.shape[1] + 3), X.dtype)
    wide[::2, 1:-2] = X
    return wide[::2, 1:-2]


CONTAINERS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": strided,
    "reversed": lambda X: X[::-1][::-1],
    "read-only": read_only,
    "memory-mapped": memory_mapped,
    "list": lambda X: X.tolist(),
    "object": lambda X: X.astype(object),
    "big-endian": lambda X: X.astype(X.dtype.newbyteorder(">")),
    "pandas": lambda X: pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])]),
    "pandas of many types": lambda X: pd.DataFrame({f"f{i}": list(x) for i, x in enumerate(X.T)}),
    "polars": lambda X: pl.DataFrame(X, schema=[f"f{i}" for i in range(X.shape[1])]),
    **{
        f"{kind} {format}": lambda X, make=make: make(X)
        for kind in ("matrix", "array")
        for format in ("csr", "csc", "coo", "lil", "dok", "bsr")
        for make in [getattr(sp, f"{format}_{kind}")]
    },
}

WORDS = np.array(["ash", "beech", "oak", "yew"])
LABELS = {
    "int": lambda k: k,
    "int8 from -1": lambda k: (k - 1).astype(np.int8),
    "float": lambda k: k.astype(float),
    "bool": lambda k: k > 0,
    "str": lambda k: WORDS[k],
    "object": lambda k: WORDS[k].astype(object),
    "bytes": lambda k: np.char.encode(WORDS[k]),
    "list": lambda k: k.tolist(),
    "column": lambda k: k[:, np.newaxis],
    "pandas": lambda k: pd.Series(WORDS[k], index=k + 7),
    "pandas category": lambda k: pd.Series(pd.Categorical(WORDS[k])),
    "polars": lambda k: pl.Series(WORDS[k]),
    "multilabel": lambda k: np.stack([k > 0, k > 1, k != 1], axis=1).astype(int),
    "multilabel sparse": lambda k: sp.csr_matrix(np.stack([k > 0, k > 1], axis=1).astype(int)),
    "one class": lambda k: np.zeros_like(k),
    "fractions": lambda k: k + 0.5,
    "several outputs": lambda k: np.stack([k, k + 1], axis=1),
    "missing": lambda k: np.where(k == 0, np.nan, k),
    "too few": lambda k: k[1:],
    "None": lambda k: None,
}
WEIGHTS = {
    "none": lambda rng, n: None,
    "ones": lambda rng, n: np.ones(n),
    "some zero": lambda rng, n: np.arange(n) % 3 * 1.0,
    "list": lambda rng, n: rng.uniform(0.1, 2, n).tolist(),
    "float32": lambda rng, n: rng.uniform(0.1, 2, n).astype(np.float32),
    "huge and tiny": lambda rng, n: 10.0 ** rng.uniform(-30, 30, n),
    "all zero": lambda rng, n: np.zeros(n),
    "negative": lambda rng, n: np.linspace(-1, 1, n),
    "nan": lambda rng, n: np.full(n, np.nan),
    "too many": lambda rng, n: np.ones(n + 1),
}
DTYPES = [
    "float64", "float32", "float16", "int64", "int32", "int8", "uint8", "uint16", "bool",
]  # fmt: skip
DEFECTS = {
    "none": lambda X: X,
    "a NaN": lambda X: with_value(X, np.nan),
    "an infinity": lambda X: with_value(X, np.inf),
    "huge": lambda X: X * 1e300 if X.dtype == np.float64 else X,
    "tiny": lambda X: X * 1e-300 if X.dtype == np.float64 else X,
    "constant": lambda X: np.ones_like(X),
    "no rows": lambda X: X[:0],
    "no columns": lambda X: X[:, :0],
    "one dimension": lambda X: X[:, 0],
    "complex": lambda X: X.astype(complex),
}


def with_value(X, value):
    X = X.copy()
    if X.dtype.kind == "f" and X.size:
        X.flat[X.size // 2] = value
    return X


def mostly(usual, others):
    """Draw one of the usual values three times as often as each of all."""
    return st.sampled_from([*usual * 3, *others])


@st.composite
def parameters(draw):
    hidden = draw(st.lists(st.integers(1, 8), max_size=2))
    return {
        "hidden_layer_sizes": draw(st.sampled_from([hidden, tuple(hidden), np.array(hidden)]))
        if hidden
        else (),
        "activation": draw(st.sampled_from(["relu", "tanh", "gelu", "identity"])),
        "solver": draw(st.sampled_from(["adam", "adamw", "sgd", "lbfgs", "nadam", "rmsprop"])),
        "batch_size": draw(st.sampled_from(["auto", 1, 5, 1000])),
        "learning_rate_init": draw(st.sampled_from([1e-3, 0.1, 10.0])),
        "early_stopping": draw(st.sampled_from([False, False, True])),
        "validation_fraction": draw(st.sampled_from([0.1, 0.3, 0.9])),
        "scoring": draw(st.sampled_from([None, None, "loss", "accuracy"])),
        "class_weight": draw(st.sampled_from([None, None, "balanced"])),
        "dtype": draw(st.sampled_from([None, None, "float32", "float64"])),
        "batch_norm": draw(st.sampled_from([False, False, True])),
        "dropout": draw(st.sampled_from([0.0, 0.0, 0.4])),
        "label_smoothing": draw(st.sampled_from([0.0, 0.1])),
        "warm_start": draw(st.booleans()),
        "max_iter": draw(st.sampled_from([1, 3])),
        "random_state": draw(st.integers(0, 2)),
        "n_threads": 1,
    }


@st.composite
def cases(draw):
    return {
        "n": draw(st.sampled_from([1, 2, 5, 20, 40])),
        "p": draw(st.sampled_from([1, 2, 5])),
        "dtype": draw(st.sampled_from(DTYPES)),
        "defect": draw(mostly(["none"] * 6, list(DEFECTS))),
        "container": draw(st.sampled_from(sorted(CONTAINERS))),
        "labels": draw(st.sampled_from(sorted(LABELS))),
        "weights": draw(mostly(["none"] * 2, sorted(WEIGHTS))),
        "parameters": draw(parameters()),
        "seed": draw(st.integers(0, 3)),
    }


def made(case):
    """Return X, y and the weights; X also as a plain array."""
    rng = np.random.RandomState(case["seed"])
    X = plain_rows(rng, case["n"], case["p"], case["dtype"]).astype(case["dtype"])
    X = DEFECTS[case["defect"]](X)
    y = LABELS[case["labels"]](rng.randint(0, 4, case["n"]))
    return CONTAINERS[case["container"]](X), y, WEIGHTS[case["weights"]](rng, case["n"]), X


def as_bytes(data):
    """Return the content of an array, a sparse matrix or a data frame, to compare it later."""
    if sp.issparse(data):
        coo = data.tocoo()
        return coo.data.tobytes(), coo.row.tobytes(), coo.col.tobytes()
    if isinstance(data, np.ndarray) and data.dtype != object:
        return data.dtype, data.shape, data.tobytes()
    return repr(np.asarray(data, dtype=object).tolist())


def assert_sound(model, X, y):
    proba = model.predict_proba(X)
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    assert (proba <= 1).all()
    if model.out_activation_ == "softmax" or np.ndim(model.predict(X)) == 1:
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert np.isfinite(model.predict_log_proba(X)).all()
    assert list(model.classes_) == sorted(set(model.classes_))
    assert proba.shape == (X.shape[0] if hasattr(X, "shape") else len(X), len(model.classes_))
    assert all(np.isfinite(A).all() for A in [*model.coefs_, *model.intercepts_])
    assert np.isfinite(model.loss_curve_).all()
    assert type(model.predict(X)) is type(y) or not sp.issparse(y)


def assert_not_fitted(model):
    assert vars(model).keys() == model.get_params().keys()


def check(case):
    try:
        X, y, weights, plain = made(case)
    except (IndexError, TypeError, ValueError):
        OUTCOMES["no such container of that type"] += 1
        return
    inputs = [as_bytes(data) for data in (X, y, weights)]
    model = NumpyMLPClassifier(**case["parameters"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            model.fit(X, y, sample_weight=weights)
        except REFUSALS as error:
            refusal = str(error)
        else:
            refusal = None
        if refusal is not None:
            assert len(refusal) > 20
            assert_not_fitted(model)
            OUTCOMES["refused"] += 1
        else:
            OUTCOMES["fitted"] += 1
            assert_sound(model, X, y)
            if case["container"] in ("C", "Fortran"):
                order = (
                    np.ascontiguousarray if case["container"] == "Fortran" else np.asfortranarray
                )
                other = NumpyMLPClassifier(**case["parameters"])
                other.fit(order(plain), y, sample_weight=weights)
                for a, b in zip(model.coefs_, other.coefs_, strict=True):
                    np.testing.assert_array_equal(a, b)
    assert [as_bytes(data) for data in (X, y, weights)] == inputs


HOW = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


@settings(max_examples=100, derandomize=True, **HOW)
@given(case=cases())
def test_fit_makes_a_sound_model_or_says_what_is_wrong(case):
    check(case)


@pytest.mark.slow
@pytest.mark.long
def test_fit_makes_a_sound_model_or_says_what_is_wrong_two_thousand_times():
    OUTCOMES.clear()

    @settings(max_examples=2300, derandomize=True, phases=[Phase.generate, Phase.shrink], **HOW)
    @given(case=cases())
    def try_all(case):
        check(case)

    try_all()
    print(f"\n{dict(OUTCOMES)}")
    assert OUTCOMES["fitted"] + OUTCOMES["refused"] >= 2000
    assert OUTCOMES["fitted"] > 500
