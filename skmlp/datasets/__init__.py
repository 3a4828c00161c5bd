"""The MNIST handwritten digits, read from a local copy or from OpenML."""

from skmlp.datasets._mnist import load_mnist

__all__ = ["load_mnist"]
