"""Whatever is wrong with the input: a message that helps, and a model that is as it was before."""

import re

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError

from skmlp import NumpyMLPClassifier
from skmlp._compat import InvalidParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_blobs(60, n_features=4, centers=3, random_state=0)
CLASSES = np.array([0, 1, 2])
MULTILABEL = np.column_stack([y == 0, y != 1]).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
RENAMED = FRAME.rename(columns={"d": "z"})


def small(**params):
    return NumpyMLPClassifier(
        **{"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0} | params
    )


def with_value(array, value):
    changed = np.array(array, dtype=np.result_type(array, type(value)))
    changed[7] = value
    return changed


def assert_refuses(model, call, message, error=ValueError):
    """Assert that the call fails with that message, and changes nothing in the model."""
    fitted = hasattr(model, "coefs_")
    inputs = FRAME if hasattr(model, "feature_names_in_") else X
    proba = model.predict_proba(inputs) if fitted else None
    before = joblib.hash(vars(model))
    with pytest.raises(error, match=f"(?s){message}"):
        call(model)
    assert joblib.hash(vars(model)) == before
    if fitted:
        np.testing.assert_array_equal(model.predict_proba(inputs), proba)
    else:
        with pytest.raises(NotFittedError):
            model.predict(X)


# --- The data --------------------------------------------------------------------------------

BAD_X = {
    "nan": (with_value(X, np.nan), "Input X contains NaN"),
    "inf": (with_value(X, np.inf), "Input X contains infinity"),
    "inf in float32": (with_value(X, np.inf).astype(np.float32), "Input X contains infinity"),
    "empty": (np.empty((0, 4)), r"0 sample\(s\).*minimum of 1 is required"),
    "no features": (np.empty((60, 0)), r"0 feature\(s\).*minimum of 1 is required"),
    "1-D": (X[:, 0], "Expected 2D array, got 1D array.*Reshape your data"),
    "scalar": (3.0, "Expected 2D array, got scalar"),
    "3-D": (X.reshape(60, 2, 2), "dim 3"),
    "words": (np.full((60, 4), "a", dtype=object), "could not convert string to float: 'a'"),
    "words of NumPy": (np.full((60, 4), "a"), "could not convert string to float: .*'a'"),
    "complex": (X + 1j, "Complex data not supported"),
    "sparse with nan": (sparse.csr_matrix(with_value(X, np.nan)), "Input X contains NaN"),
    "sparse complex": (sparse.csr_matrix(X + 1j), "Complex data not supported"),
    "None": (None, "Expected 2D array, got scalar"),
}
BAD_Y = {
    "too short": (y[:-1], r"inconsistent numbers of samples: \[60, 59\]"),
    "None": (None, "requires y to be passed, but the target y is None"),
    "continuous": (y + 0.5, "Unknown label type: continuous"),
    "nan": (with_value(y, np.nan), "Input y contains NaN"),
    "inf": (with_value(y, np.inf), "Input y contains infinity"),
    "two columns of classes": (
        np.column_stack([y, y]),
        "y must be 1-dimensional.*multilabel indicator.*MultiOutputClassifier"
        r"|y has shape \(60, 2\), but this classifier learns from 1-dimensional",
    ),
    "3-D": (np.zeros((60, 2, 2), dtype=int), "dim 3"),
    "continuous columns": (np.column_stack([y, y]) + 0.5, "Unknown label type: continuous-multi"),
    "words and numbers": (np.array([0, "a", 1] * 20, dtype=object), "(?i)unknown|mix|str"),
}
BAD_WEIGHTS = {
    "negative": (with_value(np.ones(60), -1.0), "(?i)negative.*sample_weight|sample_weight.*negat"),
    "all zero": (np.zeros(60), "zero"),
    "nan": (with_value(np.ones(60), np.nan), "Input sample_weight contains NaN"),
    "inf": (with_value(np.ones(60), np.inf), "Input sample_weight contains infinity"),
    "too short": (np.ones(59), r"sample_weight.shape == \(59,\), expected \(60,\)"),
    "2-D": (np.ones((60, 1)), "[Ss]ample.weight.*1D"),
    "words": (["a"] * 60, "could not convert string to float"),
}
BAD_DATA = [
    *(pytest.param(bad, y, None, m, id=f"X {name}") for name, (bad, m) in BAD_X.items()),
    *(pytest.param(X, bad, None, m, id=f"y {name}") for name, (bad, m) in BAD_Y.items()),
    *(pytest.param(X, y, bad, m, id=f"weights {name}") for name, (bad, m) in BAD_WEIGHTS.items()),
]


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("bad_X", "bad_y", "bad_w", "message"), BAD_DATA)
def test_bad_training_data_is_refused_and_changes_nothing(
    bad_X, bad_y, bad_w, message, method, fitted
):
    model = small().fit(X, y) if fitted else small()
    classes = {"classes": CLASSES} if method == "partial_fit" else {}
    assert_refuses(
        model,
        lambda model: getattr(model, method)(bad_X, bad_y, bad_w, **classes),
        message,
        # scikit-learn calls the type of labels, not their value, wrong where they do not compare
        error=(ValueError, TypeError),
    )


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function", "score"]
)
@pytest.mark.parametrize(("bad_X", "message"), BAD_X.values(), ids=BAD_X)
def test_bad_rows_to_predict_are_refused_and_change_nothing(bad_X, message, method):
    labels = [y] if method == "score" else []
    assert_refuses(
        small().fit(X, y),
        lambda model: getattr(model, method)(bad_X, *labels),
        message,
        error=(ValueError, TypeError),
    )


