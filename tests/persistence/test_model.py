import json
import pickle
import pickletools
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from make_models import CASES, CONTAINERS, LABELS, MODELS, ROWS, output_of, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import skmlp
from skmlp import NumpyMLPClassifier
from skmlp._persistence.model import FORMAT
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRUSTED = ["skmlp._classifier.NumpyMLPClassifier"]
TRUSTED_IN_CONTAINERS = {
    *TRUSTED,
    "skmlp._fold_ensemble.FoldEnsembleClassifier",
    "skmlp._hidden_layer.HiddenLayerTransformer",
    "skmlp.preprocessing.CosineEmbedding",
    "skmlp.preprocessing.RobustSmoothScaler",
    "skmlp.preprocessing.columns_of_kind",
    "skmlp.preprocessing.none_for_missing",
    "skmlp.preprocessing.same_feature_names",
}
FOLDERS = sorted(path.parent for path in MODELS.glob("*/*/expected.json"))
STORED = {folder: json.loads((folder / "expected.json").read_text()) for folder in FOLDERS}


def files(ending, *, numbered=None):
    """Return the stored files, or those whose format has a number, or none."""
    return [
        pytest.param(path, id=path.relative_to(MODELS).as_posix())
        for folder in FOLDERS
        for path in sorted(folder.glob(f"*.{ending}"))
        if path.stem in CASES
        if numbered is None or numbered == (folder.parent.name != "0.1.0")
    ]


def stored_of(path):
    return STORED[path.parent]["models"][path.stem]


def rtol(model):
    return 1e-9 if model.coefs_[0].dtype == np.float64 else 1e-4


def only_for_numpy_2(path):
    """Whether it is a pickled generator of NumPy 2, which NumPy 1 cannot read."""
    is_old = path.parent.parent.name == "0.1.0"
    return is_old and STORED[path.parent]["numpy"] >= "2" > np.__version__


def assert_predicts_as_stored(model, path):
    expected = stored_of(path)
    assert model.predict(ROWS).tolist() == expected["predict"]
    assert_allclose(model.predict_proba(ROWS), expected["predict_proba"], rtol=rtol(model))


# what earlier versions have stored


@pytest.mark.parametrize("release", sorted({folder.parent.name for folder in FOLDERS}))
def test_each_release_has_left_models_of_the_oldest_and_the_newest_scikit_learn(release):
    folders = [folder for folder in FOLDERS if folder.parent.name == release]
    assert {folder.name for folder in folders} >= {"sklearn-1.6.1", "sklearn-1.9.1"}
    for folder in folders:
        names = STORED[folder]["models"].keys()
        containers = STORED[folder].get("containers", {}).keys()
        assert containers == (CONTAINERS.keys() if folder.parent.name != "0.1.0" else set())
        assert names | containers == {path.stem for path in folder.glob("*.joblib")}
        assert CASES.keys() >= names >= {"binary", "strings", "multilabel", "partial_fit"}


