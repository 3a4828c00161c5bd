"""Class weights, and their product with sample weights."""

import datetime
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from networks import (
    SOLVERS,
    X,
    X_multi,
    X_train,
    X_val,
    Y_multi,
    assert_same_model,
    small,
    y,
    y_train,
    y_val,
)
from scipy import sparse
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from skmlp._compat import check_sample_weight
from skmlp._data.class_weight import ClassWeights, check_not_classes, combined_weights
from skmlp._data.targets import ClassificationTargets
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- Weights of rows --------------------------------------------------------------------------

Y = np.array([0, 0, 0, 1, 1, 2])
ROWS = np.arange(12.0).reshape(6, 2)
TARGETS = ClassificationTargets(Y)


def weights(sample_weight, class_weight):
    w = None
    if sample_weight is not None:
        w = check_sample_weight(sample_weight, ROWS, dtype=np.float64, ensure_non_negative=True)
    y = TARGETS.encode(Y)
    class_weights = None
    if class_weight is not None:
        class_weights = ClassWeights(class_weight, TARGETS, y, w)
    return combined_weights(w, class_weights, y)


def test_no_weights_are_none():
    assert weights(None, None) is None


@pytest.mark.parametrize(
    ("sample_weight", "class_weight", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], None, [1, 2, 3, 4, 5, 6]),
        (2, None, [2, 2, 2, 2, 2, 2]),
        (None, {0: 1, 1: 10, 2: 100}, [1, 1, 1, 10, 10, 100]),
        ([1, 2, 3, 4, 5, 6], {0: 1, 1: 10, 2: 0}, [1, 2, 3, 40, 50, 0]),
        (None, "balanced", [2 / 3, 2 / 3, 2 / 3, 1, 1, 2]),
        # 4 of class 0, 4 of class 1, 1 of class 2: 9 in all, so 3 for each class
        ([4, 0, 0, 2, 2, 1], "balanced", [3, 0, 0, 1.5, 1.5, 3]),
    ],
)
def test_weights_of_rows_are_sample_weight_times_class_weight(
    sample_weight, class_weight, expected
):
    w = weights(sample_weight, class_weight)
    assert w.dtype == np.float64
    np.testing.assert_allclose(w, expected)


@pytest.mark.parametrize(
    ("sample_weight", "class_weight", "message"),
    [
        (None, {0: -1, 1: 2, 2: 2}, "finite, in sum too, and at least 0.*from -1 to 2"),
        (None, {0: np.inf, 1: 1, 2: 1}, "finite, in sum too, and at least 0.*to inf"),
        ([0] * 6, None, "zero"),
        ([1, 1, 1, 0, 0, 0], {0: 0, 1: 1, 2: 1}, "zero for all rows.*above 0 for at least one"),
        ([-1] + [1] * 5, None, "(?i)negative"),
        ([np.nan] + [1] * 5, None, "NaN"),
        ([1] * 5, None, r"\(5,\), expected \(6,\)"),
    ],
)
def test_weights_that_mean_nothing_are_refused(sample_weight, class_weight, message):
    with pytest.raises(ValueError, match=message):
        weights(sample_weight, class_weight)


# --- Weights of a model -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "solver"),
    [("fit", solver) for solver in SOLVERS] + [("partial_fit", solver) for solver in OPTIMIZERS],
)
def test_a_dict_of_class_weights_is_a_sample_weight(method, solver):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    weights = {0: 1.0, 1: 2.5, 2: 0.25}
    by_class = getattr(small(solver=solver, class_weight=weights), method)(X, y, **arguments)
    by_row = getattr(small(solver=solver), method)(
        X, y, np.array([weights[c] for c in y]), **arguments
    )
    assert_same_model(by_class, by_row)


def test_classes_that_a_dict_leaves_out_weigh_one():
    assert_same_model(
        small(class_weight={1: 3.0}).fit(X, y),
        small(class_weight={0: 1.0, 1: 3.0, 2: 1.0}).fit(X, y),
    )