# --- The constructor's parameters --------------------------------------------------------------

NOT_BOOLS = ("yes", None, 2)
NUMBERS = {
    "alpha": (r"in the range \[0\.0, inf\)", (-1e-9, "0", None, np.nan)),
    "learning_rate_init": (r"in the range \(0\.0, inf\)", (0, -1.0, "0.1", None, np.nan)),
    "power_t": (r"in the range \[0\.0, inf\)", (-0.5, "0.5", None)),
    "max_iter": (r"an int in the range \[1, inf\)", (0, -1, 2.5, "10", None)),
    "tol": (r"in the range \[0\.0, inf\)", (-1e-4, "0", None)),
    "momentum": (r"in the range \[0\.0, 1\.0\]", (-0.1, 1.1, "0.9", None)),
    "validation_fraction": (r"in the range \[0\.0, 1\.0\)", (-0.1, 1.0, "0.1", None)),
    "beta_1": (r"in the range \[0\.0, 1\.0\)", (-0.1, 1.0, "0.9", None)),
    "beta_2": (r"in the range \[0\.0, 1\.0\)", (-0.1, 1.0, "0.9", None)),
    "epsilon": (r"in the range \(0\.0, inf\)", (0, -1e-8, "0", None)),
    "max_fun": (r"an int in the range \[1, inf\)", (0, -1, 2.5, "10", None)),
    "batch_size": (r"'auto'} or an int in the range \[1, inf\)", (0, -1, 1.5, "all", None)),
    "n_iter_no_change": (r"an int in the range \[1, inf\) or a float.*inf", (0, 1.5, "10", None)),
    "hidden_layer_sizes": (r"an array-like or an int in the range \[1, inf\)", (0, -3, 2.5, None)),
    "weight_decay": (r"in the range \[0\.0, inf\)", (-1e-9, "0", None, np.nan)),
    "max_grad_norm": (r"in the range \(0\.0, inf\) or None", (0, -1.0, "1", np.nan)),
    "max_norm": (r"in the range \(0\.0, inf\) or None", (0, -1.0, "1", np.nan)),
    "warmup_epochs": (r"in the range \[0\.0, inf\)", (-0.5, "1", None, np.nan)),
    "learning_rate_decay": (r"in the range \(0\.0, 1\.0\]", (0, 1.1, "0.9", None, np.nan)),
    "averaging": (r"in the range \[0\.0, 1\.0\) or None", (-0.1, 1.0, "0.9", np.nan)),
    "dropout": (r"in the range \[0\.0, 1\.0\)", (-0.1, 1.0, "0.5", None, np.nan)),
    "input_dropout": (r"in the range \[0\.0, 1\.0\)", (-0.1, 1.0, "0.5", None, np.nan, (0.5,))),
    "noise": (r"in the range \[0\.0, inf\)", (-0.1, "0.5", None, np.nan)),
    "input_noise": (r"in the range \[0\.0, inf\)", (-0.1, "0.5", None, np.nan, (0.5,))),
    "adversarial_radius": (r"in the range \[0\.0, inf\)", (-0.1, "0.5", None, np.nan, (0.5,))),
    "label_smoothing": (r"in the range \[0\.0, 1\.0\)", (-0.1, 1.0, "0.1", None, np.nan)),
    "rtol": (r"in the range \[0\.0, 1\.0\)", (-0.1, 1.0, "0.1", None, np.nan)),
    "max_time": (r"in the range \(0\.0, inf\) or None", (0, -1.0, "1", np.nan)),
    "checkpoint_every": (r"an int in the range \[1, inf\)", (0, -1, 2.5, "10", None)),
}
CHOICES = {
    "activation": ("{.*'relu'.*}", ("RELU", "softmax", None, 1)),
    "solver": ("{.*'lbfgs'.*}", ("newton", None, 1)),
    "learning_rate": ("{.*'constant'.*}", ("cosinus", None, 0.1)),
    "class_weight": ("{'balanced'}.* or None", ("unbalanced", 2.0, ((0, 1),))),
    "weight_init": ("{.*'he_normal'.*}.*range", ("zeros", 0, -0.1, None, np.nan)),
    "dtype": ("{(?=.*'float32')(?=.*'float64').*} or None", ("float16", np.float32, 32)),
    "n_threads": (r"{'auto'} or an int in the range \[1, inf\)", (0, -1, 1.5, "all", None)),
    "random_state": ("RandomState", ("seed", -1, 0.5)),
    "verbose": ("int in the range", ("loud", -1, None)),
    "checkpoint_path": (r"an instance of 'str', .*PathLike' or None", (1, True, b"file", ["file"])),
    "scoring": ("'loss', .* scorer .*callable.* or None", ("exactness", "Loss")),
    **dict.fromkeys(
        (
            "shuffle",
            "warm_start",
            "nesterovs_momentum",
            "early_stopping",
            "batch_norm",
            "refit",
        ),
        ("'bool'", NOT_BOOLS),
    ),
}
BAD_PARAMETERS = [
    pytest.param(name, value, allowed, method, id=f"{method} {name}={value!r}")
    for name, (allowed, values) in (NUMBERS | CHOICES).items()
    for value in values
    # without a stochastic solver there is no partial_fit
    for method in (["fit"] if name == "solver" else ["fit", "partial_fit"])
]