@pytest.mark.filterwarnings("ignore:This NumpyMLPClassifier was saved:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("path", files("joblib"))
def test_stored_joblib_file_predicts_and_trains_on_as_it_did(path):
    if only_for_numpy_2(path):
        with pytest.raises(ValueError, match="BitGenerator"):
            joblib.load(path)
        return
    model = joblib.load(path)
    assert_predicts_as_stored(model, path)
    clone(model).fit(ROWS, LABELS[CASES[path.stem][0]])
    if "trained_on" in stored_of(path):
        model.partial_fit(ROWS, LABELS[CASES[path.stem][0]])
        expected = stored_of(path)["trained_on"]
        assert_allclose(model.predict_proba(ROWS), expected, rtol=rtol(model))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("path", files("joblib", numbered=True))
def test_stored_file_of_a_numbered_format_loads_without_a_warning(path):
    assert_predicts_as_stored(joblib.load(path), path)


@pytest.mark.parametrize("path", files("skops"))
def test_stored_skops_file_predicts_as_it_did(path):
    skops = pytest.importorskip("skops.io")
    assert skops.get_untrusted_types(file=path) == TRUSTED
    model = skops.load(path, trusted=TRUSTED)
    assert_predicts_as_stored(model, path)
    if model.solver in OPTIMIZERS:
        model.partial_fit(ROWS, LABELS[CASES[path.stem][0]])
    assert np.isfinite(model.predict_proba(ROWS)).all()


def containers(ending):
    """Return the stored files of what holds networks."""
    return [
        pytest.param(folder / f"{name}.{ending}", id=f"{folder.parent.name}/{folder.name}/{name}")
        for folder in FOLDERS
        for name in STORED[folder].get("containers", ())
        # scikit-learn's own transformers are for the version that has stored them
        if name != "table" or STORED[folder]["sklearn"] == sklearn.__version__
    ]


def assert_container_predicts_as_stored(model, path):
    rows = CONTAINERS[path.stem][1]
    output = STORED[path.parent]["containers"][path.stem]
    assert_allclose(output_of(model, rows), output, rtol=1e-9)
    again = clone(model).fit(rows, LABELS["strings"])
    assert_allclose(output_of(again, rows), output, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("path", containers("joblib"))
def test_stored_ensemble_transformer_and_pipeline_predict_as_they_did_and_train_anew(path):
    assert_container_predicts_as_stored(joblib.load(path), path)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("path", containers("skops"))
def test_skops_files_of_ensemble_transformer_and_pipeline_predict_as_they_did(path):
    skops = pytest.importorskip("skops.io")
    trusted = skops.get_untrusted_types(file=path)
    own = {name for name in trusted if name.startswith("skmlp.")}
    assert own <= TRUSTED_IN_CONTAINERS
    assert set(trusted) - own <= {"functools.partial", "numpy.dtype"}
    assert_container_predicts_as_stored(skops.load(path, trusted=trusted), path)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("path", files("joblib", numbered=False))
def test_older_format_is_named_once_with_the_remedy_and_is_new_once_saved_again(path, tmp_path):
    if only_for_numpy_2(path):
        return  # refused, says the test above
    with pytest.warns(UserWarning, match=r"skmlp 0\.1\.0 in format 0.*Save it again") as caught:
        model = joblib.load(path)
    assert sum("format 0" in str(warning.message) for warning in caught) == 1
    joblib.dump(model, tmp_path / path.name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_predicts_as_stored(joblib.load(tmp_path / path.name), path)


@pytest.mark.filterwarnings("ignore:This NumpyMLPClassifier was saved:UserWarning")
def test_attributes_that_came_later_are_those_that_the_old_model_would_have():
    folder = MODELS / "0.1.0" / "sklearn-1.6.1"
    model, again = joblib.load(folder / "warm_start.joblib"), joblib.load(folder / "strings.joblib")
    scores = model.validation_scores_
    assert scores[model.best_epoch_ - 1] == max(scores)
    assert max(scores[: model.best_epoch_ - 1], default=-1) < max(scores)
    assert again.best_epoch_ == again.n_iter_ == 20
    assert model.learning_rate_curve_ is None


# what this version stores


@pytest.mark.parametrize("name", CASES)
def test_pickle_names_no_class_of_this_package_but_the_classifier(name):
    kind, params, n = CASES[name]
    model = small(**params).fit(ROWS, LABELS[kind])
    for _ in range(n):
        model.partial_fit(ROWS, LABELS[kind])
    operations = pickletools.genops(pickle.dumps(model, protocol=2))
    named = {argument for operation, argument, _ in operations if operation.name == "GLOBAL"}
    assert {name for name in named if not name.startswith(("numpy ", "numpy.", "_codecs "))} == {
        "skmlp._classifier NumpyMLPClassifier"
    }
    assert not any("random" in name for name in named)


def stored_state(model):
    return model.__reduce_ex__(2)[2]


@pytest.mark.parametrize("fitted", [True, False])
def test_stored_model_has_the_version_and_the_format_and_a_loaded_one_is_free_of_both(fitted):
    model = small() if fitted else NumpyMLPClassifier()
    state = stored_state(model)
    assert state["_skmlp_version"] == skmlp.__version__
    assert state["_skmlp_format"] == FORMAT
    assert (
        model.__getstate__().items()
        >= {
            "_skmlp_version": skmlp.__version__,
            "_skmlp_format": FORMAT,
        }.items()
    )
    assert vars(pickle.loads(pickle.dumps(model))).keys() == vars(model).keys()


def loaded_from(state):
    model = NumpyMLPClassifier.__new__(NumpyMLPClassifier)
    model.__setstate__(state)
    return model


@pytest.mark.parametrize("number", [FORMAT + 1, FORMAT + 100, -1, "two", None, 1.5])
def test_unknown_format_is_refused_with_both_versions_and_the_remedy(number):
    state = stored_state(small()) | {"_skmlp_format": number, "_skmlp_version": "7.8.9"}
    message = (
        rf"saved by skmlp 7\.8\.9 in format {number!r}; the installed skmlp "
        rf"{skmlp.__version__} reads the formats 0 to {FORMAT}\. Load it with .* to_onnx\(\)"
    )
    with pytest.raises(ValueError, match=message):
        loaded_from(state)


def test_unknown_format_is_refused_by_pickle_joblib_and_skops_alike(tmp_path, monkeypatch):
    skops = pytest.importorskip("skops.io")
    monkeypatch.setattr("skmlp._persistence.model.FORMAT", FORMAT + 1)
    model = small()
    joblib.dump(model, tmp_path / "model.joblib")
    skops.dump(model, tmp_path / "model.skops")
    pickled = pickle.dumps(model)
    monkeypatch.setattr("skmlp._persistence.model.FORMAT", FORMAT)
    with pytest.raises(ValueError, match=f"in format {FORMAT + 1}"):
        pickle.loads(pickled)
    with pytest.raises(ValueError, match=f"in format {FORMAT + 1}"):
        joblib.load(tmp_path / "model.joblib")
    with pytest.raises(ValueError, match=f"in format {FORMAT + 1}"):
        skops.load(tmp_path / "model.skops", trusted=TRUSTED)


@pytest.mark.parametrize("name", NumpyMLPClassifier().get_params())
def test_parameter_that_the_stored_model_lacks_gets_its_default(name):
    model = small()
    state = stored_state(model)
    del state[name]
    loaded = loaded_from(state)
    assert loaded.get_params() == model.get_params() | {
        name: NumpyMLPClassifier().get_params()[name]
    }
    assert_array_equal(loaded.predict_proba(ROWS), model.predict_proba(ROWS))


def test_defaults_are_those_of_the_subclass():
    model = Averaged(random_state=0, max_iter=2).fit(ROWS, LABELS["strings"])
    state = stored_state(model)
    del state["averaging"], state["alpha"]
    loaded = Averaged.__new__(Averaged)
    loaded.__setstate__(state)
    assert (loaded.averaging, loaded.max_iter) == (0.9, 2)
    assert not hasattr(loaded, "alpha")


class Averaged(NumpyMLPClassifier):
    """A subclass with parameters of its own."""

    def __init__(self, averaging=0.9, max_iter=5, random_state=None):
        super().__init__(averaging=averaging, max_iter=max_iter, random_state=random_state)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_solver_goes_on_after_loading(solver, schedule):
    model = small(solver=solver, learning_rate=schedule, tol=1.0, n_iter_no_change=1)
    model.partial_fit(ROWS, LABELS["strings"])
    loaded = pickle.loads(pickle.dumps(model))
    for m in (model, loaded):
        for _ in range(3):
            m.partial_fit(ROWS, LABELS["strings"])
    assert_array_equal(loaded.predict_proba(ROWS), model.predict_proba(ROWS))
    assert loaded.learning_rate_curve_ == model.learning_rate_curve_


def test_stored_files_are_small():
    sizes = {path: path.stat().st_size for path in Path(MODELS).rglob("*") if path.is_file()}
    assert max(sizes.values()) < 40_000
    assert sum(sizes.values()) < 1_000_000