@pytest.mark.parametrize("labels", [y, y == 0, np.array(["a", "b", "c"])[y]])
def test_balanced_equals_the_weights_computed_by_hand(labels):
    some = np.arange(90) % 4 != 0
    inputs, labels = X[some], labels[some]
    classes = np.unique(labels)
    by_hand = compute_class_weight("balanced", classes=classes, y=labels)
    assert_same_model(
        small(class_weight="balanced").fit(inputs, labels),
        small(class_weight=dict(zip(classes.tolist(), by_hand, strict=True))).fit(inputs, labels),
    )


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 1: 1.0, 2: 0.5}])
def test_whole_sample_weights_are_repetitions(class_weight):
    times = np.random.RandomState(0).randint(0, 4, 90)
    params = {"class_weight": class_weight, "solver": "lbfgs", "max_iter": 10}
    weighted = small(**params).fit(X, y, times)
    repeated = small(**params).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert_same_model(weighted, repeated, rtol=1e-6)


def test_balanced_multilabel_weights_multiply_over_the_columns():
    by_hand = np.ones(60)
    for column in Y_multi.T:
        by_hand *= compute_class_weight("balanced", classes=np.array([0, 1]), y=column)[column]
    assert_same_model(
        small(class_weight="balanced").fit(X_multi, Y_multi),
        small().fit(X_multi, Y_multi, by_hand),
    )


def test_balanced_multilabel_counts_sample_weights_as_repetitions():
    times = np.random.RandomState(0).randint(0, 4, 60)
    params = {"class_weight": "balanced", "solver": "lbfgs", "max_iter": 10}
    weighted = small(**params).fit(X_multi, Y_multi, times)
    repeated = small(**params).fit(
        np.repeat(X_multi, times, axis=0), np.repeat(Y_multi, times, axis=0)
    )
    assert_same_model(weighted, repeated, rtol=1e-6)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_a_list_of_dicts_weighs_the_columns_of_multilabel_y(convert):
    weights = [{0: 1, 1: 5}, {0: 1, 1: 1}, {0: 2, 1: 1}]
    by_hand = np.array([5.0, 1.0])[1 - Y_multi[:, 0]] * np.array([2.0, 1.0])[Y_multi[:, 2]]
    assert_same_model(
        small(class_weight=weights).fit(X_multi, convert(Y_multi)),
        small().fit(X_multi, Y_multi, by_hand),
    )


def test_class_weights_weigh_the_validation_loss_by_a_mean():
    weights = {0: 100.0, 1: 200.0, 2: 300.0}
    model = small(class_weight=weights).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    w_val = np.array([weights[c] for c in y_val])
    last = log_loss(y_val, model.predict_proba(X_val), sample_weight=w_val)
    assert model.validation_loss_curve_[-1] == pytest.approx(last)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X_val, y_val, w_val))


def test_balanced_weighs_validation_rows_as_training_rows():
    some = y_val != 2
    weights = compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=y_train)
    model = small(class_weight="balanced").fit(
        X_train, y_train, X_val=X_val[some], y_val=y_val[some]
    )
    proba, w = model.predict_proba(X_val[some]), weights[y_val[some]]
    expected = log_loss(y_val[some], proba, sample_weight=w, labels=[0, 1, 2])
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


# --- The weight of each class -----------------------------------------------------------------

BINARY = np.array(["no", "yes", "yes", "no", "yes"])
MULTICLASS = np.array([7, -2, 7, 100, -2])
MULTILABEL = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]])


def weights_of(class_weight, y, w=None):
    """Return the class weights of the rows that they were learnt from."""
    targets = ClassificationTargets(y)
    encoded = targets.encode(y)
    return ClassWeights(class_weight, targets, encoded, w).of_rows(encoded)


def test_a_dict_gives_each_row_the_weight_of_its_class():
    w = weights_of({-2: 0.5, 7: 2, 100: 3}, MULTICLASS)
    assert w.tolist() == [2, 0.5, 2, 3, 0.5]


def test_a_dict_ignores_sample_weights():
    w = weights_of({"no": 2, "yes": 3}, BINARY, np.arange(5.0))
    assert w.tolist() == [2, 3, 3, 2, 3]


