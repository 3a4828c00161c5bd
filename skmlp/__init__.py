"""A multilayer perceptron for scikit-learn users, written in NumPy."""

from skmlp._classifier import NumpyMLPClassifier

__all__ = ["NumpyMLPClassifier"]
__version__ = "0.1.0"
