"""Changed states of saved models: names, kinds, shapes, dtypes, sizes and generators.

As a program, it loads changed states and prints what became of them:

    python tests/fuzz_models.py 20000 0
"""

import copy
import functools
import json
import random
import sys
import time
import tracemalloc
import warnings

import numpy as np

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor

TRUSTED = ["skmlp._classifier.NumpyMLPClassifier", "skmlp._regressor.NumpyMLPRegressor"]
X = np.random.RandomState(0).normal(size=(24, 3)).round(3)
NUMBERS = np.arange(24) % 3
CASES = {
    "binary": (NUMBERS > 0, {}, 0),
    "strings": (np.array(["ash", "beech", "oak"])[NUMBERS], {"warm_start": True}, 0),
    "objects": (np.array(["ash", "beech", "oak"], object)[NUMBERS], {}, 1),
    "multilabel": ((X > 0).astype(int), {"early_stopping": True}, 0),
    "lbfgs": (NUMBERS, {"solver": "lbfgs"}, 0),
    "all": (
        NUMBERS,
        {"batch_norm": True, "averaging": 0.9, "noise": 0.1, "solver": "nadam"}
        | {"learning_rate": "exponential", "warm_start": True, "early_stopping": True},
        2,
    ),
    "sgd": (NUMBERS, {"solver": "sgd", "dropout": 0.1, "learning_rate": "adaptive"}, 1),
    "generator": (NUMBERS, {"random_state": np.random.RandomState(np.random.Philox(3))}, 1),
    "not fitted": (None, {}, 0),
}
POSITIVE = np.exp(X)
REGRESSIONS = {
    "standardised": (POSITIVE[:, 0], {"standardize_target": True, "warm_start": True}, 1),
    "two targets": (X[:, :2], {"loss": "huber", "early_stopping": True}, 0),
    "levels": (X[:, 0], {"loss": "quantile", "quantile": (0.9, 0.1), "solver": "lbfgs"}, 0),
    "gamma": (POSITIVE[:, 0], {"loss": "gamma", "standardize_target": True, "averaging": 0.9}, 2),
    "constant": (np.full(24, 3.0), {"loss": "absolute_error", "standardize_target": True}, 0),
    "poisson": (POSITIVE[:, :2], {"loss": "poisson", "batch_norm": True}, 1),
    "regressor, not fitted": (None, {}, 0),
}
ESTIMATORS = {
    **dict.fromkeys(CASES, NumpyMLPClassifier),
    **dict.fromkeys(REGRESSIONS, NumpyMLPRegressor),
}
VALUES = [
    None, True, False, 0, 1, -1, 3, 255, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**64, 10**40,
    0.5, -0.5, 1e308, float("nan"), float("inf"), "", "x", "auto", "relu", "softmax", "logistic",
    "MT19937", "PCG64", "SFC64", "loss", b"", [], [0], [0.5], ["x"], [None], (), {}, {"class": 1},
    {"class": "Adam"}, {"class": "TrainingState"}, {"class": "RandomState"}, {"class": "Generator"},
    {"class": "dtype", "name": "O"}, {"class": "dtype", "name": "float32"},
]  # fmt: skip
NAMES = [
    "predict", "predict_proba", "_predictor", "fit", "__class__", "__dict__", "__reduce_ex__",
    "_predictor", "_validate_rows", "_parameter_constraints", "_skl_callbacks", "_callback_fit_ctx",
    "_metadata_request", "_state", "_loss", "_targets", "coefs_", "classes_", "n_outputs",
    "scratch", "class", "more", 3, None, "_skmlp_format", "_skmlp_version",
    "feature_names_in_", "transform",
]  # fmt: skip
DTYPES = [
    "float32",
    "float64",
    "float16",
    ">f8",
    "int64",
    "uint32",
    "bool",
    "complex128",
    "U3",
    "O",
]
BYTES_ALWAYS, SECONDS = 20e6, 1.0


