"""A multilayer perceptron for scikit-learn users, written in NumPy."""

__version__ = "0.1.0"
