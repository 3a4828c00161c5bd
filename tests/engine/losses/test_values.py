import numpy as np
import pytest
from scipy.optimize import check_grad

from skmlp._engine.losses import values

Y = np.array([[0.5, 2.0], [1.5, 0.1], [3.0, 1.0]])
LOSSES = {
    "squared_error": (lambda z, y: (z - y) ** 2 / 2, ()),
    "absolute_error": (lambda z, y: np.abs(z - y), ()),
    "pinball": (lambda z, y: np.where(z > y, 0.7, -0.3) * (z - y), (np.array([0.3]),)),
    "huber": (
        lambda z, y: np.where(abs(z - y) < 1, (z - y) ** 2 / 2, abs(z - y) - 0.5),
        (np.ones(2),),
    ),
    "poisson_deviance": (lambda z, y: np.exp(z) - y - y * (z - np.log(y)), ()),
    "gamma_deviance": (lambda z, y: z - np.log(y) + y * np.exp(-z) - 1, ()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_derivative_are_those_of_the_formula(name):
    formula, settings = LOSSES[name]
    z = np.array([[0.2, 1.0], [1.7, -2.0], [3.3, 1.4]])
    derivative = z.copy()
    losses = getattr(values, name)(derivative, Y, *settings)
    # the squared error reports the mean over the outputs
    divisor = 2 if name == "squared_error" else 1
    np.testing.assert_allclose(losses * divisor, formula(z, Y), rtol=1e-12, atol=1e-15)

    def total(flat):
        return formula(flat.reshape(z.shape), Y).sum()

    assert check_grad(total, lambda flat: derivative.reshape(-1), z.reshape(-1)) < 1e-6


def test_every_function_of_the_module_is_here():
    kernels = {name for name in vars(values) if hasattr(vars(values)[name], "__wrapped__")}
    assert kernels == set(LOSSES)
