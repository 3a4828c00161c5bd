import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from skmlp._tables.inner_params import InnerParamsMixin


class Outer(InnerParamsMixin):
    _inner_params = {"line": LogisticRegression}  # noqa: RUF012
    _decided_params = {"line": {"random_state": "why"}}  # noqa: RUF012

    def __init__(self, line=None, size=1):
        self.line = line
        self.size = size


def test_settings_are_parameters_only_where_they_are_given():
    assert Outer().get_params() == {"line": None, "size": 1}
    given = {"line": {"C": 2}, "size": 1}
    assert Outer({"C": 2}).get_params() == given | {"line__C": 2}
    assert Outer({"C": 2}).get_params(deep=False) == given


def test_a_dict_that_others_hold_is_not_changed():
    shared = {"C": 2}
    model = Outer(shared).set_params(line__C=3, size=5)
    assert shared == {"C": 2}
    assert (model.line, model.size) == ({"C": 3}, 5)
    assert clone(model).set_params(line__max_iter=9).line == {"C": 3, "max_iter": 9}
    assert model.line == {"C": 3}


def test_a_setting_is_set_after_the_whole_dict():
    assert Outer().set_params(line__C=3, line={"max_iter": 9}).line == {"C": 3, "max_iter": 9}


@pytest.mark.parametrize("name", ["line__D", "other__C", "width"])
def test_a_name_that_is_not_known_is_refused(name):
    with pytest.raises(ValueError, match="Invalid parameter"):
        Outer().set_params(**{name: 1})


def test_names_in_a_dict_are_checked_on_demand():
    Outer({"C": 2})._check_settings()
    with pytest.raises(ValueError, match="Invalid parameter line__D"):
        Outer({"D": 2})._check_settings()


def test_a_setting_that_the_outer_estimator_decides_is_refused():
    with pytest.raises(
        ValueError, match="line has the parameter 'random_state', which cannot be chosen: why"
    ):
        Outer({"random_state": 0})._check_settings()


@pytest.mark.parametrize("order", [["line", "line__C"], ["line__C", "line"], ["line__C"]])
def test_settings_of_a_model_that_is_switched_off_are_refused(order):
    model = Outer(False)
    with pytest.raises(ValueError, match="line=False, so there is no model for line__C"):
        model.set_params(**{name: {"line": False, "line__C": 2}[name] for name in order})
    assert model.line is False
    assert model.set_params(line=True, line__C=2).line == {"C": 2}
