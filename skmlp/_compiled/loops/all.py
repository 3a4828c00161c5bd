"""All loops, by name."""

from skmlp._compiled.loops import activations, losses, optimizers, sparse_rows, vectors
from skmlp._compiled.loops.registry import LOOPS

__all__ = ["LOOPS", "activations", "losses", "optimizers", "sparse_rows", "vectors"]
