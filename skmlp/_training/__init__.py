"""What changes the parameters: datasets, optimizers, schedules and the training loops."""

# models saved by skmlp 0.1.0 name the class here
from skmlp._training.history import StoppingRule

__all__ = ["StoppingRule"]
