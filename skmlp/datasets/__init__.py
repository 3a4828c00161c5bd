"""Loaders of data sets.

:func:`load_mnist` reads the MNIST handwritten digits from local files, or downloads them from
OpenML.
"""

from skmlp.datasets._mnist import load_mnist

__all__ = ["load_mnist"]
