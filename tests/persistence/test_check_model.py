"""Saved models of strangers: what is refused, and what honest models may have."""

import copy
import pickle
import time
import tracemalloc

import numpy as np
import pytest
from make_models import LABELS, ROWS, network, small
from numpy.testing import assert_array_equal
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skmlp import NumpyMLPClassifier
from skmlp._persistence.check_model import known_names

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def loaded(state, cls=NumpyMLPClassifier):
    model = cls.__new__(cls)
    model.__setstate__(state)
    return model


def state_of(**params):
    """Return what skops writes of a model that has trained on."""
    model = small(**params).partial_fit(ROWS, LABELS["strings"])
    return copy.deepcopy(model.__getstate__())


def pickled_state(**params):
    return copy.deepcopy(small(**params).partial_fit(ROWS, LABELS["strings"]).__reduce_ex__(4)[2])


def refused(state, reason, cls=NumpyMLPClassifier):
    message = rf"This {cls.__name__} cannot be loaded: .*{reason}.*not written by skmlp"
    with pytest.raises(ValueError, match=message):
        loaded(state, cls)


class Other(NumpyMLPClassifier):
    """A user's class, with a parameter and attributes of its own."""

    n_calls = 0

    def __init__(self, depth=3, max_iter=3):
        self.depth = depth
        super().__init__((4,), max_iter=max_iter)

    def fit(self, X, y):
        self.scaler_, self._seen, self.n_calls = StandardScaler().fit(X), len(X), self.n_calls + 1
        self.weigh = len
        return super().fit(X, y)


# names


@pytest.mark.parametrize(
    "name",
    [
        *(
            "predict",
            "predict_proba",
            "partial_fit",
            "_predict_by_chunks",
            "_parameter_constraints",
        ),
        *("__setstate__", "__class__", "__sklearn_is_fitted__", 3, None),
    ],
)
@pytest.mark.parametrize("value", [1, None, len])
def test_what_the_class_has_is_not_replaced(name, value):
    for state in (state_of(), NumpyMLPClassifier().__getstate__()):
        refused(state | {name: value}, "it has an attribute")


def test_nothing_that_can_be_called_is_added():
    refused(state_of() | {"transform": np.exp}, "its attribute 'transform' cannot be")


@pytest.mark.parametrize("name", ["_skl_callbacks", "_callback_fit_ctx", "_metadata_request"])
@pytest.mark.parametrize("value", [None, 3, [3], {}, np.zeros(3)])
def test_attributes_of_scikit_learn_are_its_own_objects(name, value):
    refused(state_of() | {name: value}, f"its attribute '{name}' cannot be")


def test_data_that_a_program_has_added_to_a_model_is_kept():
    model = small()
    model.feature_list, model.scaler_, model._note = ["a", "b", "c"], StandardScaler(), "2024"
    for again in (
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        loaded(model.__getstate__()),
    ):
        assert again.feature_list == ["a", "b", "c"]
        assert again._note == "2024"
        assert isinstance(again.scaler_, StandardScaler)


def test_a_class_of_another_package_keeps_its_attributes():
    model = Other().fit(ROWS, LABELS["strings"]).fit(ROWS, LABELS["strings"])
    again = pickle.loads(pickle.dumps(model))
    assert vars(again).keys() == vars(model).keys()
    assert (again.depth, again._seen, again.n_calls, again.weigh) == (3, 24, 2, len)
    assert_array_equal(again.predict_proba(ROWS), model.predict_proba(ROWS))
    refused(model.__getstate__() | {"predict": 1}, "it has an attribute 'predict'", Other)


def test_known_names_are_those_of_every_model():
    model = small(early_stopping=True, warm_start=True)
    assert vars(model).keys() <= known_names(NumpyMLPClassifier)
    assert "depth" in known_names(Other)
    assert not {"fit", "predict", "self", "_onnx_head"} & known_names(Other)


# values


