"""Features that are learnt from targets in ONNX, against the transformers."""

import numpy as np
import pytest
from exported_tables import feeds, fitted_classifier, rows_to_predict, run_graph
from numpy.testing import assert_allclose

from skmlp._export.tables.inputs import Read, write_reading
from skmlp._export.tables.learnt import write_learnt_features
from skmlp._tables.evidence import Evidence, LearntFeatures
from skmlp._tables.target_codes import codes_of_classes


@pytest.mark.parametrize("member", [0, 1])
def test_features_are_those_of_each_member(member):
    model, frame = fitted_classifier(3), rows_to_predict()
    ensemble = model.ensemble_
    columns_of_member = {}

    def write(g):
        read = write_reading(g, model, "")
        members = [each.learnt_ for each in ensemble.members_]
        learnt = write_learnt_features(g, ensemble.evidence_, members, read, "")
        columns_of_member.update(enumerate(learnt.of_member))
        return learnt.features

    found = run_graph(write, feeds(frame), 20)[:, columns_of_member[member]]
    evidence = ensemble.evidence_.transform(model.reader_.transform(frame))
    expected = ensemble.members_[member].learnt_.transform(evidence)
    assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_numbers_that_are_codes_are_found_by_their_value():
    values = np.array([-3, 0, 5, 1000], np.float32)
    codes = np.arange(40) % 4
    target = codes_of_classes((codes > 1).astype(int), 2, None)
    learnt = LearntFeatures()
    rng = np.random.RandomState(0)
    learnt.fit_transform(Evidence(codes[:, np.newaxis], []), target, rng)

    class OfNumbers:
        many_, rare_, numbers_ = (), {}, {1: values}

    numbers = np.array([[0, -3], [0, -0.0], [0, 5], [0, 1000], [5, 1], [5, np.nan]], np.float32)
    read = Read("numbers", None, [], [])
    found = run_graph(
        lambda g: write_learnt_features(g, OfNumbers(), [learnt], read, "").features,
        {"numbers": numbers},
    )
    expected = learnt.transform(Evidence(np.array([[0], [1], [2], [3], [-1], [-1]]), []))
    assert_allclose(found, expected, rtol=0, atol=1e-7)


def test_there_may_be_no_such_features():
    class OfNothing:
        many_, rare_, numbers_ = (), {}, {}

    learnt = write_learnt_features(None, OfNothing(), [None, None], None, "")
    assert learnt.features is None
    assert [len(columns) for columns in learnt.of_member] == [0, 0]
