import copy
from dataclasses import dataclass, field

import numpy as np
import pytest

from skmlp._persistence.state_dict import checked, fill, restore, snapshot


@dataclass
class Part:
    curve: list = field(default_factory=lambda: [1.0, 2.5])
    name: str = "linear"


@dataclass
class Whole:
    vector: np.ndarray = field(default_factory=lambda: np.arange(3.0))
    precise: np.float32 = field(default_factory=lambda: np.float32(0.1))
    count: int = 3
    rate: float = 0.5
    on: bool = True
    nothing: None = None
    part: Part = field(default_factory=Part)
    scratch: np.ndarray = field(default_factory=lambda: np.zeros(9))


def test_restoring_a_snapshot_gives_the_same_in_place():
    thing, other = Whole(), Whole(np.zeros(3), np.float32(7), 9, 9.0, False, None, Part([], "x"))
    vector, part, scratch = other.vector, other.part, other.scratch
    restore(other, snapshot(thing))
    assert snapshot(other) == {**snapshot(thing), "vector": other.vector}
    np.testing.assert_array_equal(other.vector, thing.vector)
    assert other.vector is vector
    assert other.part is part
    assert other.scratch is scratch
    assert type(other.precise) is np.float32


def test_a_snapshot_is_of_plain_values_and_has_no_scratch_space():
    plain = snapshot(Whole())
    assert list(plain) == ["vector", "precise", "count", "rate", "on", "nothing", "part"]
    assert plain["part"] == {"curve": [1.0, 2.5], "name": "linear"}


BAD = {
    "no dict": lambda plain: [],
    "an attribute missing": lambda plain: plain.pop("count") and plain,
    "an attribute too many": lambda plain: plain | {"more": 1},
    "a part that is no dict": lambda plain: plain | {"part": 3},
    "a part of another kind": lambda plain: plain | {"part": {"name": "x"}},
    "another shape": lambda plain: plain | {"vector": np.zeros(4)},
    "another number of axes": lambda plain: plain | {"vector": np.zeros((3, 1))},
    "another dtype": lambda plain: plain | {"vector": np.zeros(3, "float32")},
    "no array": lambda plain: plain | {"vector": [0.0, 1.0, 2.0]},
    "a fraction for a count": lambda plain: plain | {"count": 2.5},
    "a count below 0": lambda plain: plain | {"count": -1},
    "a bool for a count": lambda plain: plain | {"count": True},
    "a number for a bool": lambda plain: plain | {"on": 1},
    "something for nothing": lambda plain: plain | {"nothing": 0},
    "text in a curve": lambda plain: plain | {"part": {"curve": ["x"], "name": "x"}},
    "a number for a curve": lambda plain: plain | {"part": {"curve": 1.0, "name": "x"}},
    "a number for text": lambda plain: plain | {"part": {"curve": [], "name": 1}},
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_snapshot_of_such_a_thing_is_refused(kind):
    with pytest.raises(ValueError, match=r"has \[|must have|cannot be"):
        restore(Whole(), BAD[kind](snapshot(Whole())))


STATE = {"state": {"key": np.arange(3, dtype="uint32"), "pos": 2}, "kind": "MT"}


def test_a_tree_of_the_same_form_is_returned_with_its_arrays_copied():
    found = copy.deepcopy(STATE)
    result = checked(STATE, found)
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
        checked(STATE, found, "generator")


def test_a_value_fills_an_array_of_its_own_form_alone():
    array = np.zeros(3)
    fill(array, np.ones(3))
    np.testing.assert_array_equal(array, 1)
    with pytest.raises(ValueError, match="dtype float64"):
        fill(array, np.ones(3, "int64"))
    with pytest.raises(ValueError, match=r"shape \(3,\), not \(1,\)"):
        fill(array, np.ones(1))