BAD = {
    "no weights": {"coefs_": []},
    "weights that are no list": {"coefs_": 3},
    "weights of lists": {"coefs_": [[[1.0]], [[1.0]]]},
    "weights of objects": {"coefs_": [np.zeros((3, 4), "O"), np.zeros((4, 3), "O")]},
    "weights of one axis": {"coefs_": [np.zeros(3), np.zeros(4)]},
    "weights that do not fit": {"coefs_": [np.zeros((3, 4)), np.zeros((5, 3))]},
    "weights of no inputs": {"coefs_": [np.zeros((0, 4)), np.zeros((4, 3))]},
    "weights of two precisions": {"coefs_": [np.zeros((3, 4)), np.zeros((4, 3), "f")]},
    "fewer biases": {"intercepts_": [np.zeros(4)]},
    "biases of two axes": {"intercepts_": [np.zeros((4, 1)), np.zeros(3)]},
    "other features": {"n_features_in_": 4},
    "features that are no count": {"n_features_in_": 3.0},
    "names of other features": {"feature_names_in_": np.array(["a", "b"], "O")},
    "names that are no text": {"feature_names_in_": np.array([1, 2, 3], "O")},
    "other outputs": {"n_outputs_": 10**9},
    "other layers": {"n_layers_": 4},
    "an unknown activation": {"_fitted_activations": ["x"]},
    "more activations": {"_fitted_activations": ["relu", "relu"]},
    "threads": {"_fitted_threads": 0},
    "threads as text": {"_fitted_threads": "x"},
    "other classes": {"classes_": np.array(["a", "b", "c"])},
    "fewer classes": {"classes_": np.array(["ash", "oak"])},
    "another output": {"out_activation_": "logistic"},
    "a loss that is none": {"_loss": {"class": "Adam"}},
    "a loss of another output": {"_loss": {"class": "LogisticCrossEntropy", "s": 0.0}},
    "a loss too smooth": {"_loss": {"class": "SoftmaxCrossEntropy", "s": 1.0}},
    "targets that are none": {"_targets": 3},
    "a count below 0": {"t_": -1},
    "a huge count": {"t_": 10**400},
    "a count that is none": {"n_iter_": "x"},
    "more epochs than the curve": {"n_iter_": 1000},
    "a best epoch beyond": {"best_epoch_": 1000},
    "a loss that is no number": {"loss_": "x"},
    "a loss of a huge integer": {"best_loss_": 10**400},
    "no curve": {"loss_curve_": None},
    "a curve of texts": {"loss_curve_": ["x"]},
    "a longer curve": {"validation_scores_": [0.5] * 1000},
    "no training state": {"_state": {"class": "History"}},
    "a state that is no dict": {"_state": [1]},
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_values_that_do_not_fit_are_refused(kind):
    refused(state_of() | BAD[kind], "")


@pytest.mark.parametrize(
    "name",
    [
        *("coefs_", "intercepts_", "n_features_in_", "n_outputs_", "n_layers_", "classes_"),
        *("out_activation_", "_targets", "_loss", "_fitted_activations", "_fitted_threads"),
    ],
)
def test_what_predictions_need_must_be_there(name):
    state = state_of()
    del state[name]
    refused(state, "lacks")


TARGETS = {
    "outputs": {"n_outputs": 8000},
    "a binary that is none": {"binary": True},
    "labels that are one": {"multilabel": True},
    "another activation": {"out_activation": "logistic"},
    "unsorted classes": {"classes_": np.array(["oak", "ash", "beech"])},
    "equal classes": {"classes_": np.array(["oak", "oak", "oak"])},
    "classes of two axes": {"classes_": np.array([["ash", "oak"]])},
    "no classes": {"classes_": np.array([])},
    "classes of fields": {"classes_": np.zeros(3, "i4,i4")},
    "classes that are no array": {"classes_": ["ash", "beech", "oak"]},
    "sparse that is a number": {"sparse": 1},
    "an attribute more": {"decode": 1},
}


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_that_no_labels_have_are_refused(kind):
    state = state_of()
    state["_targets"] |= TARGETS[kind]
    refused(state, "")


RNG = {
    "position": {"state": {"pos": 2**31 - 8}},
    "negative position": {"state": {"pos": -1}},
    "key": {"state": {"key": np.zeros(3, "uint32")}},
    "key of zeros": {"state": {"key": np.zeros(624, "uint32")}},
    "dtype of the key": {"state": {"key": np.zeros(624, "int64")}},
    "gauss": {"has_gauss": 10**30},
    "kind": {"bit_generator": "PCG64"},
    "no kind": {"bit_generator": ["x"]},
    "more": {"more": 1},
}


@pytest.mark.parametrize("kind", RNG)
def test_generators_that_would_crash_or_hang_are_refused(kind):
    state = state_of()
    stored = state["_state"]["rng"]["state"]
    for name, value in RNG[kind].items():
        if name == "state":
            stored[name].update(value)
        else:
            stored[name] = value
    refused(state, "")


def test_a_generator_among_the_parameters_is_checked_too():
    rng = np.random.RandomState(0)
    loaded(state_of() | {"random_state": rng})
    stands = rng.get_state(legacy=False)
    stands["state"]["pos"] = 10**6
    if parse_version(np.__version__) >= parse_version("2.5"):  # makes no such generator
        with pytest.raises(ValueError, match="position"):
            rng.set_state(stands)
        return
    rng.set_state(stands)  # is not drawn from
    refused(state_of() | {"random_state": rng}, "position is beyond its end")


SEEDS = {
    "a huge pool": {"pool_size": 10**9},
    "no pool": {"pool_size": 0},
    "a long key": {"spawn_key": [1] * 10**5},
    "a negative entropy": {"entropy": -1},
    "a text": {"entropy": "x"},
    "a huge entropy": {"entropy": 2**100_000},
    "a name more": {"more": 1},
    "children below 0": {"n_children_spawned": -1},
}


@pytest.mark.parametrize("kind", SEEDS)
def test_seeds_that_take_for_ever_are_refused_at_once(kind):
    state = pickled_state(noise=0.1)
    state["_state"]["noise_rng"]["seed"] |= SEEDS[kind]
    start = time.process_time()
    refused(state, "a generator's")
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("name", "value"), [("beta_2", 2**53), ("beta_1", 1.0), ("beta_1", -0.1), ("epsilon", -1.0)]
)
def test_settings_of_the_solver_that_no_fit_can_have_are_refused(name, value):
    state = pickled_state()
    state["_state"]["solver"]["optimizer"][name] = value
    refused(state, f"{name} of its solver cannot be")


