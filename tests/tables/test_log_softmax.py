import numpy as np
from numpy.testing import assert_array_equal
from scipy.special import log_softmax as reference

from skmlp._tables.log_softmax import log_softmax


def test_values_are_those_of_scipy():
    z = np.random.RandomState(0).normal(scale=30, size=(50, 4))
    z[0] = [800, -800, 0, 800]
    assert_array_equal(log_softmax(z), reference(z, axis=1))