def test_every_constructor_parameter_has_bad_values_here():
    assert (NUMBERS | CHOICES).keys() == NumpyMLPClassifier().get_params().keys()


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("name", "value", "allowed", "method"), BAD_PARAMETERS)
def test_bad_parameters_are_named_with_what_is_allowed(name, value, allowed, method, fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(**{name: value})
    classes = {"classes": CLASSES} if method == "partial_fit" else {}
    assert_refuses(
        model,
        lambda model: getattr(model, method)(X, y, **classes),
        f"The '{name}' parameter of NumpyMLPClassifier must be .*{allowed}.*"
        f"Got {re.escape(repr(value))} instead",
        error=InvalidParameterError,
    )


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "sizes", [(0,), (5, 0), [-1], (2.5,), ("5",), "5", (None,), ((5, 5),), np.array([[5, 5]])]
)
def test_bad_sizes_of_hidden_layers_are_refused(sizes, method, fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(hidden_layer_sizes=sizes)
    classes = {"classes": CLASSES} if method == "partial_fit" else {}
    assert_refuses(
        model,
        lambda model: getattr(model, method)(X, y, **classes),
        f"'hidden_layer_sizes' parameter .* int .*{re.escape(repr(sizes))} instead",
        error=InvalidParameterError,
    )


ONE_PER_LAYER = {
    "activation": ("{.*'relu'.*}", ["relu", "tanh"], ["relu", 1]),
    "dropout": (r"in the range \[0\.0, 1\.0\)", [0.1, 0.2], [0.1, 1.0]),
    "noise": (r"in the range \[0\.0, inf\)", (0.1, 0.2), (0.1, -0.2)),
}


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", ["too short", "too long", "empty", "nested", "wrong", "array"])
@pytest.mark.parametrize(("name", "spec"), ONE_PER_LAYER.items(), ids=ONE_PER_LAYER)
def test_a_sequence_has_one_allowed_value_for_each_hidden_layer(name, spec, kind, method, fitted):
    allowed, right, wrong = spec
    value = {
        "too short": right[:1],
        "too long": [*right, right[0]],
        "empty": right[:0],
        "nested": [right, right],
        "wrong": wrong,
        "array": np.array([right[0]]),
    }[kind]
    model = small(hidden_layer_sizes=(4, 3), **{name: right})
    model = model.fit(X, y) if fitted else model
    model.set_params(**{name: value})
    classes = {"classes": CLASSES} if method == "partial_fit" else {}
    assert_refuses(
        model,
        lambda model: getattr(model, method)(X, y, **classes),
        f"The '{name}' parameter of NumpyMLPClassifier must be .*{allowed}, or a sequence of such "
        f"with one entry for each of the 2 hidden layers.*Got {re.escape(repr(value))} instead",
        error=InvalidParameterError,
    )


# --- What does not fit together ----------------------------------------------------------------

FOR_STOCHASTIC_SOLVERS = {
    "adversarial_radius": [0.5],
    "averaging": [0.9],
    "dropout": [0.1, [0.1]],
    "input_dropout": [0.1],
    "input_noise": [0.1],
    "max_grad_norm": [1.0],
    "max_norm": [1],
    "noise": [0.1, (0.1,)],
}
CONTRADICTIONS = [
    *(
        pytest.param(
            {"solver": "lbfgs", name: value},
            f"{name}={re.escape(repr(value))} needs a stochastic solver.*'adam'.*solver='lbfgs'",
            id=f"lbfgs with {name}={value}",
        )
        for name, values in FOR_STOCHASTIC_SOLVERS.items()
        for value in values
    ),
    pytest.param(
        {"batch_norm": True, "batch_size": 1},
        "batch_norm=True .*batch_size=1 .*Set batch_size",
        id="batch_norm of single rows",
    ),
    pytest.param(
        {"refit": True, "warm_start": True, "early_stopping": True},
        "refit=True .*warm_start=True",
        id="refit with warm_start",
    ),
]


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("params", "message"), CONTRADICTIONS)
def test_parameters_that_contradict_each_other_are_refused(params, message, fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(**params)
    assert_refuses(model, lambda model: model.fit(X, y), message)


NOTHING_TO_REFUSE = [
    {"solver": "lbfgs", "batch_norm": True, "label_smoothing": 0.1},
    {"solver": "lbfgs", "dropout": [0.0], "noise": 0, "max_norm": None},
    {"batch_norm": True, "batch_size": 1, "hidden_layer_sizes": (), "activation": []},
    {"refit": True, "warm_start": True},
]


@pytest.mark.parametrize("params", NOTHING_TO_REFUSE, ids=str)
def test_parameters_that_look_like_a_contradiction_and_are_none_train(params):
    assert small(**params).fit(X, y).predict(X).shape == y.shape


def nan_scorer(model, X_val, y_val):
    return np.nan


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("arguments", [{}, {"X_val": X, "y_val": y}], ids=["split", "given"])
def test_a_score_that_is_nan_is_refused(arguments, fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(early_stopping=True, scoring=nan_scorer)
    n = len(arguments.get("y_val", y[:6]))
    message = f"scoring=.*nan_scorer.* gave NaN on the validation set of {n} rows.*larger"
    assert_refuses(model, lambda model: model.fit(X, y, **arguments), message)


def failing_scorer(model, X_val, y_val):
    raise RuntimeError("no score today")


def test_an_error_within_a_scorer_is_raised_and_changes_nothing():
    model = small().fit(X, y).set_params(early_stopping=True, scoring=failing_scorer)
    assert_refuses(model, lambda model: model.fit(X, y), "no score today", error=RuntimeError)


VALIDATION = [
    pytest.param({}, {"X_val": X}, "X_val was given without y_val", id="X_val alone"),
    pytest.param({}, {"y_val": y}, "y_val was given without X_val", id="y_val alone"),
    pytest.param(
        {},
        {"X_val": X[:, :3], "y_val": y},
        "X_val.* 3 features.* 4 features",
        id="features of X_val",
    ),
    pytest.param(
        {}, {"X_val": with_value(X, np.nan), "y_val": y}, "X_val.*contains NaN", id="nan in X_val"
    ),
    pytest.param(
        {}, {"X_val": X[:5], "y_val": y}, "X_val.*inconsistent.*5, 60", id="length of y_val"
    ),
    pytest.param({}, {"X_val": X[:0], "y_val": y[:0]}, r"X_val.*0 sample\(s\)", id="empty X_val"),
    pytest.param(
        {},
        {"X_val": X, "y_val": with_value(y, 7)},
        r"y_val has classes not in .*classes_.*\[7\] are not among \[0 1 2\]",
        id="unseen class in y_val",
    ),
    pytest.param(
        {},
        {"X_val": X, "y_val": MULTILABEL},
        r"y_val has shape \(60, 2\), but .* 1-dimensional",
        id="multilabel y_val",
    ),
    pytest.param(
        {},
        {"X_val": X, "y_val": y + 0.5},
        "y_val.*Unknown label type: continuous",
        id="continuous y_val",
    ),
    pytest.param(
        {"early_stopping": True, "validation_fraction": 0},
        {},
        "validation set is too small: validation_fraction=0 of n_samples=60.*X_val, y_val",
        id="fraction of 0",
    ),
    pytest.param(
        {"early_stopping": True, "validation_fraction": 0.99},
        {},
        "validation_fraction=0.99 of n_samples=60 .*X_val, y_val",
        id="no rows left to train on",
    ),
]


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("params", "arguments", "message"), VALIDATION)
def test_bad_validation_set_is_refused_and_changes_nothing(params, arguments, message, fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(**params)
    assert_refuses(model, lambda model: model.fit(X, y, **arguments), message)


@pytest.mark.parametrize("n", [1, 2])
def test_early_stopping_needs_a_row_to_train_on_beside_two_to_validate(n):
    model = small(early_stopping=True)
    assert_refuses(
        model, lambda model: model.fit(X[:n], y[:n]), f"of n_samples={n} leaves no train"
    )


def test_unseen_names_of_features_in_the_validation_set_are_refused():
    model = small().fit(FRAME, y)
    assert_refuses(
        model,
        lambda model: model.fit(FRAME, y, X_val=RENAMED, y_val=y),
        "X_val.*feature names should match.*unseen.*- z.*missing.*- d",
    )


CLASS_WEIGHTS = [
    pytest.param({"0": 1, "7": 2}, y, r"class_weight.*'0'", id="classes of another kind"),
    pytest.param({0: 1, 1: -2, 2: 1}, y, "class_weight ranges from -2 to 1", id="negative"),
    pytest.param({0: 1, 1: np.nan, 2: 1}, y, "finite.*class_weight", id="nan"),
    pytest.param({0: 0, 1: 0, 2: 0}, y, "class_weight must be above 0", id="zero"),
    pytest.param(
        [{0: 1}], y, r"class_weight=\[\{0: 1\}\] is a list.*multilabel.*dict", id="list for classes"
    ),
    pytest.param(
        {0: 1, 1: 2},
        MULTILABEL,
        "class_weight={0: 1, 1: 2}.*multilabel.*list of 2",
        id="dict for labels",
    ),
    pytest.param(
        [{0: 1, 1: 2}], MULTILABEL, "does not fit y.*list of 2 dicts", id="list too short"
    ),
]


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("class_weight", "labels", "message"), CLASS_WEIGHTS)
def test_bad_class_weights_are_refused_and_change_nothing(class_weight, labels, message, fitted):
    model = small().fit(X, labels) if fitted else small()
    model.set_params(class_weight=class_weight)
    assert_refuses(model, lambda model: model.fit(X, labels), message)


@pytest.mark.parametrize("fitted", [False, True])
def test_partial_fit_refuses_balanced_and_says_what_to_do_instead(fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(class_weight="balanced")
    assert_refuses(
        model,
        lambda model: model.partial_fit(X, y, classes=CLASSES),
        "class_weight='balanced'.*compute_class_weight.*as a dict",
    )


def test_first_partial_fit_needs_the_classes():
    assert_refuses(
        small(),
        lambda model: model.partial_fit(X, y),
        "classes must be passed on the first call to partial_fit.*classes=np.unique",
    )


def test_first_partial_fit_refuses_labels_that_are_not_among_its_classes():
    assert_refuses(
        small(),
        lambda model: model.partial_fit(X, y, classes=[0, 1]),
        r"y has classes not in `self.classes_`: \[2\] are not among \[0 1\]",
    )


@pytest.mark.parametrize(
    ("labels", "classes"),
    [(y, [[0, 1, 2]]), (y, [0, 1, 0.5]), (y, 3), (MULTILABEL, [0, 1, 2])],
)
def test_first_partial_fit_refuses_classes_that_cannot_be_those_of_y(labels, classes):
    assert_refuses(small(), lambda model: model.partial_fit(X, labels, classes=classes), "classes")


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 3], [0, 1, 2, 3], ["0", "1", "2"]])
def test_later_partial_fit_refuses_other_classes(classes):
    assert_refuses(
        small().partial_fit(X, y, classes=CLASSES),
        lambda model: model.partial_fit(X, y, classes=classes),
        f"classes={re.escape(repr(classes))} is not the same.*{re.escape(repr(CLASSES))}",
    )