def test_the_solver_must_be_that_of_the_network():
    for changes in ({"M": np.zeros(3)}, {"V": np.zeros((31, 1))}, {"M": np.zeros(31, "float32")}):
        state = pickled_state()
        state["_state"]["solver"]["optimizer"] |= changes
        refused(state, "its solver's state is of|its solver's state of shapes")
    state = pickled_state(averaging=0.9, batch_norm=True)
    loaded(copy.deepcopy(state))
    for changes in (
        {"vectors": np.zeros((3, 47))},
        {"normalisations": np.zeros(3)},
        {"vectors": 3},
    ):
        other = copy.deepcopy(state)
        other["_state"] |= changes
        refused(other, "normalisations|vectors")


def test_a_copy_that_a_callback_has_made_within_a_fit_is_whole():
    state = state_of()
    del state["_state"], state["t_"], state["best_epoch_"], state["validation_scores_"]
    model = loaded(state)
    assert model.t_ == model.best_epoch_ == 0
    model.partial_fit(ROWS, LABELS["strings"])


# what it takes


def test_thousands_of_labels_are_loaded_in_little_time_and_memory():
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(20, 3)), (rng.uniform(size=(20, 8000)) < 0.3).astype(int)
    model = NumpyMLPClassifier((2,), max_iter=1, batch_size=20).fit(X, Y)
    file = pickle.dumps(model)
    start = time.process_time()
    tracemalloc.start()
    try:
        again = pickle.loads(file)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(file)
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 1
    assert_array_equal(again.predict(X), model.predict(X))


def test_huge_sizes_in_a_small_state_take_no_memory():
    tracemalloc.start()
    try:
        state = network().__getstate__() | state_of()
        for changes in ({"n_outputs_": 2**40}, {"n_features_in_": 2**40}, {"t_": 2**70}):
            refused(state | changes, "")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("state", [None, 3, [], "x"])
def test_a_state_that_is_no_dict_is_refused(state):
    refused(state, "it is no dict")
