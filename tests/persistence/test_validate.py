"""Values from a stranger's file."""

import copy

import numpy as np
import pytest

from skmlp._persistence.validate import copy_into, validated_like

STATE = {"state": {"key": np.arange(3, dtype="uint32"), "pos": 2}, "kind": "MT"}


def test_a_tree_of_the_same_form_is_returned_with_its_arrays_copied():
    found = copy.deepcopy(STATE)
    result = validated_like(STATE, found)
    np.testing.assert_equal(result, STATE)
    assert not np.shares_memory(result["state"]["key"], found["state"]["key"])


@pytest.mark.parametrize(
    "found",
    [
        None,
        {"state": STATE["state"]},
        STATE | {"state": {"key": STATE["state"]["key"]}},
        STATE | {"state": STATE["state"] | {"key": np.arange(4, dtype="uint32")}},
        STATE | {"state": STATE["state"] | {"pos": 0.5}},
        STATE | {"kind": None},
    ],
)
def test_a_tree_of_another_form_is_refused(found):
    with pytest.raises(ValueError, match=r"must have|cannot be"):
        validated_like(STATE, found, "generator")


def test_a_value_fills_an_array_of_its_own_form_alone():
    array = np.zeros(3)
    copy_into(array, np.ones(3))
    np.testing.assert_array_equal(array, 1)
    with pytest.raises(ValueError, match="dtype float64"):
        copy_into(array, np.ones(3, "int64"))
    with pytest.raises(ValueError, match=r"shape \(3,\), not \(1,\)"):
        copy_into(array, np.ones(1))