def test_balanced_is_the_number_of_rows_over_classes_times_rows_of_the_class():
    # 5 rows in 2 classes, of 2 and 3 rows
    w = weights_of("balanced", BINARY)
    np.testing.assert_allclose(w, [5 / 4, 5 / 6, 5 / 6, 5 / 4, 5 / 6])


def test_balanced_counts_a_row_by_its_sample_weight():
    # weights 1 + 4 of "no" and 2 + 3 + 10 of "yes", 20 in all
    sample_weight = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    w = weights_of("balanced", BINARY, sample_weight)
    np.testing.assert_allclose(w, [20 / 10, 20 / 30, 20 / 30, 20 / 10, 20 / 30])
    for label in ("no", "yes"):
        assert (w * sample_weight)[label == BINARY].sum() == pytest.approx(10)


def test_balanced_leaves_classes_without_weight_out_of_the_count():
    sample_weight = np.array([1.0, 0.0, 1.0, 2.0, 0.0])
    w = weights_of("balanced", MULTICLASS, sample_weight)
    # class -2 weighs nothing; 7 weighs 2 and 100 weighs 2, of 4 in 2 classes
    np.testing.assert_allclose(w, [1, 0, 1, 1, 0])


def test_balanced_over_several_columns_is_the_product_of_theirs():
    # ones: 3, 2, 2 of 5
    zero, one = 5 / (2 * np.array([2, 3, 3])), 5 / (2 * np.array([3, 2, 2]))
    w = weights_of("balanced", MULTILABEL)
    np.testing.assert_allclose(w, np.where(MULTILABEL, one, zero).prod(axis=1))


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_a_list_of_dicts_is_multiplied_over_the_columns(convert):
    weights = [{0: 1, 1: 2}, {0: 3, 1: 1}, {0: 1, 1: 5}]
    w = weights_of(weights, convert(MULTILABEL))
    assert w.tolist() == [2 * 3 * 5, 3, 2 * 5, 1, 2 * 3]


@pytest.mark.parametrize(
    ("class_weight", "y", "message"),
    [
        ({0: 1, 1: 2}, MULTILABEL, "does not fit y, which is multilabel.*list of 3 dicts"),
        ([{-2: 1}], MULTICLASS, "is a list, which is meant for multilabel"),
        ([{0: 1, 1: 2}], MULTILABEL, "does not fit y.*list of 3 dicts"),
        ([{0: 1}, {2: 1}, {}], MULTILABEL, r"multilabel y, whose labels are 0.*: 2 are not"),
        ([{0: 1}, {0: 1}, {"1": 1}], MULTILABEL, "another kind than the labels: '1' are not"),
        ([{0: 1}, {0: 1}, "balanced"], MULTILABEL, "has the entry 'balanced'.*give a dict"),
        ({1: 2}, BINARY, "another kind than the labels: 1 are not.*'no', 'yes', which are text"),
        ({"7": 2, None: 1}, MULTICLASS, "'7', None are not among .*-2, 7, 100, which are numbers"),
        ({"no": "2"}, BINARY, "gives label 'no' the weight '2', no number"),
        ({"no": None}, BINARY, "gives label 'no' the weight None, no number"),
    ],
)
def test_class_weights_that_do_not_fit_the_labels_are_refused(class_weight, y, message):
    with pytest.raises(ValueError, match=message):
        weights_of(class_weight, y)


