from dataclasses import dataclass, field

import numpy as np
import pytest

from skmlp._persistence.state_dict import (
    CLASSES,
    from_state_dict,
    load_state_dict,
    to_state_dict,
)


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


@pytest.fixture(autouse=True)
def known_classes(monkeypatch):
    for cls in (Part, Whole):
        monkeypatch.setitem(CLASSES, cls.__name__, cls)


def test_restoring_a_snapshot_gives_the_same_in_place():
    thing, other = Whole(), Whole(np.zeros(3), np.float32(7), 9, 9.0, False, None, Part([], "x"))
    vector, part, scratch = other.vector, other.part, other.scratch
    load_state_dict(other, to_state_dict(thing))
    assert to_state_dict(other) == {**to_state_dict(thing), "vector": other.vector}
    np.testing.assert_array_equal(other.vector, thing.vector)
    assert other.vector is vector
    assert other.part is part
    assert other.scratch is scratch
    assert type(other.precise) is np.float32


def test_a_snapshot_is_of_plain_values_and_has_no_scratch_space():
    plain = to_state_dict(Whole())
    names = ["class", "vector", "precise", "count", "rate", "on", "nothing", "part"]
    assert list(plain) == names
    assert plain["class"] == "Whole"
    assert plain["part"] == {"class": "Part", "curve": [1.0, 2.5], "name": "linear"}


def with_part(plain, attributes):
    return plain | {"part": {"class": "Part"} | attributes}


BAD = {
    "no dict": lambda plain: [],
    "an attribute missing": lambda plain: plain.pop("count") and plain,
    "an attribute too many": lambda plain: plain | {"more": 1},
    "another class": lambda plain: plain | {"class": "Part"},
    "no class": lambda plain: plain.pop("class") and plain,
    "a part of another class": lambda plain: plain | {"part": plain["part"] | {"class": "Whole"}},
    "a part that is no dict": lambda plain: plain | {"part": 3},
    "a part that lacks an attribute": lambda plain: with_part(plain, {"name": "x"}),
    "another shape": lambda plain: plain | {"vector": np.zeros(4)},
    "another number of axes": lambda plain: plain | {"vector": np.zeros((3, 1))},
    "another dtype": lambda plain: plain | {"vector": np.zeros(3, "float32")},
    "no array": lambda plain: plain | {"vector": [0.0, 1.0, 2.0]},
    "a fraction for a count": lambda plain: plain | {"count": 2.5},
    "a count below 0": lambda plain: plain | {"count": -1},
    "a bool for a count": lambda plain: plain | {"count": True},
    "a number for a bool": lambda plain: plain | {"on": 1},
    "something for nothing": lambda plain: plain | {"nothing": 0},
    "text in a curve": lambda plain: with_part(plain, {"curve": ["x"], "name": "x"}),
    "a number for a curve": lambda plain: with_part(plain, {"curve": 1.0, "name": "x"}),
    "a number for text": lambda plain: with_part(plain, {"curve": [], "name": 1}),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_snapshot_of_such_a_thing_is_refused(kind):
    with pytest.raises(ValueError, match=r"has \[|must have|cannot be"):
        load_state_dict(Whole(), BAD[kind](to_state_dict(Whole())))


def test_a_new_object_has_the_stored_attributes():
    thing = Whole(count=7, part=Part([0.5], "cosine"))
    again = from_state_dict(to_state_dict(thing))
    assert again.part == thing.part
    assert (again.count, again.rate, again.nothing) == (7, 0.5, None)
    assert again.vector is thing.vector


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"class": "Socket"},
        {"class": [3]},
        {"class": "Part", "a": {"class": 1}},
        {"class": "Part", "a": {}},
    ],
)
def test_a_class_that_is_not_known_is_refused(state):
    with pytest.raises(ValueError, match=r"the stored class .* is none of"):
        from_state_dict(state)


def test_the_names_of_the_classes_are_part_of_the_file_format():
    classes = {name for name, cls in CLASSES.items() if cls not in (Part, Whole)}
    assert classes == {
        "ClassificationTargets", "SoftmaxCrossEntropy", "LogisticCrossEntropy",
        "RegressionTargets", "AbsoluteError", "GammaDeviance", "Huber", "Pinball",
        "PoissonDeviance", "SquaredError",
        "History", "ReplayedPlateaus", "Solver", "StoppingRule", "TrainingState",
        "Adam", "AdamW", "NAdam", "RMSprop", "SGD",
        "Adaptive", "Constant", "Cosine", "Exponential", "InverseScaling", "Linear", "OneCycle",
    }  # fmt: skip