@functools.cache
def states():
    """Return the states of honest models, as pickle and as skops store them."""
    found = {}
    for name, (y, params, n_more) in (CASES | REGRESSIONS).items():
        params = {"max_iter": 3, "batch_size": 8, "random_state": 0, "n_threads": 1} | params
        model = ESTIMATORS[name](hidden_layer_sizes=(4, 3), **params)
        if y is not None:
            model.fit(X, y)
            for _ in range(n_more):
                model.partial_fit(X, y)
        found[name, "pickle"] = model.__reduce_ex__(4)[2]
        found[name, "skops"] = model.__getstate__()
    return found


def places_in(tree, path=()):
    """Yield where each value of the tree is, branches included."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list | tuple):
            yield from places_in(value, (*path, key))


def changed_array(array, rng):
    """Return the array with another shape, size, dtype or number."""
    what = rng.choice(["dtype", "size", "axes", "number", "cut", "zeros", "large"])
    if what == "dtype":
        return array.astype(rng.choice(DTYPES)) if array.dtype.kind != "U" else array.astype("O")
    if what == "size":
        return np.resize(array, [n + rng.choice([-1, 0, 1, 3]) for n in array.shape or (1,)])
    if what == "axes":
        return rng.choice([array[np.newaxis], array.reshape(-1), array.T, array[..., np.newaxis]])
    if what == "cut":
        return array[: rng.randrange(len(array) + 1)] if array.ndim else array
    if what == "zeros":
        return np.zeros_like(array)
    if what == "large":
        return np.full(array.shape, np.iinfo("uint32").max)
    array = array.copy()
    if array.size and array.dtype.kind in "fiu":
        numbers = [0, 1] if array.dtype.kind == "u" else [0, -1, 1, 100]
        numbers += [np.nan, np.inf, 1e300] if array.dtype == "float64" else []
        array.flat[rng.randrange(array.size)] = rng.choice(numbers)
    return array


def changed_value(value, rng):
    """Return another value in place of this one, most often of a similar kind."""
    if isinstance(value, np.ndarray) and rng.random() < 0.8:
        return changed_array(value, rng)
    if isinstance(value, np.random.RandomState) and rng.random() < 0.8:
        return np.random.default_rng(0)
    if isinstance(value, list | tuple) and len(value) and rng.random() < 0.6:
        value = list(value)
        change = rng.choice(["drop", "double", "swap"])
        if change == "drop":
            del value[rng.randrange(len(value))]
        elif change == "double":
            value.append(rng.choice(value))
        else:
            rng.shuffle(value)
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.5:
        return value + rng.choice([-1, 1, 2**31, -(2**31), 0.5])
    return copy.deepcopy(rng.choice(VALUES))


def changed_tree(state, rng):
    """Return a copy of the state with one to three changes."""
    state = copy.deepcopy(state)
    for _ in range(rng.randint(1, 3)):
        # half of all changes within what is no parameter
        places = [*places_in(state)]
        deep = [place for place in places if str(place[0])[0] == "_" or str(place[0])[-1] == "_"]
        *branches, last = rng.choice(deep if deep and rng.random() < 0.8 else places)
        branch = state
        for name in branches:
            branch = branch[name]
        if isinstance(branch, tuple):
            continue
        what = rng.choice(["replace"] * 8 + ["remove", "rename", "add"])
        if what == "replace":
            branch[last] = changed_value(branch[last], rng)
        elif what == "remove":
            del branch[last]
        elif isinstance(branch, dict):
            value = branch.pop(last) if what == "rename" else rng.choice([*VALUES, len, np.exp])
            branch[rng.choice(NAMES)] = value
    return state


def size_of(tree):
    """Return about how many bytes the file of this state has."""
    if isinstance(tree, dict):
        return sum(size_of(value) + len(str(key)) for key, value in tree.items())
    if isinstance(tree, list | tuple):
        return sum(map(size_of, tree))
    return tree.nbytes if isinstance(tree, np.ndarray) else 8


def through_skops(cls, state):
    """Return what skops loads from a file of this state."""
    import skops.io

    class Stored(cls):
        def __getstate__(self):
            return state

    # the file names the class itself
    Stored.__module__, Stored.__name__ = cls.__module__, cls.__name__
    return skops.io.loads(skops.io.dumps(Stored()), trusted=TRUSTED)


def load(cls, state):
    model = cls.__new__(cls)
    model.__setstate__(state)
    return model


def outcome(cls, state, loads):
    """Load the state and use the model; return what became of it."""
    model, refusal = None, None
    try:
        model = loads(cls, state)
    except ValueError as error:
        refusal = str(error)
    if refusal is not None:
        assert len(refusal) < 2000, refusal
        return "refused"
    assert type(model) is cls
    assert not {"predict", "predict_proba", "fit", "_predictor", "__class__"} & vars(model).keys()
    if not hasattr(model, "coefs_"):
        return "not fitted"
    try:
        probabilities = getattr(model, "predict_proba", model.input_gradient)(X)
        assert len(probabilities) == model.predict(X).shape[0] == len(X)
        model.hidden_activations(X)
    except ValueError as error:
        refusal = str(error)
    assert refusal is None or "feature" in refusal or "not finite" in refusal, refusal
    return "loaded" if refusal is None else "loaded, refuses the rows"


def train(model):
    """Train the loaded model on; a refusal must name a reason."""
    fresh = type(model)(hidden_layer_sizes=(4, 3), max_iter=3, batch_size=8, n_threads=1)
    settings = fresh.get_params() | {"random_state": 0}
    kept = "solver", "batch_norm", "averaging", "noise", "dropout", "learning_rate"
    for name in (*kept, "loss", "quantile", "standardize_target"):
        if name in settings:
            settings[name] = getattr(model, name)
    if settings["solver"] == "lbfgs":
        settings["solver"] = "adam"
    try:
        model.set_params(**settings)._validate_params()
        y = model.predict(X)
        model.partial_fit(X, y)
    except ValueError:
        return "not trained"
    return "trained"


def main(n, seed):
    """Load n changed states; print the counts, and the most time and memory, as JSON."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    rng, counts, most_seconds, most_bytes = random.Random(seed), {}, 0.0, 0.0
    honest = states()
    for (name, _), state in honest.items():
        assert outcome(ESTIMATORS[name], copy.deepcopy(state), load) in ("loaded", "not fitted")
    try:
        import skops.io  # noqa: F401

        loaders = [load] * 19 + [through_skops]
    except ImportError:
        loaders = [load]
    for name, kind in honest:
        # skops cannot store every generator that is a parameter
        if kind == "skops" and len(loaders) > 1 and name != "generator":
            what = outcome(ESTIMATORS[name], honest[name, kind], through_skops)
            assert what in ("loaded", "not fitted")
    for i in range(n):
        name, kind = rng.choice([*honest])
        cls, state = ESTIMATORS[name], changed_tree(honest[name, kind], rng)
        loads = rng.choice(loaders)
        measured = i % 2 and loads is load
        if measured:
            tracemalloc.start()
        start = time.process_time()
        try:
            what = outcome(cls, state, loads)
        except Exception as error:
            if loads is load:
                raise AssertionError(f"state {i} of {name}: {error!r}") from error
            what = "not stored"  # skops itself cannot write or read this
        seconds = time.process_time() - start
        assert seconds < SECONDS or loads is not load, f"state {i} took {seconds} s"
        most_seconds = max(most_seconds, seconds) if loads is load else most_seconds
        if measured:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 10 * size_of(state) + BYTES_ALWAYS, f"state {i} took {peak} bytes"
            most_bytes = max(most_bytes, peak)
        counts[what] = counts.get(what, 0) + 1
        if what.startswith("loaded") and i % 5 == 0:
            trained = train(load(cls, state))
            counts[trained] = counts.get(trained, 0) + 1
    print(json.dumps({"counts": counts, "seconds": most_seconds, "megabytes": most_bytes / 1e6}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