@pytest.mark.parametrize(
    ("class_weight", "y", "expected"),
    [
        # labels of digits are text, whatever numbers they look like
        ({"1": 1, "2": 5}, ["1", "2"], [1, 5]),
        ({"01": 1, "1": 5}, ["01", "1"], [1, 5]),
        ({"-1": 1, "1": 5}, ["-1", "1"], [1, 5]),
        ({"7": 3, "x": 5}, ["7", "x"], [3, 5]),
        ({"1": 5}, np.array(["01", "1"], dtype=object), [1, 5]),
        ({np.str_("a"): 5}, ["a", "b"], [5, 1]),
        # scalars of NumPy and of Python are the same labels
        ({np.int64(7): 3, np.float32(8): 5}, [7, 8], [3, 5]),
        ({7: 3, 8.0: 5}, np.array([7.0, 8.0]), [3, 5]),
        ({0: 3, 1: 5}, [False, True], [3, 5]),
        ({np.True_: 5}, [False, True], [1, 5]),
        ({1: 5}, [0, 1], [1, 5]),
        ({2**53 + 1: 5}, [2**53, 2**53 + 1], [1, 5]),
        ({1: np.float32(0.5)}, [0, 1], [1, 0.5]),
        # dates in any unit
        ({np.datetime64("2020-01-01"): 3}, np.array(["2020", "2021"], "M8[ns]"), [3, 1]),
        ({pd.Timestamp("2021"): 5}, np.array(["2020", "2021"], "M8[D]"), [1, 5]),
        ({datetime.date(2021, 1, 1): 5}, np.array(["2020", "2021"], "M8[s]"), [1, 5]),
        ({datetime.timedelta(2): 5}, np.array([1, 2], "m8[D]"), [1, 5]),
    ],
)
def test_a_key_is_the_label_of_its_value_and_kind(class_weight, y, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert weights_of(class_weight, np.asarray(y)).tolist() == expected


@pytest.mark.parametrize(
    ("class_weight", "y", "absent", "expected"),
    [
        ({"no": 2, "maybe": 3}, BINARY, "'maybe'", [2, 1, 1, 2, 1]),
        ({8: 5}, MULTICLASS, "8", [1] * 5),
        ({8: 5, np.int64(9): 1, 7: 2}, MULTICLASS, "8, 9", [2, 1, 2, 1, 1]),
        ({pd.Timestamp("2022"): 5}, np.array(["2020", "2021"], "M8[D]"), "Timestamp", [1, 1]),
    ],
)
def test_weights_of_absent_classes_are_warned_of(class_weight, y, absent, expected):
    with pytest.warns(UserWarning, match=f"labels that do not occur: {absent}.*not among"):
        assert weights_of(class_weight, y).tolist() == expected


def test_a_fold_that_lacks_a_weighted_class_is_warned_of_in_fit_and_partial_fit():
    some = y != 2
    weights = {0: 1.0, 1: 3.0, 2: 5.0}
    for method in ("fit", "partial_fit"):
        arguments = {"classes": [0, 1]} if method == "partial_fit" else {}
        with pytest.warns(UserWarning, match="do not occur: 2 are not among the classes 0, 1"):
            model = getattr(small(class_weight=weights), method)(X[some], y[some], **arguments)
        other = small(class_weight={0: 1.0, 1: 3.0})
        assert_same_model(model, getattr(other, method)(X[some], y[some], **arguments))


def test_class_weights_of_many_labels_take_no_matrix_of_integers():
    Y = np.random.RandomState(0).rand(5000, 200) < 0.1
    targets = ClassificationTargets(Y)
    table = ClassWeights("balanced", targets, Y, None)
    tracemalloc.start()
    table.of_rows(Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < Y.nbytes


# --- Classes in place of weights --------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "y"),
    [
        ([0, 1, 2], Y),
        (np.array([2, 1, 0, 3]), Y),
        (["no", "yes"], BINARY),
        (np.array(["a", "b", "c", "d", "e"]), BINARY),
        (np.array(["no", "yes"], dtype=object), BINARY),
    ],
)
def test_classes_in_place_of_sample_weights_are_refused_with_the_remedy(given, y):
    with pytest.raises(ValueError, match=r"sample_weight=.*looks like the classes.*classes=\.\.\."):
        check_not_classes(given, y)


@pytest.mark.parametrize(
    "given", [None, 2.0, np.ones(6), np.ones(5), [0, 1], [[0], [1], [2]], [0, 1, 2, 3, 4, 5]]
)
def test_other_sample_weights_are_not_taken_for_classes(given):
    check_not_classes(given, Y)


def test_partial_fit_says_that_classes_are_no_sample_weights():
    with pytest.raises(ValueError, match="looks like the classes of y"):
        small().partial_fit(X, y, [0, 1, 2])
    model = small().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="looks like the classes of y"):
        model.partial_fit(X, y, [0, 1, 2])
