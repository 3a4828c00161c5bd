"""Names of 0.1.0, compared with those that its stored models refer to."""

import importlib
import sys
from contextlib import suppress

import joblib
import pytest
from joblib.numpy_pickle import NumpyUnpickler
from make_models import MODELS

STORED = sorted((MODELS / "0.1.0").glob("*/*.joblib"))


@pytest.fixture
def named(monkeypatch):
    """Return the names of this package that the stored models refer to."""
    find_class, names = NumpyUnpickler.find_class, set()

    def recorded(self, module, name):
        if module.split(".")[0] == "skmlp":
            names.add((module, name))
        return find_class(self, module, name)

    monkeypatch.setattr(NumpyUnpickler, "find_class", recorded)
    for path in STORED:
        with suppress(ValueError):  # NumPy 1 cannot read generators of NumPy 2
            joblib.load(path)
    return names


@pytest.mark.filterwarnings("ignore")
def test_every_name_in_a_model_of_0_1_0_is_a_class(named):
    assert ("skmlp._classifier", "NumpyMLPClassifier") in named
    for module, name in named:
        assert isinstance(getattr(importlib.import_module(module), name), type), name


@pytest.mark.filterwarnings("ignore")
def test_modules_that_are_gone_hold_just_what_the_models_name(named):
    modules = {name: module for name, module in sys.modules.items() if name.startswith("skmlp.")}
    gone = {name: module for name, module in modules.items() if module.__spec__ is None}
    held = {
        (module, name)
        for module, content in gone.items()
        for name, value in vars(content).items()
        if isinstance(value, type)
    }
    assert held == {(module, name) for module, name in named if module in gone}
    assert held