GOES_ON = [
    pytest.param(
        {}, X, with_value(y, 7), r"y has classes not in .*\[7\].* \[0 1 2\]", "classes", id="class"
    ),
    pytest.param(
        {},
        X,
        np.array(["a", "b", "c"])[y],
        r"classes.*'a'.*\[0 1 2\]|\[0 1 2\].*'a'",
        "classes",
        id="words",
    ),
    pytest.param(
        {}, X, MULTILABEL, r"y has shape \(60, 2\)|same classes", "multilabel", id="multilabel"
    ),
    pytest.param(
        {},
        X[:, :3],
        y,
        "X has 3 features, but NumpyMLPClassifier is expecting 4",
        "",
        id="features",
    ),
    pytest.param(
        {"hidden_layer_sizes": (4, 4)},
        X,
        y,
        r"hidden_layer_sizes=\(4, 4\).*warm_start=False",
        "",
        id="sizes",
    ),
]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("params", "other_X", "other_y", "message", "kind"), GOES_ON)
def test_training_that_goes_on_refuses_what_does_not_fit_the_model(
    params, other_X, other_y, message, kind, method
):
    model = small(warm_start=True).fit(X, y).set_params(**params)
    if method == "fit" and kind == "classes":
        message = "warm_start.*same classes.*Previously got .*0 1 2.*partial_fit"
    assert_refuses(model, lambda model: getattr(model, method)(other_X, other_y), message)


def test_warm_start_refuses_fewer_classes_and_points_to_partial_fit():
    model = small(warm_start=True).fit(X, y)
    some = y < 2
    message = r"Previously got \[0 1 2\], `y` has \[0 1\].*partial_fit"
    assert_refuses(model, lambda model: model.fit(X[some], y[some]), message)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "predict_proba", "score"])
def test_other_names_of_features_are_refused(method):
    model = small(warm_start=True).fit(FRAME, y)
    labels = [] if method.startswith("predict") else [y]
    assert_refuses(
        model,
        lambda model: getattr(model, method)(RENAMED, *labels),
        "feature names should match.*unseen.*- z.*missing.*- d",
    )


@pytest.mark.parametrize(
    "other", [X[:, :2], RENAMED, np.hstack([X, X])], ids=["fewer", "names", "more"]
)
def test_a_new_fit_takes_other_features(other):
    model = small().fit(FRAME, y).fit(other, y)
    assert model.n_features_in_ == other.shape[1] == model.coefs_[0].shape[0]
    assert hasattr(model, "feature_names_in_") == isinstance(other, pd.DataFrame)


# --- Numbers that leave the finite -------------------------------------------------------------

DIVERGING = {
    "rate": ({"learning_rate_init": 1e200}, X),
    "rate of float32": ({"learning_rate_init": 1e30, "dtype": "float32"}, X),
    "features": ({"learning_rate_init": 1.0, "momentum": 0}, X * 1e150),
}


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("params", "wild"), DIVERGING.values(), ids=DIVERGING)
def test_diverging_training_names_epoch_rate_and_remedy(params, wild, method, fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(solver="sgd", max_iter=1000, batch_size=5, **params)
    classes = {"classes": CLASSES} if method == "partial_fit" else {}
    assert_refuses(
        model,
        lambda model: getattr(model, method)(wild, y, **classes),
        rf"diverged: non-finite .* in epoch \d+ at learning rate "
        rf"{re.escape(format(params['learning_rate_init'], 'g'))}\..*"
        "lower learning_rate_init or scale the features.*StandardScaler",
    )


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("fitted", [False, True])
def test_diverging_lbfgs_says_so(fitted):
    model = small().fit(X, y) if fitted else small()
    model.set_params(solver="lbfgs")
    message = "diverged: non-finite .* scale the features.*StandardScaler"
    assert_refuses(model, lambda model: model.fit(X * 1e200, y), message)


# --- What is no error --------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("label", [3, "spam", True])
def test_a_single_class_is_learnt_with_certainty(label, solver):
    model = small(solver=solver).fit(X, [label] * 60)
    assert model.classes_.tolist() == [label]
    assert model.predict(X).tolist() == [label] * 60
    np.testing.assert_allclose(model.predict_proba(X), np.ones((60, 1)))
    assert model.decision_function(X).shape == (60, 1)


def test_one_row_is_enough_to_train():
    model = small().fit(X[:1], y[:1])
    assert model.predict(X[:2]).tolist() == [y[0], y[0]]
